"""What is broken of a worker on its node, decided from what lies there: stale FUSE mounts, sockets nobody listens on.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.alluxops.cache.plugins.module_utils.node_residue import Mount

MODULES_LOAD = "/etc/modules-load.d/alluxops-fuse.conf"
MODULES_LOAD_TEXT = (
    "# Written by alluxops: the cache's FUSE mounts need it after a reboot too.\nfuse\n"
)


def fuse_points(mounts: Sequence[Mount], points: Sequence[str], release: str) -> list[str]:
    """The FUSE mounts of the release: on its mount points, or in its directory. Others are not ours to touch."""
    found = {}
    for mount in mounts:
        is_fuse = mount.filesystem == "fuse" or mount.filesystem.startswith("fuse.")
        is_ours = mount.point in points or mount.point.startswith(release.rstrip("/") + "/")
        if is_fuse and is_ours:
            found[mount.point] = mount
    return list(found)


def keeps_fuse(modules: str, *, was_loaded: bool) -> bool:
    """Whether FUSE is a module of the kernel that must be loaded after a reboot. modules: text of /proc/modules."""
    return was_loaded or any(line.split()[:1] == ["fuse"] for line in modules.splitlines())


def hung(points: Sequence[str], namespace: str) -> list[str]:
    """What is said of FUSE mounts whose process is there and does not answer: what uses them would lose them."""
    return [
        f"{point}: the FUSE mount does not answer, its process hangs: delete its FUSE pod"
        f" (`kubectl -n {namespace} get pods -o wide` shows it), and run it again"
        for point in points
    ]


def told(mended: Mapping[str, Sequence[str]]) -> list[str]:
    """What was mended, a line each. mended: by `mounts`, `sockets`, `packages`, `fuse`."""
    lines = [
        f"{point}: a FUSE mount whose process is gone was detached"
        for point in mended.get("mounts", ())
    ]
    sockets = list(mended.get("sockets", ()))
    if sockets:
        count = (
            "a domain socket that nobody listened on"
            if len(sockets) == 1
            else f"{len(sockets)} domain sockets that nobody listened on"
        )
        folder = sockets[0].rpartition("/")[0]
        lines.append(f"{folder}: {count} {'was' if len(sockets) == 1 else 'were'} removed")
    lines += [f"package {name} was installed" for name in mended.get("packages", ())]
    lines += list(mended.get("fuse", ()))
    return lines
