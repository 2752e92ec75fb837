"""Every way in which a cache and its store may differ gets its name, and nothing else gets one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import consistency, paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import (
    Compared,
    File,
    Finding,
    Known,
    Stored,
)
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from tests.unit.cache.check_cases import (
    CONTENT,
    FILE,
    MD5,
    STORED,
    entry,
    file_at,
    known,
    stored_at,
)

OTHER = "0" * 32
ONLY: dict[str, Any] = {"state": "NOT_PERSISTED", "hash": ""}


def compare(have: Known, *stored: Stored, must_be_cached: bool = False) -> Compared:
    there = {one.path: one for one in stored}
    return consistency.compare(have, there, lambda _: must_be_cached)


@pytest.mark.parametrize(
    ("file", "stored", "kind"),
    [
        (FILE, STORED, None),
        (FILE, None, consistency.MISSING),
        (FILE, replace(STORED, bytes=3), consistency.TRUNCATED),
        (FILE, replace(STORED, bytes=9), consistency.CHANGED),
        (FILE, replace(STORED, hash=OTHER), consistency.CHANGED),
        (replace(FILE, hash=""), STORED, None),
        (FILE, replace(STORED, hash=""), None),
        (replace(FILE, **ONLY), None, None),
        (replace(FILE, **ONLY), STORED, consistency.CLASH),
        (replace(FILE, **ONLY, cached_bytes=3), None, consistency.LOST),
        (replace(FILE, state="LOST"), None, None),
        (replace(FILE, cached_bytes=0), STORED, None),
    ],
)
def test_each_difference_has_its_name(file: File, stored: Stored | None, kind: str | None) -> None:
    found = compare(known(file), *([stored] if stored else []))
    assert [one.kind for one in found.findings] == ([kind] if kind else [])
    assert len(found.findings) + len(found.same) + len(found.only_cached) == 1


def test_what_has_to_be_cached_and_is_not_is_found() -> None:
    part = replace(FILE, cached_bytes=len(CONTENT) // 2)
    assert compare(known(part), STORED).findings == ()
    [found] = compare(known(part), STORED, must_be_cached=True).findings
    assert (found.kind, found.detail) == (consistency.LOST, "42 % cached, all of it should be")
    assert compare(known(replace(part, bytes=0)), replace(STORED, bytes=0)).findings == ()


@pytest.mark.parametrize("other", [{"state": "TO_BE_PERSISTED"}, {"is_complete": False}])
def test_what_is_being_written_is_not_judged(other: dict[str, Any]) -> None:
    found = compare(known(replace(FILE, **other)))
    assert (found.findings, found.unfinished) == ((), 1)


@pytest.mark.parametrize(
    ("path", "folders", "kinds"),
    [
        ("/d/new", ("/d",), [consistency.ADDED]),
        ("/d/new/x", ("/d",), [consistency.ADDED]),
        ("/d/empty/x", ("/d", "/d/empty"), []),
        ("/d/empty/deep/x", ("/d", "/d/empty"), []),
    ],
)
def test_a_file_is_missed_only_where_somebody_has_listed(
    path: str, folders: tuple[str, ...], kinds: list[str]
) -> None:
    found = compare(known(FILE, folders=folders), STORED, stored_at(path))
    assert [one.kind for one in found.findings] == kinds
    assert found.unknown == 1 - len(kinds)


def test_a_file_where_the_cache_has_a_directory_is_no_new_one() -> None:
    have = known(file_at("/d/a/x", **ONLY), folders=("/d", "/d/a"))
    found = compare(have, STORED)
    assert [(one.path, one.kind) for one in found.findings] == [("/d/a", consistency.CLASH)]
    assert found.unknown == 0


def test_a_file_below_one_that_only_the_cache_has_is_no_new_one() -> None:
    found = compare(known(replace(FILE, **ONLY)), stored_at("/d/a/x/y"), stored_at("/d/b"))
    assert [(one.path, one.kind) for one in found.findings] == [
        ("/d/a/x/y", consistency.CLASH),
        ("/d/b", consistency.ADDED),
    ]


def test_a_mount_that_nobody_has_listed_lacks_nothing() -> None:
    found = compare(consistency.parse_known([], "/d"), STORED)
    assert (found.findings, found.unknown) == ((), 1)


def test_a_listing_of_the_cache_is_read() -> None:
    folder = {"path": "/d/sub", "folder": True}
    found = consistency.parse_known([folder, entry("/d/a")], "/d")
    assert found == Known({"/d/a": FILE}, frozenset({"/d", "/d/sub"}), frozenset({"/d"}))


def test_a_file_by_itself_is_read() -> None:
    found = consistency.parse_known([entry("/d/a")], "/d/a")
    assert list(found.files) == ["/d/a"]
    assert consistency.parse_stored([entry("/store-1/a")], "/store-1/a", "/d/a") == {"/d/a": STORED}


def test_a_listing_of_the_store_has_the_paths_of_the_cache() -> None:
    listing = [{"path": "/store-0/sub", "folder": True}, entry("/store-0/sub/a")]
    assert list(consistency.parse_stored(listing, "/store-0", "/")) == ["/sub/a"]
    assert list(consistency.parse_stored(listing, "/store-0", "/d")) == ["/d/sub/a"]


@pytest.mark.parametrize(
    ("fingerprint", "found"),
    [
        (f"TYPE|FILE UFS|s3 MODE|448 CONTENT_HASH|{MD5}-2 ", f"{MD5}-2"),
        ("TYPE|FILE UFS|s3 MODE|448 CONTENT_HASH|_ ", ""),
        ("", ""),
    ],
)
def test_the_hash_of_a_fingerprint(fingerprint: str, found: str) -> None:
    assert consistency.file_of(entry("/d/a", ufsFingerprint=fingerprint)).hash == found


def test_only_the_hash_of_an_object_in_one_part_is_a_digest() -> None:
    assert STORED.md5 == MD5
    assert replace(STORED, hash=f"{MD5}-2").md5 == ""


def test_content_is_read_of_what_workers_hold() -> None:
    none, empty = file_at("/d/none", cached_bytes=0), file_at("/d/empty", bytes=0)
    part = file_at("/d/part", cached_bytes=1)
    assert consistency.to_read([FILE, none, empty, part]) == [FILE, part]


def test_a_block_of_a_large_file_is_held_though_it_is_no_whole_percent() -> None:
    blocks = {"length": 10 * 1024**3, "inAlluxioPercentage": 0, paths_api.CACHED: 64 * 1024**2}
    large = consistency.file_of(entry("/d/large", **blocks))
    assert consistency.to_read([large]) == [large]
    assert not large.is_cached_whole


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    files = [file_at(f"/d/{number}") for number in range(1000)]
    chosen = consistency.sample(files, 20, 1)
    assert len(chosen) == 20
    assert consistency.sample(files[::-1], 20, 1) == chosen[::-1]
    assert consistency.sample(files, 20, 2) != chosen
    assert consistency.sample(files[:5], 20, 1) == files[:5]


def test_a_name_that_is_no_text_may_be_in_a_sample() -> None:
    file = file_at("/d/\udcff")
    assert consistency.sample([file], 1, 0) == [file]


def batches(files: list[File], **limit: int) -> list[list[File]]:
    return list(consistency.batches(files, lambda file: file.bytes, **limit))


def test_batches_have_few_files_and_few_bytes() -> None:
    small = [file_at(f"/d/{number}") for number in range(consistency.BATCH_FILES + 1)]
    assert [len(batch) for batch in batches(small)] == [consistency.BATCH_FILES, 1]
    large = [file_at(f"/d/{n}", bytes=consistency.BATCH_BYTES) for n in range(3)]
    assert [len(batch) for batch in batches(large)] == [1, 1, 1]
    assert batches([]) == []
    assert [len(batch) for batch in batches([FILE] * 5, limit_bytes=2 * FILE.bytes)] == [2, 2, 1]


def test_what_a_store_does_not_list_is_told_by_directory() -> None:
    have = known(FILE, file_at("/d/b"), file_at("/d/e/c"), file_at("/d/e/only", **ONLY))
    assert consistency.lacking(have, {FILE.path: STORED}) == [["/d/b"], ["/d/e/c"]]
    assert consistency.lacking(have, {}) == [["/d/a", "/d/b"], ["/d/e/c"]]


@pytest.mark.parametrize(
    ("cached", "there", "kind"),
    [
        (Digest(MD5, 7), Digest(MD5, 7), None),
        (Digest(MD5, 7), Digest(OTHER, 7), consistency.DIFFERS),
        (Digest(why="gone"), Digest(), consistency.UNREADABLE),
        (Digest(MD5, 7), Digest(why="gone"), consistency.UNREADABLE),
        (Digest(why="broken"), Digest(why="gone"), consistency.UNREADABLE),
    ],
)
def test_contents_are_judged_once_both_were_read(
    cached: Digest, there: Digest, kind: str | None
) -> None:
    found = consistency.judge(FILE, cached, there)
    assert (found.kind if found else None) == kind


def test_the_stores_digest_proves_a_content_by_itself() -> None:
    assert consistency.is_proven(STORED, Digest(MD5, 7))
    assert not consistency.is_proven(STORED, Digest(OTHER, 7))
    assert not consistency.is_proven(replace(STORED, hash=""), Digest(why="gone"))


def test_another_version_of_a_file_has_another_proof() -> None:
    others: list[dict[str, Any]] = [{"id": 8}, {"bytes": 8}, {"hash": OTHER}, {"modified_ms": 1001}]
    assert len({FILE.proof, *(replace(FILE, **other).proof for other in others)}) == 5


def test_findings_are_counted_in_the_order_of_the_kinds() -> None:
    kinds = [consistency.ADDED, consistency.CHANGED, consistency.ADDED]
    counts = consistency.counts([Finding("/x", kind, "") for kind in kinds])
    assert list(counts.items()) == [(consistency.CHANGED, 1), (consistency.ADDED, 2)]
