"""What makes a node unfit for the cache, over nodes with one fault each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import node_facts
from ansible_collections.alluxops.cache.plugins.module_utils.node_facts import (
    Mount,
    Node,
    Storage,
    Wanted,
)

GIB = 1 << 30
DISK = Mount("/", "ext4", ("rw", "relatime"))
STORAGE = Storage("/mnt/fuse3", "missing", "", DISK, 50 * GIB, 3_000_000)
NODE = Node((3, 11, 2), True, 8 * GIB, True, STORAGE)
WANTED = Wanted(free_bytes=GIB, memory_bytes=2 * GIB, fuse=True, lasting=True)


def failed(node: Node, wanted: Wanted = WANTED) -> list[str]:
    checks = node_facts.check_node(node, wanted)
    assert all(check.what and check.fix and check.value for check in checks if not check.ok)
    return [check.check for check in checks if not check.ok]


def with_storage(**changes: object) -> Node:
    return replace(NODE, storage=replace(STORAGE, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "missing"}, "is missing"),
        ({"kind": "other"}, "is no directory"),
        ({"mount": Mount("/mnt", "tmpfs", ("rw",))}, "forgets everything"),
        ({"mount": Mount("/mnt", "nfs4", ("ro",))}, "read-only"),
        ({"fault": "Stale file handle"}, "does not answer: Stale file handle"),
    ],
)
def test_a_shared_journal_needs_a_file_system_that_is_there(
    changes: dict[str, object], said: str
) -> None:
    nfs = Mount("/mnt/shared", "nfs4", ("rw",))
    there = replace(STORAGE, path="/mnt/shared", kind="directory", mount=nfs)
    assert node_facts.check_shared(there).ok
    check = node_facts.check_shared(replace(there, **changes))  # type: ignore[arg-type]
    assert not check.ok
    assert said in check.what
    assert check.fix


def test_a_fit_node_passes_every_check() -> None:
    checks = node_facts.check_node(NODE, WANTED)
    assert [check.check for check in checks] == [
        "python",
        "root",
        "memory",
        "fuse",
        "storage_path",
        "storage_writable",
        "storage_lasting",
        "storage_free",
        "storage_inodes",
    ]
    assert failed(NODE) == []


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (replace(NODE, python=(3, 8, 18)), "python"),
        (replace(NODE, is_root=False), "root"),
        (replace(NODE, memory_bytes=GIB), "memory"),
        (replace(NODE, has_fuse=False), "fuse"),
        (with_storage(kind="symlink", target="/data"), "storage_path"),
        (with_storage(kind="other"), "storage_path"),
        (with_storage(fault="Transport endpoint is not connected"), "storage_path"),
        (with_storage(mount=Mount("/mnt", "ext4", ("ro",))), "storage_writable"),
        (with_storage(mount=Mount("/mnt", "tmpfs", ("rw",))), "storage_lasting"),
        (with_storage(free_bytes=GIB - 1), "storage_free"),
        (with_storage(free_inodes=3), "storage_inodes"),
    ],
)
def test_each_fault_is_found_alone(node: Node, fault: str) -> None:
    assert failed(node) == [fault]


def test_what_the_cache_does_not_need_is_no_fault() -> None:
    bare = replace(
        with_storage(mount=Mount("/run", "tmpfs", ("rw",)), free_bytes=5, free_inodes=None),
        memory_bytes=1,
        has_fuse=False,
    )
    assert failed(bare, Wanted(free_bytes=0, memory_bytes=0, fuse=False, lasting=False)) == []


def test_a_fault_names_the_value_and_the_place() -> None:
    [check] = [
        check
        for check in node_facts.check_node(with_storage(free_bytes=GIB // 2), WANTED)
        if not check.ok
    ]
    assert check.value == "512.0 MiB"
    assert "/mnt/fuse3" in check.what
    assert "1.0 GiB" in check.what


MOUNTINFO = """\
25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 25 0:25 / /run rw,nosuid shared:2 - tmpfs tmpfs rw,size=100k
31 25 254:1 /data /mnt ro,relatime shared:3 master:1 - ext4 /dev/vdb rw
32 31 0:40 / /mnt/fuse3 rw,relatime - fuse.alluxio-fuse alluxio rw,user_id=0
33 25 0:41 / /srv/a\\040b rw,relatime - xfs /dev/vdc ro
34 25 0:42 / /srv/a\\040b rw,relatime - btrfs /dev/vdd rw
"""


@pytest.mark.parametrize(
    ("path", "point", "filesystem", "read_only"),
    [
        ("/", "/", "ext4", False),
        ("/var/lib", "/", "ext4", False),
        ("/mnt", "/mnt", "ext4", True),
        ("/mnt/fuse", "/mnt", "ext4", True),
        ("/mnt/fuse3", "/mnt/fuse3", "fuse.alluxio-fuse", False),
        ("/mnt/fuse3/alluxio", "/mnt/fuse3", "fuse.alluxio-fuse", False),
        ("/running", "/", "ext4", False),
        ("/srv/a b/c", "/srv/a b", "btrfs", False),  # the later mount hides the earlier
    ],
)
def test_the_mount_that_a_path_lies_on(
    path: str, point: str, filesystem: str, *, read_only: bool
) -> None:
    mount = node_facts.mount_of(path, node_facts.parse_mountinfo(MOUNTINFO))
    assert (mount.point, mount.filesystem, "ro" in mount.options) == (point, filesystem, read_only)


def test_a_file_system_that_is_read_only_below_a_writable_mount_counts_as_read_only() -> None:
    earlier = [
        mount for mount in node_facts.parse_mountinfo(MOUNTINFO) if mount.filesystem == "xfs"
    ]
    assert [mount.options for mount in earlier] == [("relatime", "ro")]


def test_memory_is_read_in_bytes() -> None:
    assert (
        node_facts.parse_memory("MemFree: 1 kB\nMemTotal:       24684096 kB\n") == 24684096 * 1024
    )
    assert node_facts.parse_memory("") == 0


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (GIB, "1.0 GiB"), (3 << 41, "6.0 TiB")]
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert node_facts.size(count) == text
