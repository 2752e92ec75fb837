"""What a cache node must have, checked on what was read from it.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OLDEST_PYTHON = (3, 9)
FEWEST_INODES = 1000
# File systems that forget everything at a reboot.
VOLATILE = ("tmpfs", "ramfs")


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo, as far as it matters."""

    point: str
    filesystem: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Storage:
    """node_storage_root on a node. kind: of the path itself. fault: why the file system does not answer, else empty.

    Sizes are of the file system that the directories will lie on, as an unprivileged user sees them.
    """

    path: str
    kind: str
    target: str
    mount: Mount
    free_bytes: int
    free_inodes: int | None
    fault: str = ""


@dataclass(frozen=True)
class Node:
    """What was read from a node."""

    python: tuple[int, int, int]
    is_root: bool
    memory_bytes: int
    has_fuse: bool
    storage: Storage


@dataclass(frozen=True)
class Wanted:
    """What the cache needs of this node; 0 or False where it needs nothing."""

    free_bytes: int
    memory_bytes: int
    fuse: bool
    lasting: bool


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `value` is what was found; `what` and `fix` matter when it is not ok."""

    check: str
    ok: bool
    value: str
    what: str = ""
    fix: str = ""


def check_node(node: Node, wanted: Wanted) -> list[Check]:
    """Everything that would make the deployment fail later, and everything that was found in order."""
    python = ".".join(str(part) for part in node.python)
    checks = [
        Check(
            "python",
            node.python[:2] >= OLDEST_PYTHON,
            python,
            f"Python is {python}, and Ansible's modules need {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}.",
            "install a newer one and set ansible_python_interpreter for this host.",
        ),
        Check(
            "root",
            node.is_root,
            "yes" if node.is_root else "no",
            "the tasks do not run as root, and only root may make directories for the pods' user.",
            "set ansible_become: true for this host, or log in as root.",
        ),
        Check(
            "memory",
            node.memory_bytes >= wanted.memory_bytes,
            size(node.memory_bytes),
            f"the node has {size(node.memory_bytes)} of memory, and its pods ask for {size(wanted.memory_bytes)}.",
            "lower alluxio_worker_quota and the pods' resources, or take the host out of its cache groups.",
        ),
        Check(
            "fuse",
            node.has_fuse or not wanted.fuse,
            "/dev/fuse" if node.has_fuse else "no /dev/fuse",
            "/dev/fuse is missing, and the values ask for FUSE mounts.",
            "modprobe fuse (and write fuse to /etc/modules-load.d/fuse.conf), or set fuse.enabled: false.",
        ),
    ]
    return checks + check_storage(node.storage, wanted)


def check_shared(storage: Storage) -> Check:
    """Whether the masters' common journal can lie here. That other nodes see the same is proved later, by writing."""
    path, mount = storage.path, storage.mount
    name, value = "journal_shared_path", f"{mount.filesystem} at {mount.point}"
    if storage.fault:
        what = f"alluxio_journal_shared_path {path} does not answer: {storage.fault}."
        fix = f"mount its file system anew (`umount --lazy {mount.point}` first)."
    elif storage.kind != "directory":
        what = f"alluxio_journal_shared_path {path} is {'missing' if storage.kind == 'missing' else 'no directory'}."
        fix = "mount the file system that all hosts of cache_masters share there, or correct the path."
    elif mount.filesystem in VOLATILE:
        what = f"alluxio_journal_shared_path {path} is {mount.filesystem}, which forgets everything at a reboot."
        fix = "mount the file system that all hosts of cache_masters share there."
    elif "ro" in mount.options:
        what = f"alluxio_journal_shared_path {path} is mounted read-only."
        fix = f"mount -o remount,rw {mount.point}."
    else:
        return Check(name, ok=True, value=value)
    return Check(name, ok=False, value=value, what=what, fix=fix)


def check_storage(storage: Storage, wanted: Wanted) -> list[Check]:
    """The checks of node_storage_root; only the first that fails where the others follow from it."""
    path, mount = storage.path, storage.mount
    kind = _kind(storage)
    if not kind.ok:
        return [kind]
    inodes = storage.free_inodes
    return [
        kind,
        Check(
            "storage_writable",
            "ro" not in mount.options,
            f"{mount.filesystem} on {mount.point} ({','.join(mount.options)})",
            f"{path} lies on {mount.point}, which is mounted read-only.",
            "mount it read-write (a disk with errors is remounted read-only: see dmesg), or set node_storage_root.",
        ),
        Check(
            "storage_lasting",
            not (wanted.lasting and mount.filesystem in VOLATILE),
            mount.filesystem,
            f"{path} lies on {mount.filesystem} ({mount.point}), and the master's journal would be lost at a reboot.",
            "set node_storage_root to a directory on a disk.",
        ),
        Check(
            "storage_free",
            storage.free_bytes >= wanted.free_bytes,
            size(storage.free_bytes),
            f"{path} lies on {mount.point}, with {size(storage.free_bytes)} free of {size(wanted.free_bytes)} needed.",
            "free space there, or set node_storage_root to a larger disk.",
        ),
        Check(
            "storage_inodes",
            inodes is None or inodes >= FEWEST_INODES,
            "not counted" if inodes is None else str(inodes),
            f"{path} lies on {mount.point}, which has {inodes} inodes left.",
            "remove files there, or set node_storage_root to another disk.",
        ),
    ]


def _kind(storage: Storage) -> Check:
    path = storage.path
    value, what, fix = storage.kind, "", ""
    if storage.fault:
        value = storage.fault
        what = f"{path}: {storage.fault}."
        fix = f"umount --lazy {path}, or repair its mount."
    elif storage.kind == "symlink":
        value = f"symlink to {storage.target}"
        what = f"{path} is a symlink to {storage.target}; pods would be given what it points to."
        fix = f"set node_storage_root to {storage.target}, or mount it on {path}."
    elif storage.kind == "other":
        value = "not a directory"
        what = f"{path}, or a part of it, is a file and not a directory."
        fix = "move the file away, or choose another node_storage_root."
    return Check("storage_path", not what, value, what, fix)


def parse_mountinfo(text: str) -> list[Mount]:
    """The mounts of /proc/self/mountinfo, in their order."""
    mounts = []
    for line in text.splitlines():
        before, _dash, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) >= 6 and len(rest) >= 3:
            options = dict.fromkeys(
                [
                    *fields[5].split(","),
                    *(word for word in rest[2].split(",") if word in ("ro", "rw")),
                ]
            )
            mounts.append(Mount(_plain(fields[4]), rest[0], _effective(options)))
    return mounts


def _effective(options: dict[str, None]) -> tuple[str, ...]:
    """Mount and file system each say ro or rw, and ro of either one holds."""
    return tuple(option for option in options if not (option == "rw" and "ro" in options))


def _plain(text: str) -> str:
    """A path of mountinfo, which writes blanks as octal escapes."""
    return (
        text.encode("latin-1", "backslashreplace").decode("unicode_escape")
        if "\\" in text
        else text
    )


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount:
    """The mount that a path lies on: the deepest, and of several on one point the last."""
    found = Mount("/", "unknown", ())
    for mount in mounts:
        covers = mount.point in ("/", path) or path.startswith(mount.point + "/")
        if covers and len(mount.point) >= len(found.point):
            found = mount
    return found


def parse_memory(text: str) -> int:
    """Bytes of MemTotal in /proc/meminfo; 0 when it is not there."""
    for line in text.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def size(count: int) -> str:
    """A number of bytes for people: 1.5 GiB."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
