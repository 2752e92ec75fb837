"""In which order datasets are brought to what is declared, and what of them has to fit."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action.datasets import _Run
from ansible_collections.alluxops.cache.plugins.module_utils import dataset_refuse
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_plan import Plan
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Actual, File, Top
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import ManySettingsErrors
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache

TOP = Top(0, is_pinned=False, media=(), ttl_ms=-1, ttl_action="FREE")
LARGE = File("/a/x", 100, 0, False, False, True, 0, -1)
ONE = Dataset("a", "/a", load=("/a",))


class Cache:
    """A cache that notes whose plans are applied, and holds few bytes."""

    capacity_bytes, workers = 10, 1

    def __init__(self) -> None:
        self.applied: list[str] = []

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
        run.refuse_what_does_not_fit()
        return
    with pytest.raises(ManySettingsErrors, match="loads or pins"):
        run.refuse_what_does_not_fit()
