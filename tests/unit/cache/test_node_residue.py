"""What goes from a node lies in the release's own directory; nothing else can be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_marker,
    host_mounts,
    journal,
    node_residue,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.node_residue import Mount
from ansible_collections.alluxops.cache.plugins.modules import node_residue as module

MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:45 / /mnt/alluxio-fuse rw,nosuid - fuse.alluxio-fuse alluxio-fuse rw,user_id=0
41 22 0:46 / /mnt/with\\040blank rw - fuse.sshfs host:/ rw
42 22 8:2 / /mnt/fuse3/cache/alluxio/tier0 rw - ext4 /dev/sdb1 rw
43 22 0:47 / /srv/train rw - fuse jnifuse rw
"""
PATH = "/mnt/fuse3/cache/alluxio"
HOST = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
42 22 8:2 / /mnt/fuse3/cache/alluxio/tier0 rw - ext4 /dev/sdb1 rw
"""
POD = """\
900 800 0:99 / / rw,relatime - overlay overlay rw
901 900 8:1 /mnt/fuse3/cache/alluxio/journal /journal rw,relatime - ext4 /dev/sda1 rw
"""


def test_the_directory_of_a_release() -> None:
    assert node_residue.directory("/mnt/fuse3/", "cache", "alluxio") == PATH


@pytest.mark.parametrize(
    ("root", "namespace", "release"),
    [
        ("mnt", "cache", "alluxio"),
        ("/", "cache", "alluxio"),
        ("/mnt/../etc", "cache", "alluxio"),
        ("/mnt/fuse3", "..", "alluxio"),
        ("/mnt/fuse3", "cache", ""),
        ("/mnt/fuse3", "cache", "a/b"),
    ],
)
def test_parts_that_lead_elsewhere_are_refused(root: str, namespace: str, release: str) -> None:
    with pytest.raises(SettingsError):
        node_residue.directory(root, namespace, release)


def test_alluxio_s_mounts_are_found_by_place_or_name() -> None:
    mounts = node_residue.parse_mounts(MOUNTINFO)
    assert "/mnt/with blank" in [mount.point for mount in mounts]
    named = [mount.point for mount in node_residue.fuse_mounts(mounts, [])]
    assert named == ["/mnt/alluxio-fuse"]
    placed = [mount.point for mount in node_residue.fuse_mounts(mounts, ["/srv/train"])]
    assert placed == ["/mnt/alluxio-fuse", "/srv/train"]


def test_a_purge_never_enters_a_mounted_file_system() -> None:
    mounts = node_residue.parse_mounts(MOUNTINFO)
    plan = node_residue.plan_purge(PATH, ["tier0", "journal"], mounts)
    assert plan.delete == (f"{PATH}/journal",)
    assert plan.stay == (f"{PATH}/tier0",)
    assert not plan.whole
    below = [Mount(f"{PATH}/tier0/disk", "xfs", "/dev/sdc")]
    assert node_residue.plan_purge(PATH, ["tier0"], below).delete == ()
    itself = [Mount(PATH, "xfs", "/dev/sdc")]
    assert node_residue.plan_purge(PATH, ["journal"], itself).stay == (PATH,)
    alike = [Mount(f"{PATH}/tier0x", "xfs", "/dev/sdc")]
    assert node_residue.plan_purge(PATH, ["tier0"], alike).delete == (f"{PATH}/tier0",)


@pytest.mark.parametrize(
    ("host", "line", "is_held"),
    [
        (
            HOST,
            "901 900 8:1 /mnt/fuse3/cache/alluxio/journal /journal rw - ext4 /dev/sda1 rw",
            True,
        ),
        (HOST, "901 900 8:1 /mnt/fuse3/cache/alluxio /data rw - ext4 /dev/sda1 rw", True),
        # Under the path that it has on the host too, as tiers are.
        (
            HOST,
            f"901 900 8:1 {PATH}/domain {PATH}/domain rw - ext4 /dev/sda1 rw",
            True,
        ),
        (HOST, f"901 900 8:1 {PATH}/journal//deleted /journal rw - ext4 /dev/sda1 rw", True),
        (HOST, "901 900 8:1 /mnt/fuse3/cache/alluxio2/journal /journal rw - ext4 x rw", False),
        (HOST, "901 900 8:9 /mnt/fuse3/cache/alluxio/journal /journal rw - ext4 x rw", False),
        (HOST, "901 900 8:1 / /host rw - ext4 /dev/sda1 rw", False),
        # A service with mounts of its own has a copy of the host's.
        (HOST, f"901 900 8:2 / {PATH}/tier0 rw - ext4 /dev/sdb1 rw", False),
        # The storage root is a file system of its own: there the directory has a shorter path.
        (
            "22 1 8:1 / / rw - ext4 x rw\n23 22 8:3 /sub /mnt/fuse3 rw - ext4 y rw\n",
            "901 900 8:3 /sub/cache/alluxio/journal /journal rw - ext4 y rw",
            True,
        ),
        (
            "22 1 8:1 / / rw - ext4 x rw\n23 22 8:3 / /mnt/fuse3 rw - ext4 y rw\n",
            "901 900 8:1 /mnt/fuse3/cache/alluxio/journal /journal rw - ext4 y rw",
            False,
        ),
    ],
)
def test_a_mount_of_the_directory_is_told_wherever_it_is(
    host: str, line: str, is_held: bool
) -> None:
    mounts = node_residue.parse_mounts(host)
    found = node_residue.held_by(PATH, mounts, node_residue.parse_mounts(line))
    assert bool(found) is is_held


def test_a_disk_bound_to_the_directory_is_not_its_use() -> None:
    host = node_residue.parse_mounts(
        f"22 1 8:1 / / rw - ext4 x rw\n23 22 8:1 /data {PATH} rw - ext4 x rw\n"
    )
    assert node_residue.held_by(PATH, host, host) == []


def process(proc: Path, pid: str, mountinfo: str, name: str = "java", group: str = "") -> None:
    (proc / pid).mkdir(parents=True)
    (proc / pid / "mountinfo").write_text(mountinfo)
    (proc / pid / "comm").write_text(f"{name}\n")
    (proc / pid / "cgroup").write_text(group)


def test_what_a_pod_has_mounted_is_not_purged(tmp_path: Path) -> None:
    proc, logs = tmp_path / "proc", tmp_path / "pods"
    process(proc, "self", HOST)
    process(proc, "1", HOST, "systemd")
    uid = "6d1ae1c7-1111-2222-3333-444455556666"
    slice_name = f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
    process(proc, "77", POD, group=f"0::/kubepods.slice/{slice_name}/cri-containerd-abc.scope\n")
    (logs / f"cache_alluxio-master-0_{uid}").mkdir(parents=True)
    (proc / "78").mkdir()  # it ended meanwhile
    with pytest.raises(CacheError, match="is in use") as error:
        module.refuse_used(PATH, wait_s=0, proc=str(proc), logs=str(logs))
    assert "java (process 77 of pod cache/alluxio-master-0)" in str(error.value)
    (proc / "77" / "mountinfo").write_text(HOST)
    module.refuse_used(PATH, wait_s=0, proc=str(proc), logs=str(logs))


@pytest.mark.parametrize(
    ("host", "line", "is_held"),
    [
        (HOST, "901 900 8:1 /mnt/ssd /mnt/ssd rw - ext4 x rw", True),
        (HOST, "901 900 8:1 /mnt/ssd/alluxioworker /blocks rw - ext4 x rw", True),
        (HOST, "901 900 8:1 /mnt/ssd2 /mnt/ssd2 rw - ext4 x rw", False),
        (HOST, "901 900 8:1 / /host rw - ext4 x rw", False),
        # A disk of its own: a worker has it where the host has it, a monitor that looks at the host elsewhere.
        (
            f"{HOST}43 22 8:3 / /mnt/ssd rw - ext4 y rw",
            "901 900 8:3 / /mnt/ssd rw - ext4 y rw",
            True,
        ),
        (
            f"{HOST}43 22 8:3 / /mnt/ssd rw - ext4 y rw",
            "901 900 8:3 / /host/mnt/ssd rw - ext4 y rw",
            False,
        ),
    ],
)
def test_which_pods_have_a_tier(host: str, line: str, is_held: bool) -> None:
    mounts, theirs = (node_residue.parse_mounts(text) for text in (host, line))
    assert bool(node_residue.held_by_pod("/mnt/ssd", mounts, theirs)) is is_held


def test_only_pods_keep_a_tier_from_a_purge(tmp_path: Path) -> None:
    proc, line = tmp_path / "proc", "901 900 8:1 /mnt/ssd /mnt/ssd rw - ext4 x rw\n"
    process(proc, "self", HOST)
    process(proc, "76", line, "program")
    group = "0::/kubepods/pod6d1ae1c7-1111-2222-3333-444455556666/abc\n"
    process(proc, "77", line.replace("901", "902"), "java", group)
    found = module.users_left("/mnt/ssd", wait_s=0, proc=str(proc), logs="/none", is_tier=True)
    assert found.startswith("java (process 77 of pod 6d1ae1c7")
    assert "program" not in found


def test_of_a_tier_only_the_worker_s_directory_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tier, release = tmp_path / "ssd", tmp_path / "fuse3" / "cache" / "alluxio"
    for folder in (tier, release / "tier0", release / "tier1"):
        (folder / "alluxioworker" / ".tmp_blocks").mkdir(parents=True)
        (folder / "alluxioworker" / "17").write_text("block")
    (tier / "mine").write_text("kept")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "alluxioworker").symlink_to(tier)
    tiers = [str(tier), f"{release}/tier0", f"{release}/tier1", f"{tmp_path}/linked", "/none"]
    ours = [f"{tier}/alluxioworker", f"{release}/tier1/alluxioworker"]

    def handled(*, delete: bool, dry: bool = False) -> tuple[list[str], list[str]]:
        purged, left = module.handle_tiers(tiers, str(release), delete=delete, dry=dry)
        return purged, [str(one["path"]) for one in left]

    link = f"{tmp_path}/linked/alluxioworker"
    # tier0 is the release's own and goes with its directory.
    assert handled(delete=False) == ([], [*ours, link])
    assert handled(delete=True, dry=True) == (ours, [link])
    assert (tier / "alluxioworker" / "17").exists()
    monkeypatch.setattr(module, "users_left", lambda *_, **__: "java (process 7)")
    purged, left = module.handle_tiers(tiers, str(release), delete=True, dry=False)
    assert (purged, [one["used"] for one in left]) == ([], ["java (process 7)"] * 2 + [""])
    monkeypatch.setattr(module, "users_left", lambda *_, **__: "")
    disk = Mount(f"{tier}/alluxioworker/17", "ext4", "/dev/sdb")
    monkeypatch.setattr(host_mounts, "read", lambda: [disk])
    assert handled(delete=True) == (ours[1:], [ours[0], link])
    monkeypatch.setattr(host_mounts, "read", list)
    assert handled(delete=True) == (ours[:1], [link])
    assert handled(delete=True) == ([], [link])
    assert [one.name for one in tier.iterdir()] == ["mine"]
    assert (release / "tier0" / "alluxioworker" / "17").exists()


def test_a_purge_deletes_the_release_s_directory_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "alluxio"
    (path / "journal" / "v1").mkdir(parents=True)
    (path / "journal" / "v1" / "_format_1").write_text("x")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    (path / "journal" / "link").symlink_to(precious)
    (tmp_path / "cache" / "other").mkdir()
    assert module.sizes(str(path / "journal"))["formatted"]
    assert module.purge(str(path), dry=True).whole
    assert path.exists()
    module.purge(str(path), dry=False)
    assert not path.exists()
    assert (precious / "file").read_text() == "kept"
    assert (tmp_path / "cache" / "other").is_dir()
    assert module.purge(str(path), dry=False).delete == ()


@pytest.mark.parametrize(
    ("marker", "is_old_copy"),
    [('{"left_at": "2026-01-01T00:00:00Z"}', True), ('{"left_at": null}', False), ("[torn", False)],
)
def test_a_journals_marker_tells_an_old_copy(
    tmp_path: Path, marker: str, *, is_old_copy: bool
) -> None:
    assert host_marker.MARKER == journal.MARKER
    assert not module.sizes(str(tmp_path))["is_old_copy"]
    (tmp_path / host_marker.MARKER).write_text(marker)
    assert module.sizes(str(tmp_path))["is_old_copy"] is is_old_copy


@pytest.mark.parametrize("part", ["cache", "cache/alluxio"])
def test_a_link_on_the_way_is_not_followed(tmp_path: Path, part: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "alluxio" / "journal").mkdir(parents=True)
    root = tmp_path / "root"
    place = root / part
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere if part == "cache" else elsewhere / "alluxio")
    with pytest.raises(CacheError, match="no directory"):
        module.purge(str(root / "cache" / "alluxio"), dry=False)
    assert (elsewhere / "alluxio" / "journal").is_dir()


def test_a_disk_behind_a_link_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    tier = disk / "fuse3" / "cache" / "alluxio" / "tier0"
    tier.mkdir(parents=True)
    (tier / "block").write_text("x")
    data = tmp_path / "data"
    data.symlink_to(disk)
    monkeypatch.setattr(host_mounts, "read", lambda: [Mount(str(tier), "ext4", "/dev/sdb")])
    assert module.has_mount(str(tier))
    assert module.has_mount(str(tier.parent))
    assert not module.has_mount(f"{tier}x")
    plan = module.purge(str(data / "fuse3" / "cache" / "alluxio"), dry=False, only=["tier0"])
    assert (plan.delete, plan.stay) == ((), (str(tier),))
    assert (tier / "block").exists()


def test_only_what_is_named_is_purged_and_what_is_beside_it_may_be_in_use(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "alluxio"
    for name in ("journal", "domain", "tier0"):
        (path / name).mkdir(parents=True)
    plan = module.purge(str(path), dry=False, only=["domain", "tier0"])
    assert plan.delete == (f"{path}/domain", f"{path}/tier0")
    assert not plan.whole
    assert [one.name for one in path.iterdir()] == ["journal"]
    (path / "journal").rmdir()
    (path / "tier0").mkdir()
    assert module.purge(str(path), dry=False, only=["domain", "tier0"]).whole
    assert not path.exists()


def test_what_lies_behind_a_mount_that_hangs_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    (tmp_path / "mount/file").write_text("x")
    for hung in (str(tmp_path / "mount"), str(tmp_path / "mount/deeper")):
        found = module.sizes(str(tmp_path / "mount"), [hung])
        assert (found["files"], found["hung"]) == (0, True)
    assert module.sizes(str(tmp_path / "mount"), [str(tmp_path / "other")])["files"] == 1
