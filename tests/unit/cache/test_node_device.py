"""No device is formatted that holds something, unless that very device is confirmed; one in use never is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_directories,
    host_files,
    host_mounts,
    host_packages,
    node_device,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.node_device import Found
from ansible_collections.alluxops.cache.plugins.modules import node_device as module

POINT = "/mnt/fuse3/alluxio/alluxio/tier0"
OURS = node_device.label("alluxio", "alluxio")
BLANK = Found("block", {})


def plan(found: Found, *, confirmed: bool = False) -> str:
    return node_device.plan("/dev/sdb", POINT, found, ours=OURS, confirmed=confirmed, host="n4")


def test_a_blank_device_is_formatted() -> None:
    assert plan(BLANK) == "format"


def test_what_was_formatted_for_this_release_is_mounted_once() -> None:
    made = replace(BLANK, probed={"TYPE": "ext4", "LABEL": OURS}, listed=True)
    assert plan(made) == "mount"
    assert plan(replace(made, mounted_on=[POINT], there="/dev/sdb")) == "none"
    assert len(OURS) <= 16
    assert node_device.label("alluxio", "other") != OURS


def test_a_tier_of_this_name_that_fstab_does_not_know_is_mounted_only_when_confirmed() -> None:
    """The name is all that its label tells: another cluster may have a release of the same one."""
    found = replace(BLANK, probed={"TYPE": "ext4", "LABEL": OURS})
    with pytest.raises(SettingsError) as refusal:
        plan(found)
    assert f"holds ext4 ({OURS}), the tier of a cache of this name" in refusal.value.what
    assert "-e alluxio_confirm_format_device=n4:/dev/sdb: it is mounted" in refusal.value.fix
    assert plan(found, confirmed=True) == "mount"
    written = node_device.fstab("", "1-2", POINT)
    assert node_device.lists(written, "1-2", POINT)
    assert not node_device.lists(f"#{written}", "1-2", POINT)
    assert not node_device.lists(written, "1-3", POINT)
    assert not node_device.lists(written, "1-2", f"{POINT}/other")
    assert not node_device.lists(written, "", POINT)


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({"probed": {"TYPE": "xfs", "LABEL": "data"}}, "xfs (data)"),
        ({"probed": {"TYPE": "ext4", "LABEL": "alluxops-0000000"}}, "ext4 (alluxops-0000000)"),
        ({"probed": {"PTTYPE": "gpt"}, "partitions": ["sdb1"]}, "the partitions sdb1"),
    ],
)
def test_what_holds_something_must_be_confirmed(changes: Any, holds: str) -> None:
    found = replace(BLANK, **changes)
    with pytest.raises(SettingsError) as refusal:
        plan(found)
    assert holds in refusal.value.what
    assert "-e alluxio_confirm_format_device=n4:/dev/sdb" in refusal.value.fix
    assert plan(found, confirmed=True) == "format"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Found("missing", {}), "not there"),
        (Found("other", {}), "no block device"),
        (replace(BLANK, mounted_on=["/"]), "in use: /"),
        (replace(BLANK, users=["dm-0"]), "in use: dm-0"),
        (replace(BLANK, there="/dev/sdc"), "/dev/sdc is mounted on"),
        (replace(BLANK, blocks=f"{POINT}/1"), "holds blocks of a worker"),
        (replace(BLANK, held_by=["java (process 7 of pod a/b)"]), "is in use: java"),
    ],
)
def test_what_is_in_use_is_refused_even_when_confirmed(found: Found, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        plan(found, confirmed=True)


def test_no_device_hides_the_blocks_of_a_worker() -> None:
    made = replace(BLANK, probed={"TYPE": "ext4", "LABEL": OURS}, blocks=f"{POINT}/1")
    with pytest.raises(SettingsError) as refusal:
        plan(made)
    assert f"{POINT} on n4 holds blocks of a worker: {POINT}/1" in refusal.value.what
    assert "alluxops remove-workers --limit n4" in refusal.value.fix
    assert plan(replace(made, mounted_on=[POINT], there="/dev/sdb")) == "none"


def test_no_device_is_mounted_over_the_directory_of_a_worker_that_runs() -> None:
    made = replace(BLANK, probed={"TYPE": "ext4", "LABEL": OURS}, held_by=list("abcde"))
    with pytest.raises(SettingsError) as refusal:
        plan(made)
    assert f"{POINT} on n4 is in use: a; b; c and 2 more" in refusal.value.what
    assert "alluxops remove-workers --limit n4" in refusal.value.fix
    assert plan(replace(made, mounted_on=[POINT], there="/dev/sdb")) == "none"


def test_blocks_are_files_below_the_tier(tmp_path: Path) -> None:
    assert module.first_file(str(tmp_path / "missing")) == ""
    folder = tmp_path / "alluxioworker/.tmp_blocks"
    folder.mkdir(parents=True)
    assert module.first_file(str(tmp_path)) == ""
    (tmp_path / "alluxioworker/16777216").touch()
    assert module.first_file(str(tmp_path)) == str(tmp_path / "alluxioworker/16777216")


def test_a_host_that_cannot_format_is_refused_before_anything_is_wiped() -> None:
    bare = replace(BLANK, lacks=["mkfs.ext4"])
    with pytest.raises(SettingsError) as refusal:
        plan(bare)
    assert "n4 has no mkfs.ext4" in refusal.value.what
    assert "install e2fsprogs" in refusal.value.fix
    with pytest.raises(SettingsError, match="holds xfs"):
        plan(replace(bare, probed={"TYPE": "xfs"}))
    assert plan(replace(bare, probed={"TYPE": "ext4", "LABEL": OURS}, listed=True)) == "mount"


def test_what_became_of_a_device_is_said() -> None:
    said = node_device.taken("/dev/sdb", POINT, "format", "xfs (data)")
    assert said == f"/dev/sdb: formatted, it held xfs (data), and mounted on {POINT}"
    assert node_device.taken("/dev/sdb", POINT, "none", "") == ""


def test_swap_is_a_use() -> None:
    text = "Filename\tType\tSize\tUsed\tPriority\n/dev/sdb1 partition\t1\t0\t-2\n"
    assert node_device.swaps(text) == ["/dev/sdb1"]
    assert node_device.swaps("") == []


def test_a_confirmation_is_for_one_device_of_one_host() -> None:
    assert node_device.is_confirmed("n4:/dev/sdb", "n4", "/dev/sdb")
    assert node_device.is_confirmed("n3:/dev/sdb, n4:/dev/sdb", "n4", "/dev/sdb")
    assert not node_device.is_confirmed("n4:/dev/sdb", "n4", "/dev/sdb1")
    assert not node_device.is_confirmed("alluxio", "n4", "/dev/sdb")


def test_fstab_has_the_mount_once_and_keeps_the_rest() -> None:
    before = f"# all\nUUID=1 / ext4 defaults 0 1\nUUID=2 {POINT} xfs defaults 0 2\n"
    after = node_device.fstab(before, "3", POINT)
    assert after.startswith("# all\nUUID=1 / ext4 defaults 0 1\nUUID=3 ")
    assert node_device.fstab(after, "3", POINT) == after


def test_a_line_of_an_earlier_version_is_renewed_and_no_other() -> None:
    rest = f"# all\nUUID=1 / ext4 defaults 0 1\n/dev/sdc {POINT} xfs defaults,noatime,nofail 0 2\n"
    former = f"{rest}UUID=3 {POINT} ext4 defaults,noatime,nofail 0 2\n"
    assert node_device.fstab_renewed(rest, POINT) == rest
    renewed = node_device.fstab_renewed(former, POINT)
    assert renewed == f"{rest}UUID=3 {POINT} ext4 {node_device.AT_BOOT} 0 2\n"
    assert node_device.fstab_renewed(renewed, POINT) == renewed
    assert node_device.fstab_without(former, POINT) == rest
    mounted = replace(BLANK, mounted_on=[POINT], outdated=True)
    assert plan(mounted) == "line"
    assert "renewed" in node_device.taken("/dev/sdb", POINT, "line", "")


def test_containers_wait_for_the_disk_at_boot() -> None:
    """What systemd.mount(5) says of nofail: the boot does not wait for such a mount."""
    waits = {f"x-systemd.before={unit}.service" for unit in ("kubelet", "containerd")}
    options = node_device.fstab("", "3", POINT).split()[3].split(",")
    assert waits | {"nofail"} <= set(options)


def test_fstab_loses_the_line_that_was_written_and_no_other() -> None:
    before = f"# all\nUUID=1 / ext4 defaults 0 1\n# {POINT}\n\n/dev/sdc {POINT} xfs defaults 0 2"
    assert node_device.fstab_without(before, POINT) == before
    mounted = node_device.fstab("# all\n\nUUID=1 / ext4 defaults 0 1\n", "3", POINT)
    assert node_device.fstab_without(mounted, POINT + "0") == mounted
    after = node_device.fstab_without(mounted, POINT)
    assert after == "# all\n\nUUID=1 / ext4 defaults 0 1\n"
    assert node_device.fstab_without(after, POINT) == after
    assert node_device.fstab_without("", POINT) == ""


def test_blkid_is_read() -> None:
    said = "DEVNAME=/dev/sdb\nLABEL=a\\ b\nUUID=1\nTYPE=xfs\n"
    assert node_device.parse_probe(said)["LABEL"] == "a b"
    assert node_device.parse_probe("") == {}


def test_our_disk_is_found_behind_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    line = f"42 22 8:2 / {tmp_path}/disk/tier0 rw - ext4 /dev/sdb rw\n"
    monkeypatch.setattr(host_files, "read_text", lambda _: line)
    monkeypatch.setattr(module, "probe", lambda *_: {"LABEL": "ours"})
    any_module: Any = None
    point = f"{tmp_path}/data/tier0"
    assert module.mounted_by_us(any_module, point, "ours", is_written=True) == "/dev/sdb"


def test_a_disk_that_is_mounted_behind_a_link_is_known_by_the_point_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    line = f"42 22 8:2 / {tmp_path}/disk/tier0 rw - ext4 /dev/sdb rw\n"
    monkeypatch.setattr(host_files, "read_text", lambda _: line)
    monkeypatch.setattr(module, "device_number", lambda _: "8:2")
    monkeypatch.setattr(module, "probe", lambda *_: {"TYPE": "ext4", "LABEL": OURS})
    any_module: Any = SimpleNamespace(params={"packages": []}, get_bin_path=lambda _: None)
    point = f"{tmp_path}/data/tier0"
    found = module.look(any_module, "/dev/sdb", point)
    assert (found.mounted_on, found.there) == ([point], "/dev/sdb")


def test_what_formatting_takes_is_there_before_anything_is_wiped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def found(name: str, **_: Any) -> str:
        done.append(f"found {name}")
        return name

    def run(command: list[str]) -> tuple[int, str, str]:
        done.append(f"ran {command[0]}")
        return 0, "UUID=1\n", ""

    monkeypatch.setattr(host_packages, "install", lambda _, names: done.extend(names))
    monkeypatch.setattr(host_mounts, "FSTAB", str(tmp_path / "fstab"))
    host: Any = SimpleNamespace(
        params={"device": "/dev/sdb", "packages": ["e2fsprogs"]},
        get_bin_path=found,
        run_command=run,
    )
    module.take(host, "format", str(tmp_path / "tier0"), OURS)
    before = done[: done.index("ran wipefs")]
    assert before[0] == "e2fsprogs"
    assert {"found wipefs", "found mkfs.ext4"} <= set(before)
    assert "ran mkfs.ext4" in done
    assert (tmp_path / "tier0").stat().st_mode & 0o777 == 0


def test_a_line_is_renewed_without_touching_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "fstab"
    table.write_text(f"UUID=3 {POINT} ext4 defaults,noatime,nofail 0 2\n")
    monkeypatch.setattr(host_mounts, "FSTAB", str(table))
    host: Any = SimpleNamespace(params={"device": "/dev/sdb"})  # it can run nothing
    module.take(host, "line", POINT, OURS)
    assert table.read_text() == node_device.fstab("", "3", POINT)


def test_no_directory_is_made_in_the_place_of_a_disk_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, tier = tmp_path / "fstab", tmp_path / "tier0"
    tier.mkdir(mode=0)
    monkeypatch.setattr(host_mounts, "FSTAB", str(table))
    steps = host_directories.plan([{"path": str(tier), "owner": 0, "group": 0, "mode": "0750"}])
    host_directories.refuse_missing_mounts(steps)
    table.write_text(f"# UUID=3 {tier} ext4 defaults 0 2\nUUID=3 {tier} ext4 noauto 0 2\nswap\n")
    host_directories.refuse_missing_mounts(steps)
    table.write_text(node_device.fstab("", "3", str(tier)))
    with pytest.raises(CacheError) as refusal:
        host_directories.refuse_missing_mounts(steps)
    assert f"nothing is mounted on {tier}" in refusal.value.what
    host_directories.refuse_missing_mounts([])
    monkeypatch.setattr("os.path.ismount", lambda _: True)
    host_directories.refuse_missing_mounts(steps)


class KilledError(Exception):
    """The run ends here, without a word."""


class Disk:
    """The AnsibleModule of a host with a disk. killed_at, fails_at: a program."""

    check_mode = False

    def __init__(self, killed_at: str = "", fails_at: str = "") -> None:
        self.params = {"device": "/dev/sdb", "packages": []}
        self.killed_at, self.fails_at = killed_at, fails_at
        self.lies: dict[str, str] = {}
        self.mounted = False

    def get_bin_path(self, name: str, **_: Any) -> str:
        return name

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        program, *words = command
        if program == self.killed_at:
            raise KilledError
        if program == self.fails_at:
            return 32, "", "target is busy"
        if program == "wipefs":
            self.lies = {}
        elif program == "mkfs.ext4":
            given = dict(itertools.pairwise(words))
            self.lies = {"TYPE": "ext4", "LABEL": given["-L"], "UUID": given["-U"]}
        elif program in {"mount", "umount"}:
            self.mounted = program == "mount"
        return 0, "".join(f"{key}={value}\n" for key, value in self.lies.items()), ""

    def exit_json(self, **_: Any) -> None:
        pass


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for /etc/fstab."""
    found = tmp_path / "fstab"
    found.write_text("UUID=1 / ext4 defaults 0 1\n")
    monkeypatch.setattr(host_mounts, "FSTAB", str(found))
    return found


@pytest.mark.parametrize(
    ("killed_at", "then"), [("wipefs", "format"), ("mkfs.ext4", "format"), ("mount", "mount")]
)
def test_a_format_that_was_killed_is_finished_unasked(
    table: Path, tmp_path: Path, killed_at: str, then: str
) -> None:
    point = str(tmp_path / "tier0")
    host: Any = Disk(killed_at)
    with pytest.raises(KilledError):
        module.take(host, "format", point, OURS)
    listed = node_device.lists(table.read_text(), host.lies.get("UUID", ""), point)
    step = plan(replace(BLANK, probed=host.lies, listed=listed))
    assert step == then
    host.killed_at = ""
    module.take(host, step, point, OURS)
    assert host.mounted
    rest = "UUID=1 / ext4 defaults 0 1\n"
    assert table.read_text() == node_device.fstab(rest, host.lies["UUID"], point)


def test_a_format_that_fails_leaves_no_line(table: Path, tmp_path: Path) -> None:
    before = table.read_text()
    host: Any = Disk(fails_at="mkfs.ext4")
    with pytest.raises(CacheError, match="target is busy"):
        module.take(host, "format", str(tmp_path / "tier0"), OURS)
    assert table.read_text() == before


def test_a_disk_that_is_busy_or_whose_run_was_killed_is_known_to_the_next_run(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest, point = table.read_text(), str(tmp_path / "tier0")
    listed = node_device.fstab(rest, "3", point)
    table.write_text(listed)
    monkeypatch.setattr(
        module,
        "mounted_by_us",
        lambda *_, is_written: "/dev/sdb" if is_written and host.mounted else "",
    )
    host: Any = Disk(fails_at="umount")  # it cannot be read: only the line tells that it is ours
    host.mounted = True
    with pytest.raises(CacheError, match="target is busy"):
        module.leave(host, point, OURS)
    assert table.read_text() == listed
    host.fails_at, host.mounted = "", False  # killed when it was unmounted
    module.leave(host, point, OURS)
    assert table.read_text() == rest
    table.write_text(listed)
    host.mounted = True
    module.leave(host, point, OURS)
    assert (table.read_text(), host.mounted) == (rest, False)
