"""Making a node's directories and correcting those that differ. Standard library only, Python 3.9."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import directories, host_mounts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

ARGUMENT: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "path": {"type": "str", "required": True},
        "owner": {"type": "int", "default": 0},
        "group": {"type": "int", "default": 0},
        "mode": {"type": "str", "default": "0755"},
    },
}
"""Of every module that makes directories, as the doc fragment on_directories has it."""


def plan(entries: Sequence[dict[str, object]]) -> list[directories.Step]:
    """What there is to do. entries: of a module's `directories`. Raises CacheError for what is in the way."""
    return directories.plan(directories.wanted_directories(entries), look)


def refuse_missing_mounts(steps: Sequence[directories.Step]) -> None:
    """Raise CacheError where a directory is to be made or corrected in the place of a disk that is not mounted."""
    for step in steps:
        path = step.directory.path
        if host_mounts.is_missing(path):
            raise CacheError(
                f"nothing is mounted on {path}, and {host_mounts.FSTAB} has a disk for it.",
                "What is written to the directory below it would be hidden when the disk is back.",
                f"`mount {path}`, then run again; where the disk is gone for good, take its line out of"
                f" {host_mounts.FSTAB}.",
            )


def have(steps: Sequence[directories.Step]) -> None:
    """Do it, parents first. Raises CacheError."""
    for step in steps:
        try:
            take(step)
        except OSError as fault:
            raise unreachable(step.directory.path, fault) from fault


def result(steps: Sequence[directories.Step]) -> dict[str, list[str]]:
    """What a module returns of it."""
    return {
        "made": [step.directory.path for step in steps if step.make],
        "corrected": [step.directory.path for step in steps if not step.make],
    }


def look(path: str) -> directories.Found:
    """What lies at path. Raises CacheError when the file system does not answer."""
    try:
        entry = os.lstat(path)
    except FileNotFoundError:
        return directories.Found("missing")
    except NotADirectoryError:
        # A file stands where a parent should be; the parent's own check names it, unless the parent is not listed.
        raise CacheError(
            f"a part of {path} is a file, not a directory.",
            fix="move that file away, or choose another path.",
        ) from None
    except OSError as fault:
        raise unreachable(path, fault) from fault
    if stat.S_ISLNK(entry.st_mode):
        return directories.Found("symlink", target=os.path.realpath(path))
    if not stat.S_ISDIR(entry.st_mode):
        return directories.Found("other")
    return directories.Found(
        "directory",
        owner=entry.st_uid,
        group=entry.st_gid,
        mode=stat.S_IMODE(entry.st_mode),
    )


def take(step: directories.Step) -> None:
    """Make or correct one directory, through descriptors so that nothing can be put in its place meanwhile."""
    wanted = step.directory
    parent = os.open(os.path.dirname(wanted.path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        name = os.path.basename(wanted.path)
        if step.make:
            with contextlib.suppress(
                FileExistsError
            ):  # made meanwhile: the next line refuses all but a directory
                os.mkdir(name, 0o700, dir_fd=parent)
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            if (wanted.owner, wanted.group) != (step.found.owner, step.found.group) or step.make:
                os.fchown(opened, wanted.owner, wanted.group)
            os.fchmod(opened, wanted.mode)
        finally:
            os.close(opened)
    finally:
        os.close(parent)


def unreachable(path: str, fault: OSError) -> CacheError:
    """The error for a directory that the system refuses, with what to do about the usual reasons."""
    what = f"{path}: {fault.strerror or fault}."
    if fault.errno in host_mounts.STALE:
        return CacheError(
            what,
            "A FUSE or network mount is left there whose server is gone.",
            f"umount --lazy {path}, then run again.",
        )
    if fault.errno == errno.EROFS:
        return CacheError(
            what,
            "Its file system is mounted read-only.",
            "mount it read-write, or choose another node_storage_root.",
        )
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return CacheError(what, "Its file system is full.", "free space or inodes on it.")
    if fault.errno in (errno.EPERM, errno.EACCES):
        return CacheError(
            what,
            "Only root may give a directory to another user, and some network file systems refuse even root.",
            "run with become: true, or choose a node_storage_root on a local disk.",
        )
    return CacheError(what)
