"""Each file is looked at just before it is touched; its pin outlives the repair, and a run that dies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    check_targets,
    consistency,
    paths_api,
    repair_plan,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import Content
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import Finding
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.module_utils.repair_plan import Kept, Step
from ansible_collections.alluxops.cache.plugins.plugin_utils import digests, repair_run
from ansible_collections.alluxops.cache.plugins.plugin_utils.repair_note import RepairNote
from ansible_collections.alluxops.cache.plugins.plugin_utils.repair_run import Repair
from tests.unit.cache.check_cases import CONTENT, MD5, STORED, entry

Json = dict[str, Any]
PATH = "/d/a"
PIN = Kept(PATH, is_pinned=True, media=("MEM",), min_copies=1, ttl_action="FREE")


class World:
    """A cache with one file, whose store has another version of it, or the API server with the note."""

    kube, namespace, release, timeout_s, pod = None, "ns", "cache", 60, "pod"
    capacity_bytes = 1 << 30

    def __init__(self, **file: Any) -> None:
        self.file: Json | None = entry(PATH, **file)
        self.noted: dict[str, Kept] = {}
        self.events: list[str] = []
        self.is_gone = False
        self.is_held = False
        self.dies_at = self.fails_at = ""
        self.loads = 100
        self.store_says = ""
        self.note_takes = True

    def ask(self, request: paths_api.Request) -> Any:
        """What Alluxio does, as it was seen to do it."""
        is_sync = request.body.get("commonOptions", {}).get("syncIntervalMs") == 0
        name = "sync" if is_sync else request.operation
        if name != "get-status":
            self.events.append(name)
        if name == self.dies_at:
            raise KeyboardInterrupt
        if name == self.fails_at:
            raise PathError(request, "INTERNAL", "broken")
        if name == "sync":
            assert request.body["loadMetadataType"] == "ONCE"
            # A new version has no pin, and nothing is cached of it.
            self.file = None if self.is_gone else entry(PATH, inAlluxioPercentage=0)
        if self.file is None:
            raise PathError(request, paths_api.NOT_FOUND, f'Path "{PATH}" does not exist.')
        if name == "free":
            assert request.body == {"recursive": False, "forced": True}
            gone = {"pinned": False, "replicationMin": 0, "pinnedMediumTypes": []}
            self.file |= gone
            self.file["inAlluxioPercentage"] = 100 if self.is_held else 0
        if name == "set-attribute" and request.body.get("pinned"):
            media = request.body["pinnedMedia"]
            self.file |= {"pinned": True, "pinnedMediumTypes": media, "replicationMin": 1}
        return self.file

    def read(self) -> dict[str, Kept]:
        """The note."""
        return dict(self.noted)

    def write(self, owed: dict[str, Kept]) -> set[str]:
        """Write the note."""
        self.events.append(f"note {len(owed)}")
        self.noted = dict(owed) if self.note_takes else {}
        return set(self.noted)


@pytest.fixture(autouse=True)
def _loads(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(world: World, *args: Any) -> dict[str, Digest]:
        world.events.append("load")
        if world.file:
            world.file["inAlluxioPercentage"] = world.loads
        return {path: Digest(MD5, len(CONTENT)) for path in args[1]}

    monkeypatch.setattr(digests, "read", read)
    monkeypatch.setattr(repair_run, "POLL_S", 0.0)


def repair_of(world: World) -> Repair:
    """A repair of what is in /d. The world is all that it talks to."""
    world.kube = cast("Any", world)
    check = SimpleNamespace(
        reader=world,
        cache=world,
        stores=world,
        parts=check_targets.parts(["/d"], {"/": Mount("/", "s3://b", False, False)}),
        known={PATH: consistency.file_of(world.file)} if world.file else {},
        stored={PATH: STORED},
        read=lambda files: Content(
            findings=[Finding(file.path, consistency.DIFFERS, "") for file in files]
        ),
        keep_stores=lambda: None,
        is_stored=lambda _: not world.is_gone,
        read_stored=lambda sizes: {path: Digest(MD5, why=world.store_says) for path in sizes},
    )
    return Repair(cast("Any", check), cast("RepairNote", world))


def apply(world: World, kind: repair_plan.Kind, *, loads: bool = True) -> list[str]:
    left = repair_of(world).apply([Step(PATH, kind, loads)], lambda _: None)
    return [one.kind for one in left]


PINNED: Json = {"pinned": True, "pinnedMediumTypes": ["MEM"], "replicationMin": 1}


def test_a_changed_file_is_learnt_and_loaded_again() -> None:
    world = World()
    assert apply(world, "follow") == []
    assert world.events == ["sync", "load"]


@pytest.mark.parametrize("kind", ["follow", "evict"])
def test_a_pin_is_noted_before_and_set_again_after(kind: repair_plan.Kind) -> None:
    world = World(**PINNED)
    assert apply(world, kind) == []
    step = "sync" if kind == "follow" else "free"
    assert world.events == ["note 1", step, "set-attribute", "note 0", "load"]
    assert world.file is not None
    assert world.file["pinned"]
    assert world.file["pinnedMediumTypes"] == ["MEM"]


def test_a_run_that_dies_leaves_the_pin_to_the_next() -> None:
    world = World(**PINNED)
    world.dies_at = "set-attribute"
    with pytest.raises(KeyboardInterrupt):
        apply(world, "evict")
    assert world.noted == {PATH: PIN}
    world.dies_at = ""
    world.events.clear()
    repair = repair_of(world)
    assert repair.owed == [PATH]
    assert repair.apply([Step(PATH, "settings")], lambda _: None) == []
    assert world.events == ["note 1", "set-attribute", "note 0", "load"]
    assert world.noted == {}


def test_what_was_set_since_the_file_was_listed_is_noted() -> None:
    world = World()
    repair = repair_of(world)
    assert world.file is not None
    world.file |= PINNED
    assert repair.apply([Step(PATH, "evict", loads=True)], lambda _: None) == []
    assert world.events[0] == "note 1"
    assert world.file["pinned"]
    repair = repair_of(world)
    world.file |= entry(PATH)
    assert repair.apply([Step(PATH, "evict", loads=True)], lambda _: None) == []
    assert not world.file["pinned"]


def test_a_note_is_older_than_what_a_died_run_has_left() -> None:
    world = World()
    world.noted = {PATH: PIN}
    assert apply(world, "follow") == []
    assert world.file is not None
    assert world.file["pinned"]


def test_what_others_owe_elsewhere_stays_noted() -> None:
    world = World(**PINNED)
    world.noted = {"/other/x": replace(PIN, path="/other/x")}
    assert apply(world, "follow") == []
    assert set(world.noted) == {"/other/x"}


@pytest.mark.parametrize("kind", ["follow", "forget", "evict"])
@pytest.mark.parametrize(
    "now", [{"persistenceState": "NOT_PERSISTED"}, {"completed": False}, {"folder": True}]
)
def test_what_is_only_cached_by_then_is_left(kind: repair_plan.Kind, now: Json) -> None:
    world = World(**now)
    assert apply(world, kind) == [consistency.UNREADABLE]
    assert not {"sync", "free", "load"} & set(world.events)


def test_what_the_store_has_no_more_is_forgotten_and_not_loaded() -> None:
    world = World(**PINNED)
    world.is_gone = True
    assert apply(world, "forget", loads=False) == []
    assert "load" not in world.events
    assert world.file is None


def test_what_its_store_has_after_all_is_not_forgotten() -> None:
    world = World()
    assert apply(world, "forget", loads=False) == [consistency.UNREADABLE]
    assert "sync" not in world.events


def test_what_is_back_when_it_was_to_be_forgotten_keeps_its_pin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(**PINNED)
    repair = repair_of(world)
    monkeypatch.setattr(repair._check, "is_stored", lambda _: False)
    assert repair.apply([Step(PATH, "forget")], lambda _: None) == []
    assert world.file is not None
    assert world.file["pinned"]


@pytest.mark.parametrize("kind", ["follow", "evict"])
def test_what_the_store_cannot_give_now_stays_as_it_is_cached(kind: repair_plan.Kind) -> None:
    world = World(**PINNED, inAlluxioPercentage=50)
    before = dict(world.file or {})
    world.is_gone, world.store_says = True, "it broke off after 3 of 7 bytes"
    [left] = repair_of(world).apply([Step(PATH, kind, loads=True)], lambda _: None)
    assert left.detail.startswith(consistency.IN_STORE)
    assert (world.file, world.events, world.noted) == (before, [], {})


def test_what_does_not_fit_into_the_note_is_not_touched_and_told_so() -> None:
    world = World(**PINNED)
    world.note_takes = False
    [left] = repair_of(world).apply([Step(PATH, "evict", loads=True)], lambda _: None)
    assert left.detail == repair_run.FULL
    assert world.events == ["note 1"]


def test_of_what_changed_meanwhile_nothing_stays_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(**PINNED)
    answers = iter([True, False])
    monkeypatch.setattr(repair_run, "_may_be_touched", lambda _: next(answers))
    [left] = repair_of(world).apply([Step(PATH, "evict", loads=True)], lambda _: None)
    assert left.detail == repair_run.MEANWHILE
    assert world.events == ["note 1", "note 0"]
    assert world.noted == {}


def test_a_batch_has_no_more_bytes_than_stay_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a cache that holds four times a file each is loaded, and seen whole, before the next one is."""
    monkeypatch.setattr(World, "capacity_bytes", 4 * len(CONTENT))
    world = World()
    repair = repair_of(world)
    repair._check.stored["/d/b"] = replace(STORED, path="/d/b")
    repair.apply([Step(PATH, "load", loads=True), Step("/d/b", "load", loads=True)], lambda _: None)
    assert world.events == ["load", "load"]


def test_what_is_gone_after_a_step_is_told_and_stays_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(**PINNED)
    world.is_gone = True
    repair = repair_of(world)
    monkeypatch.setattr(repair._check, "is_stored", lambda _: True)
    [left] = repair.apply([Step(PATH, "follow", loads=True)], lambda _: None)
    assert left.detail == repair_run.GONE
    assert world.noted == {PATH: PIN}
    # It is back by the next run, as its store has it.
    world.is_gone = False
    world.events.clear()
    assert apply(world, "settings", loads=False) == []
    assert world.events == ["note 1", "sync", "set-attribute", "note 0", "load"]
    assert world.file is not None
    assert world.file["pinned"]


def test_what_neither_side_has_any_more_is_owed_nothing() -> None:
    world = World()
    world.file, world.is_gone, world.noted = None, True, {PATH: PIN}
    repair = repair_of(world)
    repair._check.stored.clear()
    assert repair.apply([Step(PATH, "settings")], lambda _: None) == []
    assert world.noted == {}


def test_a_new_file_is_loaded_where_its_directory_is_pinned() -> None:
    world = World(**PINNED, inAlluxioPercentage=0)
    repair = repair_of(world)
    assert repair._is_to_load(Step(PATH, "follow"))
    assert not repair_of(World())._is_to_load(Step(PATH, "follow"))


def test_what_is_not_cached_whole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "timeout_s", 0)
    world = World()
    world.loads = 50
    assert apply(world, "load") == [consistency.LOST]


@pytest.mark.parametrize("fails_at", ["get-status", "sync", "set-attribute"])
def test_what_is_refused_for_one_path_is_told_of_it_and_stays_owed(fails_at: str) -> None:
    world = World(**PINNED)
    world.noted = {PATH: PIN}
    world.fails_at = fails_at
    steps = [Step(PATH, "follow", loads=True)]
    left = repair_of(world).apply(steps, lambda _: None)
    assert {(one.path, one.detail) for one in left} == {(PATH, "broken")}
    assert world.noted == {PATH: PIN}


def test_what_is_refused_while_it_is_awaited_is_not_waited_for() -> None:
    world = World()
    world.fails_at = "get-status"
    repair = repair_of(world)
    assert repair._wait([PATH], lambda _: False, "to be so") == {PATH}
    assert [one.detail for one in repair._left] == ["broken"]


def test_a_block_that_workers_do_not_drop_is_no_eviction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "timeout_s", 0)
    world = World(inAlluxioPercentage=0, cachedBytes=1)
    [left] = repair_of(world).apply([Step(PATH, "evict", loads=True)], lambda _: None)
    assert left.detail == repair_run.STAYS
    assert "load" not in world.events


def test_what_workers_do_not_drop_is_told_and_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "timeout_s", 0)
    world = World(**PINNED)
    world.is_held = True
    [left] = repair_of(world).apply([Step(PATH, "evict", loads=True)], lambda _: None)
    assert left.detail == repair_run.STAYS
    assert "load" not in world.events
    assert world.file is not None
    assert world.file["pinned"]


@pytest.mark.parametrize(
    ("kind", "hash_", "loaded", "is_read"),
    [
        ("load", MD5, MD5, False),
        ("load", MD5, "0" * 32, True),
        ("evict", MD5, MD5, False),
        ("evict", f"{MD5}-2", MD5, True),
        ("follow", f"{MD5}-2", MD5, False),
    ],
)
def test_loaded_content_is_read_again_where_its_digest_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
    kind: repair_plan.Kind,
    hash_: str,
    loaded: str,
    *,
    is_read: bool,
) -> None:
    def load(world: World, *args: Any) -> dict[str, Digest]:
        assert world.file
        world.file["inAlluxioPercentage"] = 100
        return {path: Digest(loaded, 7) for path in args[1]}

    monkeypatch.setattr(digests, "read", load)
    repair = repair_of(World())
    repair._check.stored[PATH] = replace(STORED, hash=hash_)
    found = [consistency.DIFFERS] if is_read else []
    left = repair.apply([Step(PATH, kind, loads=True)], lambda _: None)
    assert [one.kind for one in left] == found
