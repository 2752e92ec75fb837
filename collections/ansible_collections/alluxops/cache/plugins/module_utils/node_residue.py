"""What a release leaves on a node: its directories and FUSE mounts, and which of them go.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")


_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")


@dataclass(frozen=True)
class Mount:
    """One mounted file system. device: major:minor. root: the directory of that file system which is mounted."""

    point: str
    filesystem: str
    source: str
    device: str = ""
    root: str = "/"


@dataclass(frozen=True)
class Purge:
    """What of a release's directory is deleted, and what stays because it is a file system of its own."""

    delete: tuple[str, ...]
    stay: tuple[str, ...]
    whole: bool


BLOCKS = "alluxioworker"
"""The directory in a tier's that a worker keeps its blocks in."""
ARGUMENTS: dict[str, dict[str, Any]] = {
    name: {"type": "str", "required": True} for name in ("root", "namespace", "release")
}
"""Of every module that is about a release's directory on a node, as the doc fragment on_node has them."""


def directory(root: str, namespace: str, release: str) -> str:
    """The release's directory. Raises SettingsError for parts that could lead anywhere else."""
    parts = [part for part in root.split("/") if part]
    if not root.startswith("/") or not parts or ".." in parts or "." in parts:
        raise SettingsError(
            f"node_storage_root is {root!r}.", fix="set an absolute path such as /mnt/fuse3."
        )
    for name, value in (("namespace", namespace), ("release", release)):
        if not _LABEL.match(value):
            raise SettingsError(
                f"the {name} is {value!r}.",
                fix="write it as Kubernetes does: a-z, 0-9 and hyphens.",
            )
    return "/".join(["", *parts, namespace, release])


def parse_mounts(mountinfo: str) -> list[Mount]:
    """The mounts of /proc/self/mountinfo, in their order."""
    mounts = []
    for line in mountinfo.splitlines():
        before, _dash, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) >= 6 and len(rest) >= 2:
            point, root = _plain(fields[4]), _plain(fields[3])
            mounts.append(Mount(point, rest[0], _plain(rest[1]), fields[2], root))
    return mounts


def fuse_mounts(mounts: Sequence[Mount], points: Sequence[str]) -> list[Mount]:
    """Alluxio's FUSE mounts: those on the release's mount points, and any that name Alluxio."""
    found = {}
    for mount in mounts:
        is_fuse = mount.filesystem == "fuse" or mount.filesystem.startswith("fuse.")
        names_it = "alluxio" in f"{mount.point} {mount.filesystem} {mount.source}".lower()
        if is_fuse and (mount.point in points or names_it):
            found[mount.point] = mount
    return list(found.values())


def plan_purge(
    path: str, children: Sequence[str], mounts: Sequence[Mount], only: Sequence[str] = ()
) -> Purge:
    """What of a directory to delete. children: names in it. Mounted file systems in it are never entered.

    only: the names that go; all of them where none is given. The directory itself goes once nothing else is in it.
    """
    inside = [mount.point for mount in mounts if mount.point.startswith(path + "/")]
    if any(mount.point == path for mount in mounts):
        return Purge((), (path,), whole=False)
    delete, stay = [], []
    going = [name for name in sorted(children) if name in only or not only]
    for name in going:
        child = f"{path}/{name}"
        below = [point for point in inside if point == child or point.startswith(child + "/")]
        if below:
            stay += below
        else:
            delete.append(child)
    return Purge(
        tuple(delete), tuple(dict.fromkeys(stay)), whole=not stay and len(going) == len(children)
    )


def held_by(path: str, mounts: Sequence[Mount], others: Sequence[Mount]) -> list[Mount]:
    """The mounts of a process, `others`, that show the directory or a part of it. mounts: the host's own.

    A container's bind mount is in no list of the host's; what tells it is the directory that it has of a file system.
    A file system that the host itself mounts in the directory is none of them: plan_purge leaves it.
    """
    outer, place = _place(path, mounts)
    if outer is None:
        return []
    own = {(one.point, one.device, one.root) for one in mounts if _lies_in(one.point, path)}
    return [
        one
        for one in others
        if one.device == outer.device
        and _lies_in(one.root, place)
        and (one.point, one.device, one.root) not in own
    ]


def held_by_pod(tier: str, mounts: Sequence[Mount], others: Sequence[Mount]) -> list[Mount]:
    """The mounts of a pod's process that are a tier's directory, or in it. mounts: the host's own.

    A worker has a tier where the host has it. A disk of its own is seen at other places by pods that look at all of
    the host, such as a monitor's: they use none of it.
    """
    outer, place = _place(tier, mounts)
    if outer is None:
        return []
    return [
        one
        for one in others
        if one.device == outer.device
        and _lies_in(one.root, place or "/")
        and (place or _lies_in(one.point, tier))
    ]


def _place(path: str, mounts: Sequence[Mount]) -> tuple[Mount | None, str]:
    """The mount that a path lies in, and where in its file system: empty for the whole of it."""
    around = [one for one in mounts if _lies_in(path, one.point)]
    if not around:
        return None, ""
    # The innermost, and of those on the same point the last, which covers the others.
    outer = max(enumerate(around), key=lambda item: (len(item[1].point), item[0]))[1]
    return outer, outer.root.rstrip("/") + path[len(outer.point.rstrip("/")) :]


def pod_uid(cgroup: str) -> str:
    """The uid of the pod that a process is in, from its /proc/PID/cgroup; "" for one that is in no pod."""
    found = _POD.search(cgroup)
    return found[1].replace("_", "-") if found else ""


def _lies_in(path: str, directory: str) -> bool:
    """Whether a path is a directory, or lies in it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _plain(text: str) -> str:
    """A path of mountinfo, which writes blanks as octal escapes."""
    return (
        text.encode("latin-1", "backslashreplace").decode("unicode_escape")
        if "\\" in text
        else text
    )
