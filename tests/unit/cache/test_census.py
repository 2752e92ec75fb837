"""A census tells what a cache holds, without a value that may be a credential, and what went missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import census
from ansible_collections.alluxops.cache.plugins.module_utils.census import Census, Mount
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

# Both as 2.9.6 answers, as far as they are read.
INFO = json.dumps(
    {
        "version": "2.9.6",
        "mountPoints": {
            "/m": {
                "ufsUri": "s3://other/",
                "readOnly": True,
                "shared": False,
                "mountId": 816366462794882026,
                "ufsCapacityBytes": -1,
                "properties": {"s3a.secretKey": "hush", "s3a.accessKeyId": "hush too"},
            },
            "/": {"ufsUri": "s3://datasets/", "readOnly": False, "shared": False, "properties": {}},
        },
    }
)
METRICS = json.dumps(
    {
        "gauges": {
            "Master.TotalPaths": {"value": 9},
            "Master.FilesPinned": {"value": 2},
            "Master.TTLInodes": {"value": 1},
        }
    }
)
ROOT = Mount("/", "s3://datasets/")
OTHER = Mount("/m", "s3://other/", read_only=True, options=("s3a.accessKeyId", "s3a.secretKey"))
HELD = Census(9, 2, 1, (ROOT, OTHER), "2.9.6")


def test_counts_and_mounts_are_read_and_no_option_s_value() -> None:
    read = census.parse(INFO, METRICS)
    assert read == HELD
    assert "hush" not in repr(read)
    assert Census.from_dict(json.loads(json.dumps(read.as_dict()))) == read


def test_what_a_version_does_not_tell_is_not_compared() -> None:
    silent = census.parse(INFO, None)
    assert (silent.paths, silent.pinned, silent.ttls) == (None, None, None)
    assert census.differences(HELD, silent) == []
    assert census.lines(silent)[0] == "no counts"
    assert list(census.untold(silent)) == list(census.GAUGES.values())
    assert census.untold(HELD) == {}
    assert census.untold(replace(HELD, ttls=None)) == {"Master.TTLInodes": "paths with a TTL"}


@pytest.mark.parametrize("page", [None, "", "<html>", "[]", "{}", '{"mountPoints": 3}'])
def test_what_is_no_leader_s_page_is_an_error(page: str | None) -> None:
    with pytest.raises(CacheError, match="does not tell what it holds"):
        census.parse(page, METRICS)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (HELD, []),
        (replace(HELD, version="2.9.4"), []),
        (replace(HELD, paths=8), ["paths: 9 before, 8 after"]),
        (
            replace(HELD, pinned=0, ttls=0),
            ["pinned files: 2 before, 0 after", "paths with a TTL: 1 before, 0 after"],
        ),
        (replace(HELD, mounts=(ROOT,)), ["mount /m (s3://other/) is gone"]),
        (
            replace(HELD, mounts=(ROOT, OTHER, Mount("/n", "s3://n/"))),
            ["mount /n (s3://n/) is new"],
        ),
        (
            replace(HELD, mounts=(ROOT, replace(OTHER, read_only=False, options=()))),
            [
                "mount /m: s3://other/ read-only with s3a.accessKeyId, s3a.secretKey before, s3://other/ after"
            ],
        ),
    ],
)
def test_what_changed_is_told(after: Census, told: list[str]) -> None:
    assert census.differences(HELD, after) == told


def test_a_census_can_be_read_by_a_person() -> None:
    assert census.lines(HELD) == [
        "9 paths, 2 pinned files, 1 paths with a TTL",
        "/ -> s3://datasets/",
        "/m -> s3://other/ read-only with s3a.accessKeyId, s3a.secretKey",
    ]
