"""Loop devices on a lab's files. They are the kernel's: one that was attached in a node outlives the node."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from lab.commands import run
from lab.node import REAL_DIRECTORIES
from lab.state import LabState

COLUMNS = "NAME,BACK-MAJ:MIN,BACK-INO,BACK-FILE"


def detach_all(state: LabState) -> None:
    """Detach the lab's loop devices, before the nodes' roots are unmounted: they tell whose a file is."""
    for device in attached(state):
        run(["losetup", "--detach", device])


def attached(state: LabState) -> list[str]:
    """The loop devices whose file lies in the lab's directory."""
    return [item["name"] for item in _listed() if _is_of(state, item)]


def _listed() -> list[dict[str, Any]]:
    if not any(Path("/sys/block").glob("loop*/loop/backing_file")):
        return []
    found: list[dict[str, Any]] = json.loads(
        run(["losetup", "--list", "--json", "--output", COLUMNS])
    )["loopdevices"]
    return found


def _is_of(state: LabState, item: Mapping[str, Any]) -> bool:
    """Whether a file of the lab is the device's: the path alone may be one of this machine too."""
    for place in places(state, str(item["back-file"])):
        try:
            found = place.stat()
        except OSError:
            continue
        number = f"{os.major(found.st_dev)}:{os.minor(found.st_dev)}"
        if (number, found.st_ino) == (item["back-maj:min"].strip(), int(item["back-ino"])):
            return True
    return False


def places(state: LabState, file: str) -> Iterator[Path]:
    """Where on this machine a file may lie that a loop device gives this path.

    It is the path in the node that attached it; once that has ended, the one in the directory that was mounted there.
    """
    path = PurePosixPath(file).relative_to("/")
    if Path(file).is_relative_to(state.paths.root):
        yield Path(file)
    for node in state.nodes:
        paths = state.paths.node(node.name)
        yield paths.root / path
        for name, place in REAL_DIRECTORIES.items():
            yield from _in(paths.real(name), place, path)
    yield from _in(state.paths.shared, "/mnt/shared", path)


def _in(directory: Path, place: str, path: PurePosixPath) -> Iterator[Path]:
    yield directory / path
    if path.is_relative_to(place[1:]):
        yield directory / path.relative_to(place[1:])
