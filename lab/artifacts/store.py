"""The cache of artifacts: one directory per name and key, published whole or not at all.

artifacts/NAME-KEY/   published, never changed again
building/NAME@.../    being built; what a dead builder left is removed by whoever builds next
locks/NAME            held while NAME is built, so that two labs do not build the same thing
logs/NAME.log         what the last build printed
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.errors import LabError

LOCK_POLL_S = 0.5


@dataclass(frozen=True)
class Store:
    """The cache under `root`."""

    root: Path

    def published(self, name: str, key: str) -> Path | None:
        """The directory of the artifact, or None when it is not built."""
        path = self._place(name, key)
        return path if path.is_dir() else None

    def log(self, name: str) -> Path:
        """Where the output of building `name` goes."""
        path = self.root / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def lock(self, name: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of `name`; calls on_wait every half second while another process has it.

        The kernel drops the lock with its holder, so a killed build never blocks the next one.
        """
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            while not _locked(file):
                on_wait()
                time.sleep(LOCK_POLL_S)
            yield

    @contextmanager
    def building(self, name: str, key: str) -> Iterator[tuple[Path, Path]]:
        """Two empty directories: one becomes the artifact when the block ends well, one is scratch.

        The caller holds the lock of `name`.
        """
        parent = self.root / "building"
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f"{name}@", dir=parent))
        try:
            out, scratch = staging / "out", staging / "scratch"
            out.mkdir()
            scratch.mkdir()
            yield out, scratch
            place = self._place(name, key)
            place.parent.mkdir(parents=True, exist_ok=True)
            out.rename(place)
        finally:
            remove_tree(staging)

    def sweep(self) -> None:
        """Remove what builders that were killed left behind; what a living one builds is locked."""
        for leftover in (self.root / "building").glob("*@*"):
            with self._try_lock(leftover.name.partition("@")[0]) as free:
                if free and leftover.exists():
                    remove_tree(leftover)

    def entries(self) -> list[Path]:
        """Every published directory, oldest first."""
        places = (self.root / "artifacts").glob("*-*")
        return sorted(places, key=lambda path: path.stat().st_mtime)

    def remove(self, entry: Path) -> None:
        """Take a published directory away; it vanishes from `published` at once."""
        parent = self.root / "building"
        parent.mkdir(parents=True, exist_ok=True)
        grave = Path(tempfile.mkdtemp(prefix="removed@", dir=parent))
        entry.rename(grave / entry.name)
        remove_tree(grave)

    @contextmanager
    def _try_lock(self, name: str) -> Iterator[bool]:
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            yield _locked(file)

    def _place(self, name: str, key: str) -> Path:
        return self.root / "artifacts" / f"{name}-{key}"


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove_tree(path: Path) -> None:
    """Remove a directory; refuses when something is mounted below it, which would be emptied too."""
    below = mounts_below(path)
    if below:
        raise LabError(
            f"{path} is not removed: {below[0]} is mounted in it",
            fix=f"unmount it (`umount {below[0]}`) and run this again",
        )
    for pause_s in (0.1, 0.5, 2.0):
        # What a builder killed a moment ago was running may still be writing.
        try:
            shutil.rmtree(path)
        except OSError:
            time.sleep(pause_s)
        else:
            return
    shutil.rmtree(path)


def mounts_below(path: Path) -> list[str]:
    """Mount points at or below `path` in this process's view."""
    prefix = f"{path.resolve()}/"
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [point for line in lines if f"{(point := line.split()[4])}/".startswith(prefix)]
