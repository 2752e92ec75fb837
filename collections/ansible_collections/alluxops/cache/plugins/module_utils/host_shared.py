"""A directory on storage that several hosts mount, as one of them sees it. Standard library only, Python 3.9."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

PROOF = ".alluxops-proof"
RETRIES = 20
PAUSE_S = 0.5


@contextlib.contextmanager
def as_owner(folder: str) -> Iterator[None]:
    """Act as the directory's owner: on NFS root often has no rights (root_squash). Raises OSError."""
    entry = os.stat(folder)
    if os.geteuid() != 0:
        yield
        return
    group = os.getegid()
    os.setegid(entry.st_gid)
    try:
        os.seteuid(entry.st_uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def refresh(folder: str) -> None:
    """Have names seen that other hosts made since: opening a directory makes NFS ask for its state."""
    parent = os.path.dirname(folder)
    for path in (os.path.dirname(parent), parent, folder):
        with contextlib.suppress(OSError):
            os.listdir(path)


def write(folder: str, nonce: str) -> None:
    """Write the nonce, through to the storage. Raises OSError."""
    with as_owner(folder):
        handle = os.open(
            os.path.join(folder, PROOF), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o640
        )
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(nonce)
            file.flush()
            os.fsync(file.fileno())


def read(folder: str) -> str:
    """What stands there; empty where nothing does. Raises OSError for what cannot be read."""
    refresh(folder)
    try:
        with as_owner(folder):
            refresh(folder)
            with open(os.path.join(folder, PROOF), encoding="utf-8", errors="replace") as file:
                return file.read()
    except FileNotFoundError:
        return ""


def read_until(folder: str, nonce: str) -> str:
    """The same, read again for a while until it is this nonce: names may be seen late. Raises OSError."""
    found = read(folder)
    for _ in range(RETRIES - 1):
        if found == nonce:
            break
        time.sleep(PAUSE_S)
        found = read(folder)
    return found


def remove(folder: str) -> None:
    """Take it away. Raises OSError."""
    with as_owner(folder), contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder, PROOF))
