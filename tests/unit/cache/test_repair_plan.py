"""What is done about each finding, and what is left alone since only the cache has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import consistency, repair_plan
from ansible_collections.alluxops.cache.plugins.module_utils.check_targets import Part
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import File, Finding
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from ansible_collections.alluxops.cache.plugins.module_utils.repair_plan import Kept
from tests.unit.cache.check_cases import FILE, file_at

PINNED = replace(FILE, is_pinned=True, media=("MEM",), min_copies=2)
PATH = FILE.path


def planned(kind: str, file: File | None, *, declared: bool = False) -> repair_plan.Plan:
    known = {file.path: file} if file else {}
    return repair_plan.plan([Finding(PATH, kind, "why")], known, lambda _: declared)


@pytest.mark.parametrize(
    ("kind", "file", "declared", "shown"),
    [
        (consistency.CHANGED, FILE, False, "learn it from the store again, load it"),
        (consistency.TRUNCATED, replace(FILE, cached_bytes=0), False, "learn it from the store again"),
        (consistency.CHANGED, replace(FILE, cached_bytes=0), True, "learn it from the store again, load it"),
        (consistency.MISSING, FILE, True, "forget it"),
        (consistency.ADDED, None, False, "learn it from the store again"),
        (consistency.ADDED, None, True, "learn it from the store again, load it"),
        (consistency.LOST, FILE, False, "load it"),
        (consistency.DIFFERS, FILE, False, "drop what is cached of it, load it"),
        (consistency.UNREADABLE, FILE, False, "drop what is cached of it, load it"),
    ],
)  # fmt: skip
def test_each_finding_has_its_step(
    kind: str, file: File | None, shown: str, *, declared: bool
) -> None:
    plan = planned(kind, file, declared=declared)
    assert plan.shown == [f"{PATH}: {shown}"]
    assert plan.left == ()


@pytest.mark.parametrize("kind", [kind for kind in consistency.KINDS if kind != consistency.ADDED])
@pytest.mark.parametrize("state", ["NOT_PERSISTED", "TO_BE_PERSISTED", "LOST"])
def test_what_only_the_cache_has_is_never_touched(kind: str, state: str) -> None:
    plan = planned(kind, replace(FILE, state=state))
    assert (plan.steps, [one.kind for one in plan.left]) == ((), [kind])
    assert repair_plan.why_left(plan.left[0])


@pytest.mark.parametrize(
    ("files", "missing", "forgets", "kept"),
    [
        (2, 1, (), 0),
        (8, 1, (), 0),
        (8, 2, (), 2),
        (8, 7, (), 7),
        (8, 7, ("/d",), 0),
        (20, 2, (), 0),
        (20, 3, (), 3),
        (200, 20, (), 0),
        (200, 21, (), 21),
        (200, 21, ("/other",), 21),
        (200, 21, ("/d",), 0),
        (1, 1, (), 1),
        (1, 1, ("/d/0",), 0),
    ],
)
def test_much_that_is_missing_is_forgotten_only_where_that_is_confirmed(
    files: int, missing: int, forgets: tuple[str, ...], kept: int
) -> None:
    known = {f"/d/{number}": file_at(f"/d/{number}") for number in range(files)}
    known["/d/only"] = file_at("/d/only", state="NOT_PERSISTED")
    gone = list(known)[:missing]
    found = [Finding(path, consistency.MISSING, "why") for path in gone]
    parts = [
        Part("/d", Mount("/d", "s3://b", True, False)),
        Part("/e", Mount("/e", "s3://e", True, False)),
    ]
    stored = set(known) - {*gone, "/d/only"}
    doubtful = repair_plan.doubtful(found, known, stored, parts, forgets)
    assert len(doubtful) == kept
    plan = repair_plan.plan(found, known, lambda _: False, kept=doubtful)
    assert (len(plan.left), len(plan.steps)) == (kept, missing - kept)
    assert all(repair_plan.FORGETS in repair_plan.why_left(one) for one in plan.left)


@pytest.mark.parametrize(
    ("gibibytes", "cached_percent", "is_kept"),
    [(1.0, 100, False), (1.1, 100, True), (1.1, 50, False), (40, 0, False), (40, 3, True)],
)
@pytest.mark.parametrize("kind", [consistency.MISSING, consistency.TRUNCATED])
def test_much_that_workers_still_hold_is_dropped_only_where_that_is_confirmed(
    kind: str, gibibytes: float, cached_percent: int, *, is_kept: bool
) -> None:
    part_bytes = int(gibibytes * 1024**3 / 2)
    known = {f"/d/{number}": file_at(f"/d/{number}") for number in range(100)}
    gone = ["/d/0", "/d/1"]
    for path in gone:
        known[path] = replace(
            known[path], bytes=part_bytes, cached_bytes=part_bytes * cached_percent // 100
        )
    found = [Finding(path, kind, "why") for path in gone]
    parts = [Part("/d", Mount("/d", "s3://b", True, False))]
    stored = set(known) - (set(gone) if kind == consistency.MISSING else set())
    assert repair_plan.doubtful(found, known, stored, parts, ()) == (
        set(gone) if is_kept else set()
    )
    assert not repair_plan.doubtful(found, known, stored, parts, ["/d"])


@pytest.mark.parametrize(
    ("files", "kinds", "forgets", "kept"),
    [
        (100, {consistency.TRUNCATED: 100}, (), 100),
        (100, {consistency.TRUNCATED: 100}, ("/d",), 0),
        (100, {consistency.TRUNCATED: 10}, (), 0),
        (100, {consistency.TRUNCATED: 11}, (), 11),
        (100, {consistency.TRUNCATED: 6, consistency.MISSING: 5}, (), 11),
        (100, {consistency.TRUNCATED: 6, consistency.CHANGED: 90}, (), 0),
        (100, {consistency.CHANGED: 100}, (), 0),
        (2, {consistency.TRUNCATED: 1}, (), 0),
        (1, {consistency.TRUNCATED: 1}, (), 1),
    ],
)
def test_much_that_is_shorter_in_the_store_is_followed_only_where_that_is_confirmed(
    files: int, kinds: dict[str, int], forgets: tuple[str, ...], kept: int
) -> None:
    """A new version that is no shorter is a store's normal work."""
    known = {f"/d/{number}": file_at(f"/d/{number}") for number in range(files)}
    each = [kind for kind, number in kinds.items() for _ in range(number)]
    found = [Finding(path, kind, "why") for path, kind in zip(known, each, strict=False)]
    stored = set(known) - {one.path for one in found if one.kind == consistency.MISSING}
    parts = [Part("/d", Mount("/d", "s3://b", True, False))]
    doubtful = repair_plan.doubtful(found, known, stored, parts, forgets)
    plan = repair_plan.plan(found, known, lambda _: False, kept=doubtful)
    assert (len(plan.left), len(plan.steps)) == (kept, len(each) - kept)
    assert all(repair_plan.FORGETS in repair_plan.why_left(one) for one in plan.left)


def test_two_versions_are_left_to_their_owner() -> None:
    assert planned(consistency.CLASH, FILE).steps == ()


def test_what_cannot_be_read_in_the_store_is_not_the_caches_to_mend() -> None:
    finding = Finding(PATH, consistency.UNREADABLE, f"{consistency.IN_STORE}broken")
    assert repair_plan.plan([finding], {PATH: FILE}, lambda _: True).left == (finding,)
    assert "see the store" in repair_plan.why_left(finding)
    assert "see the store" not in repair_plan.why_left(replace(finding, detail="broken"))


@pytest.mark.parametrize(
    ("capacity", "limit"),
    [(0, consistency.BATCH_BYTES), (400, 100), (1 << 40, consistency.BATCH_BYTES)],
)
def test_what_is_loaded_at_once_stays_cached_until_it_was_seen(capacity: int, limit: int) -> None:
    assert repair_plan.batch_bytes(capacity) == limit


def test_what_an_interrupted_repair_owes_is_given_back() -> None:
    finding = Finding(PATH, consistency.CHANGED, "")
    plan = repair_plan.plan([finding], {PATH: FILE}, lambda _: False, [PATH, "/d/b"])
    assert [(step.path, step.kind) for step in plan.steps] == [
        (PATH, "follow"),
        ("/d/b", "settings"),
    ]


@pytest.mark.parametrize(
    ("now", "lacking"),
    [
        (PINNED, {}),
        (
            FILE,
            {"pinned": True, "pinnedMedia": ["MEM"], "replicationMin": 2},
        ),
        (replace(PINNED, media=()), {"pinned": True, "pinnedMedia": ["MEM"]}),
        (replace(PINNED, min_copies=1), {"replicationMin": 2}),
    ],
)
def test_only_what_is_lacking_is_set_again(now: File, lacking: dict[str, Any]) -> None:
    assert repair_plan.kept_of(PINNED).lacks(repair_plan.kept_of(now)) == lacking


def test_a_ttl_and_a_limit_of_replicas_are_set_again() -> None:
    kept = repair_plan.kept_of(replace(FILE, ttl_ms=60_000, max_copies=3))
    assert kept.lacks(repair_plan.kept_of(FILE)) == {
        "replicationMax": 3,
        "commonOptions": {"ttl": 60_000, "ttlAction": "FREE"},
    }


def test_a_file_without_settings_needs_no_note() -> None:
    assert repair_plan.kept_of(FILE).is_plain
    assert not repair_plan.kept_of(PINNED).is_plain


def test_a_note_is_read_as_it_was_written() -> None:
    kept = [repair_plan.kept_of(PINNED), Kept('/d/"\n', ttl_ms=1, ttl_action="FREE")]
    assert repair_plan.unpacked(repair_plan.packed(kept)) == {one.path: one for one in kept}
    assert repair_plan.unpacked("") == {}


def test_a_note_holds_what_fits() -> None:
    many = [Kept(f"/d/{'x' * 1000}/{number}", is_pinned=True) for number in range(2000)]
    text = repair_plan.packed(many)
    assert len(text) <= repair_plan.NOTE_LIMIT_BYTES
    assert 0 < len(repair_plan.unpacked(text)) < 2000
