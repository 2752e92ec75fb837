"""A fresh private directory for each run, which goes with the run, however it ends.

It holds extra variables and, for moments, results of tasks: mode 0700, on a memory file system where the user has one.
Whoever uses a directory holds a shared lock on its lock file; one that nobody holds was left by a run that was killed
together with its supervisor, and the next run removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alluxops.supervisor import LOCK_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "alluxops-run-"


def default_base(environ: Mapping[str, str]) -> Path:
    """Where run directories are made: the user's runtime directory (a tmpfs), else the temporary one."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime)
    return Path(tempfile.gettempdir())


@contextmanager
def run_directory(base: Path) -> Iterator[Path]:
    """Make a directory, lock it, remove it in the end; first remove what dead runs left in base."""
    remove_abandoned(base)
    # Locked before it has its final name, so that no other run can take it for abandoned.
    unlocked = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    descriptor = os.open(unlocked / LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        directory = base / unlocked.name.removeprefix(".")
        unlocked.rename(directory)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)


def write_private(directory: Path, name: str, text: str) -> Path:
    """Write a new file that only its owner can read, never through an existing name."""
    path = directory / name
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def remove_abandoned(base: Path) -> None:
    """Remove this user's run directories that nobody holds."""
    for directory in base.glob(f"{PREFIX}*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            _remove_unless_held(directory)


def _remove_unless_held(directory: Path) -> None:
    descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)
