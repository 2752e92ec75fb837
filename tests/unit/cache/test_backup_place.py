"""Backups of a release lie in a directory of its cluster's own; what may be another cluster's is not taken for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import backup, backup_place
from ansible_collections.alluxops.cache.plugins.module_utils.backup import File, Source
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.test_backup import MID, NEW, OLD

MINE = backup_place.Place("ns", "rel", "uid-1")
THEIRS = backup_place.Place("ns", "rel", "uid-2")
ROOT = "s3://datasets/team/"
ADDRESS = "s3://datasets/team/alluxio_backups/ns/rel"
LATEST = Source("latest", "")


def lying(folder: str, *names: str) -> list[File]:
    """Whole backups of a directory."""
    return [
        file
        for name in names
        for file in (File(name, 9, folder), File(name + backup.COMPLETE, 0, folder))
    ]


def pick(files: list[File], wanted: Source = LATEST) -> File:
    return backup_place.pick(files, wanted, MINE, ROOT, f"{MINE.shared} of {ROOT}")


@pytest.mark.parametrize(
    ("root", "folder", "uri"),
    [
        ("s3://b/", "/alluxio_backups/ns/rel/uid-1", "s3://b/alluxio_backups/ns/rel/uid-1/x"),
        (ROOT, "/team/alluxio_backups/ns/rel/uid-1", f"{ADDRESS}/uid-1/x"),
        (
            "hdfs://nn:8020/data",
            "/data/alluxio_backups/ns/rel/uid-1",
            "hdfs://nn:8020/data/alluxio_backups/ns/rel/uid-1/x",
        ),
        (
            "/mnt/nfs",
            "/mnt/nfs/alluxio_backups/ns/rel/uid-1",
            "/mnt/nfs/alluxio_backups/ns/rel/uid-1/x",
        ),
    ],
)
def test_backups_lie_below_the_root_mount(root: str, folder: str, uri: str) -> None:
    assert MINE.in_ufs(root) == folder
    assert backup_place.uri_in_ufs(root, MINE.in_cache, "x") == uri


def test_no_two_clusters_share_a_directory() -> None:
    assert MINE.in_cache != THEIRS.in_cache
    assert MINE.in_cache.startswith(f"{MINE.shared}/")
    assert MINE.on_controller("/var/backups/") == "/var/backups/ns/rel/uid-1"


def test_the_latest_is_the_newest_of_this_cluster() -> None:
    files = lying(MINE.in_cache, OLD, MID) + lying(THEIRS.in_cache, NEW)
    assert pick(files) == File(MID, 9, MINE.in_cache)


def test_what_older_runs_wrote_is_taken_where_no_other_cluster_is_seen() -> None:
    assert pick(lying(MINE.shared, OLD, MID)).name == MID
    assert pick(lying(MINE.shared, OLD) + lying(MINE.in_cache, MID)).folder == MINE.in_cache


@pytest.mark.parametrize(
    ("files", "candidates"),
    [
        # A rebuilt cluster, or one that never made a backup beside one that does.
        (lying(THEIRS.in_cache, OLD, NEW), [f"uid-2/{NEW}"]),
        (lying(MINE.shared, MID) + lying(THEIRS.in_cache, OLD), [MID, f"uid-2/{OLD}"]),
        # An alluxops of before still writes there, for this cluster or another.
        (lying(MINE.in_cache, MID) + lying(MINE.shared, NEW), [f"uid-1/{MID}", NEW]),
    ],
)
def test_what_may_be_another_cluster_s_is_not_taken_but_told(
    files: list[File], candidates: list[str]
) -> None:
    with pytest.raises(SettingsError, match="restore_from is latest") as error:
        pick(files)
    assert ", ".join(f"{ADDRESS}/{each}" for each in candidates) in error.value.cause
    assert "give the address" in error.value.fix


def test_a_name_means_a_backup_of_this_cluster_or_of_before_clusters_were_told_apart() -> None:
    wanted = Source("name", MID)
    files = lying(THEIRS.in_cache, MID) + lying(MINE.shared, MID)
    assert pick(files, wanted).folder == MINE.shared
    assert pick(files + lying(MINE.in_cache, MID), wanted).folder == MINE.in_cache
    with pytest.raises(SettingsError, match=f"restore_from is {MID}") as error:
        pick(lying(THEIRS.in_cache, MID), wanted)
    assert f"{ADDRESS}/uid-2/{MID}" in error.value.cause


def test_none_at_all_is_told_as_such() -> None:
    with pytest.raises(SettingsError, match="there is no backup in"):
        pick([])
    with pytest.raises(SettingsError, match=f"there is no backup {NEW}") as error:
        pick(lying(MINE.in_cache, MID), Source("name", NEW))
    assert MID in error.value.cause


def test_a_mark_in_another_cluster_s_directory_makes_no_backup_whole() -> None:
    torn = [File(NEW, 9, MINE.in_cache), File(NEW + backup.COMPLETE, 0, THEIRS.in_cache)]
    with pytest.raises(SettingsError, match="there is no backup in"):
        pick(torn)


def test_what_was_made_before_a_change_is_not_the_latest_but_for_who_goes_back() -> None:
    kept = replace(MINE, kept=True).in_cache
    assert kept == f"{MINE.in_cache}/before-changes"
    both = lying(MINE.in_cache, MID) + lying(kept, NEW)
    assert pick(both).name == MID
    assert backup_place.pick(both, LATEST, MINE, ROOT, "", going_back=True).folder == kept
    assert pick(both, Source("name", NEW)).folder == kept
    with pytest.raises(SettingsError, match="before a change") as error:
        pick(lying(kept, NEW))
    assert f"{ADDRESS}/uid-1/before-changes/{NEW}" in error.value.what


def test_what_another_cluster_made_before_a_change_is_no_candidate() -> None:
    theirs = lying(replace(THEIRS, kept=True).in_cache, NEW)
    assert pick(lying(MINE.shared, OLD) + theirs).name == OLD
