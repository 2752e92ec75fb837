"""The mounts of a lab on the host."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from lab.commands import run
from lab.errors import LabError

MNT_DETACH = 2


def below(directory: Path) -> list[Path]:
    """Mount points in the directory, deepest first."""
    found: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = Path(_unescape(line.split()[4]))
        if place.is_relative_to(directory):
            found.append(place)
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def is_mounted(place: Path) -> bool:
    """True where something is mounted exactly here."""
    return place in below(place)


def overlay(place: Path, *, lower: Path, upper: Path, work: Path) -> None:
    """Mount an overlay; nothing to do where it is mounted already."""
    for directory in (place, upper, work):
        directory.mkdir(parents=True, exist_ok=True)
    if is_mounted(place):
        return
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, place])


def unmount_all(directory: Path) -> None:
    """Unmount everything in the directory. Raises LabError where a mount stays."""
    for _ in range(8):  # mounts may be stacked on one place
        places = below(directory)
        if not places:
            return
        for place in places:
            _unmount(place)
    raise LabError(f"{below(directory)[0]} cannot be unmounted")


def _unmount(place: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.fsencode(place)
    # Detached where it is busy: a process of another mount namespace may still hold it for a moment.
    if libc.umount2(path, 0) != 0 and libc.umount2(path, MNT_DETACH) != 0:
        code = ctypes.get_errno()
        raise LabError(f"{place} cannot be unmounted", cause=os.strerror(code))


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
