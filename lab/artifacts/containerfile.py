"""What the lab takes from a Containerfile, so that it makes the image that users make of the same file."""

from __future__ import annotations

import re
from pathlib import Path

from lab.errors import LabError


def release(containerfile: Path) -> str:
    """The release of Debian that it starts from. Raises LabError where it names none."""
    return _only(containerfile, r"^FROM debian:(\w+)-slim$", "FROM debian:RELEASE-slim")


def user(containerfile: Path) -> str:
    """Whose number its programs run under. Raises LabError where it names none."""
    return _only(containerfile, r"^USER (\d+)$", "USER NUMBER")


def _only(containerfile: Path, pattern: str, wanted: str) -> str:
    found = re.findall(pattern, containerfile.read_text(encoding="utf-8"), re.MULTILINE)
    if len(found) != 1:
        raise LabError(f"{containerfile} has {len(found)} lines `{wanted}`", fix="write one")
    return str(found[0])
