"""Paths become parts of mounts; what opens a store is found, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import check_targets
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

ROOT = Mount("/", "s3://root", read_only=False, shared=False)
SETS = Mount("/sets/images", "s3://images/v1", True, False, {"alluxio.x": "y"}, True)
MOUNTS = {"/": ROOT, "/sets/images": SETS}


@pytest.mark.parametrize(
    ("given", "paths", "faults"),
    [
        ([], [], 0),
        (["/a/", "/a/b", "/c"], ["/a", "/c"], 0),
        (["/"], ["/"], 0),
        (["/", "/a"], ["/"], 0),
        (["a"], [], 1),
        (["/a/../b", "//a", "/a//b", 7, "/ok"], ["/ok"], 4),
        ("/a", ["/a"], 0),
    ],
)
def test_paths_are_read(given: Any, paths: list[str], faults: int) -> None:
    found, wrong = check_targets.read(given, "check_paths")
    assert (found, len(wrong)) == (paths, faults)
    assert all("check_paths[" in fault.what for fault in wrong)


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([], [("/", "s3://root"), ("/sets/images", "s3://images/v1")]),
        (["/sets"], [("/sets", "s3://root/sets"), ("/sets/images", "s3://images/v1")]),
        (["/sets/images/train"], [("/sets/images/train", "s3://images/v1/train")]),
        (["/sets/images"], [("/sets/images", "s3://images/v1")]),
        (
            ["/own", "/sets/images/a"],
            [("/own", "s3://root/own"), ("/sets/images/a", "s3://images/v1/a")],
        ),
    ],
)
def test_paths_become_parts_of_mounts(paths: list[str], found: list[tuple[str, str]]) -> None:
    parts = check_targets.parts(paths, MOUNTS)
    assert [(part.path, part.ufs) for part in parts] == found


def test_a_part_holds_what_is_in_its_mount() -> None:
    root, sets = check_targets.parts([], MOUNTS)
    assert (root.holds("/sets/a"), root.holds("/sets/images/a")) == (True, False)
    assert sets.holds("/sets/images/a")
    assert not sets.holds("/sets/images2")
    # A directory that a mount was made in says nothing of whether anybody has listed the root.
    assert (root.tells("/sets"), root.tells("/sets/a"), root.tells("/")) == (False, True, False)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/a", "/"),
        ("/sets/a", "/"),
        ("/sets/images", "/sets/images"),
        ("/sets/images/deep/a", "/sets/images"),
        ("/sets/images2", "/"),
    ],
)
def test_each_path_has_one_part(path: str, part: str) -> None:
    tops = {one.path: one for one in check_targets.parts(["/"], MOUNTS)}
    found = check_targets.holder(tops, path)
    assert found is not None
    assert found.path == part
    assert [one.path for one in tops.values() if one.holds(path)] == [part]


def test_what_lies_in_no_part_has_none() -> None:
    tops = {one.path: one for one in check_targets.parts(["/sets/images/x"], MOUNTS)}
    assert check_targets.holder(tops, "/sets/images/y") is None
    [root] = [one for one in check_targets.parts(["/"], MOUNTS) if one.path == "/"]
    assert check_targets.holder({"/": root}, "/sets/images/a") is None


def test_each_store_is_beside_the_others() -> None:
    root, sets = check_targets.parts([], MOUNTS)
    assert root.there("/own/a") == "/store-0/own/a"
    assert root.there("/") == "/store-0"
    assert sets.there("/sets/images/train/a") == "/store-1/train/a"
    # Alluxio mounts no part of a store twice.
    one, two = check_targets.parts(["/a", "/b"], MOUNTS)
    assert one.store == two.store


def test_a_declared_mount_is_opened_with_its_secret() -> None:
    declared = Dataset("images", "/sets/images", "s3://images/v1", "keys")
    found, fault = check_targets.opening(SETS, [declared], {})
    assert (found.secret, found.options, fault) == (declared, {"alluxio.x": "y"}, None)


@pytest.mark.parametrize(
    "declared",
    [
        [],
        [Dataset("images", "/sets/images", "s3://other", "keys")],
        [Dataset("images", "/sets/images", "s3://images/v1", "keys", state="absent")],
    ],
)
def test_credentials_that_nobody_tells_are_refused(declared: list[Dataset]) -> None:
    fault = check_targets.opening(SETS, declared, {})[1]
    assert fault is not None
    assert "with credentials of its own" in fault.what


def test_the_root_has_options_of_its_own() -> None:
    properties = {
        f"{check_targets.ROOT_OPTION}alluxio.underfs.s3.region": "x",
        f"{check_targets.ROOT_OPTION}s3a.secretKey": "hunter2",
        "alluxio.other": "z",
    }
    found, fault = check_targets.opening(ROOT, [], properties)
    assert (found.options, fault) == ({"alluxio.underfs.s3.region": "x"}, None)
    assert found.credentials == {"s3a.secretKey": "hunter2"}


def test_a_root_in_each_pod_has_nothing_to_compare_with() -> None:
    local = Mount("/", "/opt/alluxio/underFSStorage", False, False)
    parts = check_targets.parts([], {"/": local, "/sets/images": SETS})
    assert [part.path for part in check_targets.shared(parts, {}, is_asked=False)] == [SETS.path]
    with pytest.raises(SettingsError, match="each pod has for itself"):
        check_targets.shared(parts, {}, is_asked=True)
    with pytest.raises(SettingsError, match="each pod has for itself"):
        check_targets.shared(parts[:1], {}, is_asked=False)
    volumes = {"mounts": [{"name": "claim", "path": "/opt/alluxio"}]}
    assert check_targets.shared(parts, volumes, is_asked=True) == parts


def test_what_is_to_be_cached_is_what_is_loaded_for_good() -> None:
    sets = [
        Dataset("a", "/a", load=("/a/x", "/a/y")),
        Dataset("b", "/b", load=("/b",), ttl_s=60),
        Dataset("c", "/c", load=("/c",), state="absent"),
        Dataset("d", "/d"),
    ]
    assert list(check_targets.loaded(sets)) == ["/a/x", "/a/y"]
