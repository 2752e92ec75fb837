"""What a worker has cached, which of it must not be lost with the worker, and who takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import cached_blocks
from ansible_collections.alluxops.cache.plugins.module_utils.cached_blocks import CachedFile
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

MIB = 1 << 20


def file(path: str, *blocks: int, pinned: bool = True, persisted: bool = True) -> CachedFile:
    """A file of blocks of 1 MiB."""
    return CachedFile(path, pinned, persisted, len(blocks), dict.fromkeys(blocks, MIB))


def entry(path: str, **over: Any) -> dict[str, Any]:
    """As a worker of 2.9.6 tells it."""
    block = {"id": 16777216, "blockLength": 1048576, "isInHighestTier": False, "locations": []}
    last = {**block, "id": 16777217, "blockLength": 402848}
    return {
        "absolutePath": path,
        "pinned": True,
        "persistenceState": "PERSISTED",
        "inAlluxioPercentage": 100,
        "blockIds": [16777216, 16777217],
        "blocksOnTier": {"MEM": [block], "SSD": [last]},
        **over,
    }


def test_a_page_of_a_worker_is_read() -> None:
    page = {"ntotalFile": 7, "fileInfos": [entry("/a"), entry("/b", persistenceState="LOST")]}
    total, files = cached_blocks.parse_page(json.dumps(page))
    assert total == 7
    assert files[0] == CachedFile("/a", True, True, 2, {16777216: 1048576, 16777217: 402848})
    assert not files[1].is_persisted


@pytest.mark.parametrize("body", [None, "", "{}", "[]", '{"ntotalFile": 1, "fileInfos": [{}]}'])
def test_what_is_no_such_page_is_an_error(body: str | None) -> None:
    with pytest.raises(CacheError, match="does not tell what it has cached"):
        cached_blocks.parse_page(body)


@pytest.mark.parametrize(
    ("pinned", "persisted", "must"),
    [(True, True, True), (False, False, True), (True, False, True), (False, True, False)],
)
def test_what_is_pinned_or_in_no_under_store_must_stay(
    pinned: bool, persisted: bool, must: bool
) -> None:
    assert file("/a", 1, pinned=pinned, persisted=persisted).must_stay is must


def test_only_blocks_that_no_staying_worker_has_are_left() -> None:
    leaving = [
        [file("/both", 1), file("/split", 2, 3), file("/cached", 4, pinned=False)],
        [file("/split", 3, 5)],
    ]
    staying = [[file("/both", 1)], [file("/split", 3)]]
    found = cached_blocks.only_here(leaving, staying)
    assert [(one.path, sorted(one.blocks)) for one in found] == [("/split", [2, 5])]


def test_room_is_what_holds_nothing_that_must_stay() -> None:
    files = [file("/pinned", 1, 2), file("/cached", 3, pinned=False)]
    assert cached_blocks.room(4 * MIB, files) == 2 * MIB


def test_files_go_to_the_worker_with_the_most_room_the_largest_first() -> None:
    files = [file("/small", 1), file("/large", 2, 3, 4), file("/middle", 5, 6)]
    taken = cached_blocks.assign(files, {"n1": 4 * MIB, "n2": 3 * MIB})
    assert {node: [one.path for one in them] for node, them in taken.items()} == {
        "n1": ["/large", "/small"],
        "n2": ["/middle"],
    }


def test_a_file_counts_whole_where_only_some_of_its_blocks_are_known() -> None:
    partly = CachedFile("/part", True, True, 3, {1: MIB})
    assert partly.whole_bytes == 3 * MIB
    with pytest.raises(SettingsError) as error:
        cached_blocks.assign([partly], {"n1": 2 * MIB})
    assert "/part (3145728 bytes, pinned)" in str(error.value)
    assert "2097152 bytes, on n1" in str(error.value)


def test_a_file_that_fits_nowhere_is_named_with_what_it_is() -> None:
    with pytest.raises(SettingsError, match="in no under store"):
        cached_blocks.assign([file("/only", 1, pinned=False, persisted=False)], {})
