"""In which order datasets are brought to what is declared, and what of them has to fit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action import datasets as action
from ansible_collections.alluxops.cache.plugins.action.datasets import UNKNOWN, _Run
from ansible_collections.alluxops.cache.plugins.module_utils import dataset_refuse
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_plan import Plan
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import (
    Actual,
    File,
    Mount,
    Top,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    ManySettingsErrors,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache

TOP = Top(0, is_pinned=False, media=(), ttl_ms=-1, ttl_action="FREE")
SMALL = File("/a/s", 1, 1, True, False, True, 0, -1)
LARGE = File("/a/x", 100, 0, False, False, True, 0, -1)
ONE = Dataset("a", "/a", load=("/a",))


class Cache:
    """A cache that notes whose plans are applied, and holds few bytes."""

    namespace, capacity_bytes, workers, tier_bytes = "ns", 10, 1, MappingProxyType({"MEM": 10})
    asks_stores, wanted_workers = True, 2

    def __init__(self, *knows: File, new: Sequence[File] = ()) -> None:
        self.applied: list[str] = []
        self.learns: list[str] = []
        self.knows = knows
        self.new = new

    def mounts(self) -> dict[str, Mount]:
        """The root is all that is mounted."""
        return {"/": Mount("/", "s3://root", read_only=False, shared=False)}

    def actual(self, *_: Any) -> Actual:
        """What it knows."""
        return Actual(None, TOP, self.knows)

    def parts(self, one: Dataset) -> list[str]:
        """All of them are there."""
        return list(one.load)

    def learnt(self, one: Dataset) -> tuple[File, ...]:
        """What it knows then."""
        self.learns.append(one.name)
        return (*self.knows, *self.new)

    def apply(self, plan: Plan, *_: Any) -> None:
        """Note it."""
        self.applied.append(plan.dataset.name)


def run_of(cache: Cache, *declared: Dataset) -> _Run:
    confirmed = {dataset_refuse.REMOUNT: "", dataset_refuse.LOSES: ""}
    return _Run(cast("DatasetCache", cache), declared, confirmed)


def test_a_mount_goes_before_its_store_is_mounted_under_another_name() -> None:
    cache = Cache()
    new = Dataset("new", "/new", "s3://b")
    old = Dataset("old", "/old", "s3://b", state="absent")
    run_of(cache, new, old).apply([Plan(one, (), {}, {}) for one in (new, old)])
    assert cache.applied == ["old", "new"]


def test_a_plan_learns_nothing_and_a_run_loads_what_is_new() -> None:
    cache = Cache(SMALL, new=[replace(SMALL, path="/a/new", is_loaded=False)])
    run = run_of(cache, ONE)
    run.look()
    run.refuse_what_does_not_fit(asks_stores=True)
    assert (run.plans()[0].steps, cache.learns) == ((), [])
    assert run.to_learn() == [ONE]
    run.learn()
    (plan,) = run.plans()
    assert plan.shown == ["a: load /a: 1 files"]


def test_what_is_new_and_does_not_fit_is_refused_before_it_is_loaded() -> None:
    run = run_of(Cache(SMALL, new=[LARGE]), ONE)
    run.look()
    run.refuse_what_does_not_fit(asks_stores=True)
    run.learn()
    with pytest.raises(ManySettingsErrors, match="loads or pins"):
        run.refuse_what_does_not_fit(asks_stores=False)


def test_more_copies_than_workers_are_refused() -> None:
    pinned = replace(ONE, pin=True)
    run_of(Cache(SMALL), replace(pinned, replication_min=2)).look()
    with pytest.raises(ManySettingsErrors, match="replication_min of a is 3, and the cache has 2"):
        run_of(Cache(SMALL), replace(pinned, replication_min=3)).look()
    run_of(Cache(SMALL), replace(pinned, replication_min=3, state="absent")).look()


class Unaware(Cache):
    """One that knows of nothing: neither of the path, nor of what is below."""

    def actual(self, *_: Any) -> Actual:
        """Nothing."""
        return Actual()


class Forgetful(Cache):
    """One that knows the directory, and none of the paths to load."""

    def parts(self, one: Dataset) -> list[str]:
        """None."""
        del one
        return []


@pytest.mark.parametrize(
    ("cache", "one", "path"),
    [
        (Unaware(), ONE, "/a"),
        (Unaware(), replace(ONE, load=(), state="freed"), "/a"),
        (Unaware(), replace(ONE, ufs="s3://b"), "/a"),
        (Forgetful(), replace(ONE, load=("/a/t",)), "/a/t"),
    ],
)
def test_where_no_store_is_asked_a_path_is_told_as_unknown(
    cache: Cache, one: Dataset, path: str
) -> None:
    run = run_of(cache, one)
    if not one.ufs:
        with pytest.raises(ManySettingsErrors, match=r"there is no /a|is not there"):
            run.look()
    cache.asks_stores = False
    run.look()
    assert run.unknown == [f"a: {path} {UNKNOWN}"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_asks_no_store(monkeypatch: pytest.MonkeyPatch, *, check_mode: bool) -> None:
    asks: list[bool] = []

    def opened(*_: Any, asks_stores: bool) -> None:
        asks.append(asks_stores)
        raise CacheError("enough")

    monkeypatch.setattr(action, "DatasetCache", opened)
    options = {"datasets": [{"name": "a"}], "confirm_remount": "", "loses": "", "wait_timeout_s": 1}
    with pytest.raises(CacheError, match="enough"):
        action.ActionModule.act(
            cast("Any", SimpleNamespace(check_mode=check_mode)),
            cast("Any", None),
            {**options, "namespace": "ns", "release": "r", "state": "planned"},
        )
    assert asks == [not check_mode]


def test_of_what_is_to_be_absent_nobody_needs_to_know_where_it_is() -> None:
    cache = Unaware()
    cache.asks_stores = False
    run = run_of(cache, replace(ONE, state="absent"))
    run.look()
    assert (run.unknown, run.plans()[0].steps) == ([], ())


@pytest.mark.parametrize(
    ("one", "learns"),
    [
        (ONE, True),
        (replace(ONE, load=(), pin=True), True),
        (replace(ONE, load=()), False),
        (replace(ONE, load=(), state="freed"), False),
        (replace(ONE, ttl_s=1), False),  # it is over
    ],
)
def test_only_what_is_loaded_or_pinned_is_learnt(one: Dataset, *, learns: bool) -> None:
    run = run_of(Cache(SMALL), one)
    run.look()
    assert bool(run.to_learn()) == learns


@pytest.mark.parametrize(
    ("one", "age_s", "fits"),
    [
        (ONE, 90, False),
        (replace(ONE, ttl_s=60), 90, True),
        (replace(ONE, ttl_s=60), 30, False),
        (replace(ONE, ttl_s=60, pin=True), 90, False),
    ],
)
def test_what_is_over_takes_no_room(one: Dataset, age_s: int, *, fits: bool) -> None:
    run = run_of(Cache(), one)
    top = replace(TOP, created_ms=int((time.time() - age_s) * 1000))
    run.actual = {one.name: Actual(None, top, (LARGE,))}
    if fits:
        run.refuse_what_does_not_fit(asks_stores=True)
        return
    with pytest.raises(ManySettingsErrors, match="loads or pins"):
        run.refuse_what_does_not_fit(asks_stores=True)
