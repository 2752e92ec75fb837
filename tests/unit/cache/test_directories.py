"""Which directories are made and corrected, over tables of what may lie in their place."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import directories
from ansible_collections.alluxops.cache.plugins.module_utils.directories import Directory, Found
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

ROOT = {"path": "/mnt/fuse3", "owner": 0, "group": 0, "mode": "0755"}
JOURNAL = {"path": "/mnt/fuse3/alluxio/journal", "owner": 1000, "group": 1000, "mode": "0750"}
TREE = {
    "/mnt": Found("directory", 0, 0, 0o755),
    "/mnt/fuse3": Found("directory", 0, 0, 0o755),
    "/mnt/fuse3/alluxio": Found("directory", 0, 0, 0o755),
    "/mnt/fuse3/alluxio/journal": Found("directory", 1000, 1000, 0o750),
}


def plan(
    entries: list[dict[str, object]], tree: dict[str, Found]
) -> list[tuple[str, bool, int, int]]:
    steps = directories.plan(
        directories.wanted_directories(entries), lambda path: tree.get(path, Found("missing"))
    )
    return [(s.directory.path, s.make, s.directory.owner, s.directory.mode) for s in steps]


def test_directories_that_are_as_wanted_are_left_alone() -> None:
    assert plan([JOURNAL, ROOT], TREE) == []


def test_missing_directories_are_made_parents_first_whatever_the_order() -> None:
    tree = {"/mnt": TREE["/mnt"]}
    assert plan([JOURNAL, ROOT], tree) == [
        ("/mnt/fuse3", True, 0, 0o755),
        ("/mnt/fuse3/alluxio", True, 0, 0o755),  # not listed: made as root's
        ("/mnt/fuse3/alluxio/journal", True, 1000, 0o750),
    ]


@pytest.mark.parametrize(
    "found",
    [
        Found("directory", 0, 1000, 0o750),
        Found("directory", 1000, 0, 0o750),
        Found("directory", 1000, 1000, 0o777),
        Found("directory", 1000, 1000, 0o2750),
    ],
)
def test_a_directory_with_another_owner_or_mode_is_corrected(found: Found) -> None:
    tree = {**TREE, "/mnt/fuse3/alluxio/journal": found}
    assert plan([ROOT, JOURNAL], tree) == [("/mnt/fuse3/alluxio/journal", False, 1000, 0o750)]


def test_a_directory_of_the_system_keeps_its_owner_and_mode() -> None:
    entry = {"path": "/data", "owner": 0, "group": 0, "mode": "0755"}
    assert plan([entry], {"/data": Found("directory", 5, 5, 0o2775)}) == []
    assert plan([entry], {}) == [("/data", True, 0, 0o755)]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Found("symlink", target="/etc"), "is a symlink to /etc"),
        (Found("other"), "is a file, not a directory"),
    ],
)
@pytest.mark.parametrize("path", ["/mnt/fuse3", "/mnt/fuse3/alluxio/journal"])
def test_nothing_is_planned_where_something_else_is_in_the_way(
    found: Found, says: str, path: str
) -> None:
    with pytest.raises(CacheError, match=says):
        plan([ROOT, JOURNAL], {**TREE, path: found})


def test_a_directory_shared_by_all_users_is_not_taken_for_a_root() -> None:
    entries: list[dict[str, object]] = [
        {"path": "/var/tmp", "owner": 0, "group": 0, "mode": "0755"},
        {"path": "/var/tmp/journal", "owner": 1000, "group": 1000, "mode": "0750"},
    ]
    shared = Found("directory", 0, 0, 0o1777)
    with pytest.raises(CacheError, match="shared by all users"):
        plan(entries, {"/var": TREE["/mnt"], "/var/tmp": shared})
    # A tmpfs that somebody mounted on a tier has that mode too; it becomes the pods'.
    assert plan([JOURNAL], {**TREE, "/mnt/fuse3/alluxio/journal": shared}) == [
        ("/mnt/fuse3/alluxio/journal", False, 1000, 0o750)
    ]


@pytest.mark.parametrize(
    "path", ["relative", "/", "//mnt/x", "/mnt/../etc", "/mnt/x/", "/mnt//x", ""]
)
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match="absolute"):
        directories.wanted_directories([{**ROOT, "path": path}])


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("0757", "Every user"),
        ("777", "Every user"),
        ("rwx", "octal"),
        ("0888", "octal"),
        ("77777", "octal"),
    ],
)
def test_a_mode_that_opens_the_cache_to_everybody_or_is_none_is_refused(
    mode: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        directories.wanted_directories([{**ROOT, "mode": mode}])


def test_one_path_with_two_modes_is_refused_and_with_one_is_taken_once() -> None:
    with pytest.raises(SettingsError, match="listed twice"):
        directories.wanted_directories([ROOT, {**ROOT, "mode": "0700"}])
    assert directories.wanted_directories([ROOT, ROOT]) == [Directory("/mnt/fuse3", 0, 0, 0o755)]


def test_the_diff_names_owner_and_mode_of_each_directory_that_changes() -> None:
    tree = {**TREE, "/mnt/fuse3": Found("directory", 7, 8, 0o700)}
    del tree["/mnt/fuse3/alluxio/journal"]
    steps = directories.plan(
        directories.wanted_directories([ROOT, JOURNAL]),
        lambda path: tree.get(path, Found("missing")),
    )
    assert directories.describe(steps) == {
        "before": "/mnt/fuse3 7:8 0700\n/mnt/fuse3/alluxio/journal absent\n",
        "after": "/mnt/fuse3 0:0 0755\n/mnt/fuse3/alluxio/journal 1000:1000 0750\n",
    }
