"""Whether a disk may be formatted for a worker's tier, decided from what lies on it.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.alluxops.cache.plugins.module_utils import node_residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

Step = Literal["format", "mount", "line", "none"]
"""line: the device is mounted, and its line in /etc/fstab, written by an earlier version, is to be renewed."""

CONFIRMATION = "alluxio_confirm_format_device"
FILESYSTEM = "ext4"
OPTIONS = "defaults,noatime"
AT_BOOT = (
    f"{OPTIONS},nofail,x-systemd.device-timeout=90s"
    ",x-systemd.before=containerd.service,x-systemd.before=kubelet.service"
)
"""nofail alone lets a boot go on without the disk. These make containers wait for it, while ssh does not."""
_FORMER = (f"{OPTIONS},nofail",)
"""Options at boot of lines that earlier versions wrote."""
PACKAGES = {"wipefs": "util-linux", f"mkfs.{FILESYSTEM}": "e2fsprogs"}
"""Programs that formatting takes, and the packages that have them. Debian 13 is installed without e2fsprogs too."""


@dataclass(frozen=True)
class Found:
    """A device as it is.

    probed: what blkid says of it, such as {TYPE: xfs, LABEL: data} or {PTTYPE: gpt}; {} for a blank one. partitions:
    names of its partitions. users: what uses it or a partition of it, such as device-mapper, RAID, swap. mounted_on:
    where it is mounted. there: what is mounted on the mount point, as a device; "" for nothing. lacks: programs that
    formatting takes and the host does not have. blocks: a file below the mount point, "" for none. held_by: processes
    that have the mount point's directory mounted. listed: /etc/fstab has its file system for the mount point. outdated:
    its line there is of an earlier version.
    """

    kind: Literal["missing", "other", "block"]
    probed: dict[str, str]
    partitions: Sequence[str] = ()
    users: Sequence[str] = ()
    mounted_on: Sequence[str] = ()
    there: str = ""
    lacks: Sequence[str] = ()
    blocks: str = ""
    held_by: Sequence[str] = ()
    listed: bool = False
    outdated: bool = False


def label(namespace: str, release: str) -> str:
    """The file system's label, by which a device is known as this release's. ext4 takes 16 characters."""
    return f"alluxops-{hashlib.sha256(f'{namespace}/{release}'.encode()).hexdigest()[:7]}"


def mount_point(root: str, namespace: str, release: str) -> str:
    """Where a device is mounted: the directory of a tier on disk. Raises SettingsError."""
    return f"{node_residue.directory(root, namespace, release)}/tier0"


def refuse_unused(device: str, point: str, host: str, volumes: Sequence[str]) -> None:
    """Raise SettingsError for a device on which no tier would lie. volumes: the hostPath volumes of the workers."""
    paths = [path.rstrip("/") for path in volumes]
    if any(path == point or path.startswith(f"{point}/") for path in paths):
        return
    level = f"{{level: 0, mediumtype: SSD, path: {point}, type: hostPath, quota: 100Gi}}"
    raise SettingsError(
        f"bootstrap_workers_device is {device} on {host}, and no tier of the release's workers lies on {point}.",
        "It would be formatted, mounted there and never used. hostPath volumes of the workers:"
        f" {', '.join(paths) or 'none'}.",
        "leave bootstrap_workers_device out; or set a tier there in alluxio_values, such as"
        f" tieredstore: {{levels: [{level}]}}, and run `alluxops site` first.",
    )


def plan(device: str, point: str, found: Found, *, ours: str, confirmed: bool, host: str) -> Step:
    """What to do. Raises SettingsError for a device that is in use, or holds what nobody said may go."""
    what = f"bootstrap_workers_device is {device} on {host}"
    if found.kind != "block":
        raise SettingsError(
            f"{what}, which is {'not there' if found.kind == 'missing' else 'no block device'}.",
            fix="name a whole disk, a partition or a loop device of that host.",
        )
    if point in found.mounted_on:
        return "line" if found.outdated else "none"
    if found.mounted_on or found.users:
        used = ", ".join([*found.mounted_on, *found.users])
        raise SettingsError(
            f"{what}, which is in use: {used}.",
            "Formatting it would destroy what is used there.",
            "name another device, or take it out of use first.",
        )
    if found.there:
        raise SettingsError(
            f"{what}, and {found.there} is mounted on {point} already.",
            "The tier lies there.",
            f"leave bootstrap_workers_device out, or `umount {point}` first.",
        )
    if found.blocks:
        raise SettingsError(
            f"{what}, and {point} on {host} holds blocks of a worker: {found.blocks}.",
            "Mounted over them, the device would hide them from it, and what is in no under store would be lost.",
            f"leave bootstrap_workers_device out; or take the worker away first (`alluxops remove-workers --limit"
            f" {host}` keeps what lies nowhere else), then run again; where no worker uses them, delete them.",
        )
    if found.held_by:
        more = f" and {len(found.held_by) - 3} more" if len(found.held_by) > 3 else ""
        raise SettingsError(
            f"{what}, and {point} on {host} is in use: {'; '.join(found.held_by[:3])}{more}.",
            "What runs keeps the directory that it started with: a worker's blocks would go there, and be lost when its"
            " pod is made anew on the device.",
            f"leave bootstrap_workers_device out; or take the worker away first (`alluxops remove-workers --limit"
            f" {host}` keeps what lies nowhere else), end what else uses it, then run again.",
        )
    is_ours = found.probed.get("TYPE") == FILESYSTEM and found.probed.get("LABEL") == ours
    if is_ours and (found.listed or confirmed):
        return "mount"
    if contents(found) and not confirmed:
        told = f"{what}, which holds {contents(found)}"
        raise _unconfirmed(told, point, f"{host}:{device}", is_ours=is_ours)
    if found.lacks:
        raise SettingsError(
            f"{what}, and {host} has no {', '.join(found.lacks)}.",
            f"The device is to be formatted with {FILESYSTEM}.",
            f"install {' and '.join(PACKAGES[name] for name in found.lacks)} on it; on Debian and Ubuntu"
            " bootstrap_workers_packages may name it, which is installed by apt.",
        )
    return "format"


def _unconfirmed(what: str, point: str, named: str, *, is_ours: bool) -> SettingsError:
    """What holds something, and nobody said what becomes of it."""
    if is_ours:
        return SettingsError(
            f"{what}, the tier of a cache of this name, and /etc/fstab has no line of it for {point}.",
            "Another cluster may have a cache of the same name, whose blocks would be given to workers that do not know"
            " them. The line is missing, too, once the worker was removed here, or the system was installed anew.",
            f"where it is this cluster's, run once with -e {CONFIRMATION}={named}: it is mounted, and not formatted;"
            " else name another device, or `wipefs --all` this one first.",
        )
    return SettingsError(
        f"{what}.",
        "Formatting it destroys that, so it is confirmed by host and device.",
        f"name another device, or run once with -e {CONFIRMATION}={named}",
    )


def swaps(text: str) -> list[str]:
    """The devices that are swapped to. text: of /proc/swaps."""
    return [line.split()[0] for line in text.splitlines()[1:] if line.strip()]


def contents(found: Found) -> str:
    """What a device holds, in words; empty for a blank one."""
    parts = []
    if found.probed.get("TYPE"):
        name = found.probed.get("LABEL")
        parts.append(f"{found.probed['TYPE']}{f' ({name})' if name else ''}")
    if found.probed.get("PTTYPE"):
        parts.append(f"a partition table ({found.probed['PTTYPE']})")
    if found.partitions:
        parts.append(f"the partitions {', '.join(found.partitions)}")
    return " and ".join(parts)


def taken(device: str, point: str, step: Step, held: str) -> str:
    """What becomes of a device, for a person; empty where nothing does. held: its contents, in words."""
    said = {
        "format": f"{device}: formatted, it held {held}, and mounted on {point}",
        "mount": f"{device}: mounted on {point}",
        "line": f"{device}: its line in /etc/fstab was renewed, containers wait for it after a reboot",
    }
    return said.get(step, "")


def parse_probe(text: str) -> dict[str, str]:
    """The output of `blkid -p -o export`."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.replace("\\", "") for key, _, value in pairs}


def is_confirmed(confirmation: str, host: str, device: str) -> bool:
    """Whether `host:device`, or a list of such with commas, names this one."""
    return f"{host}:{device}" in [part.strip() for part in confirmation.split(",")]


def fstab(before: str, uuid: str, point: str) -> str:
    """The text of /etc/fstab with the mount in it, once."""
    line = " ".join([f"UUID={uuid}", *_fields(point, AT_BOOT)])
    kept = [
        one
        for one in before.splitlines()
        if one.lstrip().startswith("#") or one.split()[1:2] != [point]
    ]
    return "".join(f"{one}\n" for one in [*kept, line])


def lists(text: str, uuid: str, point: str) -> bool:
    """Whether /etc/fstab has a file system for a mount point. text: of /etc/fstab."""
    return bool(uuid) and any(
        line.split()[:2] == [f"UUID={uuid}", point] for line in text.splitlines()
    )


def fstab_without(before: str, point: str) -> str:
    """The text of /etc/fstab without the line that fstab() has written; one that an administrator wrote stays."""
    return "".join(
        line for line in before.splitlines(keepends=True) if not _is_written(line.split(), point)
    )


def fstab_renewed(before: str, point: str) -> str:
    """The text of /etc/fstab with a line of an earlier version's fstab() as it is written now."""
    return "".join(
        f"{' '.join([line.split()[0], *_fields(point, AT_BOOT)])}\n"
        if _is_written(line.split(), point)
        else line
        for line in before.splitlines(keepends=True)
    )


def _is_written(fields: Sequence[str], point: str) -> bool:
    ours = [_fields(point, options) for options in (AT_BOOT, *_FORMER)]
    return fields[1:] in ours and fields[0].startswith("UUID=")


def _fields(point: str, options: str) -> list[str]:
    """What follows the device in our line of /etc/fstab."""
    return [point, FILESYSTEM, options, "0", "2"]
