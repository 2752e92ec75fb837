"""Which directories of a node must be made or corrected, decided from what lies there.

Pure: what lies on the disk comes in as `Found`, what to do goes out as `Step`. Standard library only, Python 3.9.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

Kind = Literal["missing", "directory", "symlink", "other"]

STICKY = 0o1000
WORLD_WRITABLE = 0o002


@dataclass(frozen=True)
class Directory:
    """A directory as it shall be. owner and group are numbers, since pods know no names of the node."""

    path: str
    owner: int
    group: int
    mode: int


@dataclass(frozen=True)
class Found:
    """What lies at a path. `target` is where a symlink points."""

    kind: Kind
    owner: int = 0
    group: int = 0
    mode: int = 0
    target: str = ""


@dataclass(frozen=True)
class Step:
    """One directory to make (`make`) or to correct, with what was found before."""

    directory: Directory
    found: Found

    @property
    def make(self) -> bool:
        """Whether there is nothing yet."""
        return self.found.kind == "missing"


def wanted_directories(entries: Sequence[dict[str, object]]) -> list[Directory]:
    """Check the module's `directories` and return them parents first.

    entries: [{path, owner, group, mode}], mode a string of octal digits. Raises SettingsError for what cannot be meant.
    """
    wanted = [_wanted(str(entry["path"]), entry) for entry in entries]
    seen: dict[str, Directory] = {}
    for directory in wanted:
        twin = seen.setdefault(directory.path, directory)
        if twin != directory:
            raise SettingsError(
                f"directory {directory.path} is listed twice, with different owners or modes.",
                fix="list it once.",
            )
    return sorted(seen.values(), key=lambda directory: (directory.path.count("/"), directory.path))


def _wanted(path: str, entry: dict[str, object]) -> Directory:
    if (
        not path.startswith("/")
        or path == "/"
        or posixpath.normpath(path) != path
        or path.startswith("//")
    ):
        raise SettingsError(
            f"directory path is {path!r}.",
            "A path on the nodes must be absolute, below / and free of '..', '//' and a '/' at its end.",
            "write it like /mnt/fuse3 (node_storage_root).",
        )
    text = str(entry["mode"])
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise SettingsError(
            f"mode of {path} is {text!r}.", fix="write octal digits in quotes, like '0750'."
        )
    if mode & WORLD_WRITABLE:
        raise SettingsError(
            f"mode of {path} is {text}.",
            "Every user and every pod of the node could replace what lies in it.",
            "leave the last digit without write permission, like '0750'.",
        )
    return Directory(path, int(str(entry["owner"])), int(str(entry["group"])), mode)


def plan(wanted: Sequence[Directory], look: Callable[[str], Found]) -> list[Step]:
    """Decide what to make and what to correct, parents first; nothing is decided about what lies inside a directory.

    look: path -> what lies there. A parent that is missing and not listed is made as root:root 0755.
    Raises CacheError when something else than a directory is in the way: following a symlink would give a directory
    outside of the storage root to the pods.
    """
    listed = [directory.path for directory in wanted]
    steps: list[Step] = []
    made: set[str] = set()
    for directory in wanted:
        for parent in _parents(directory.path):
            if parent not in listed and parent not in made and look(parent).kind == "missing":
                made.add(parent)
                steps.append(Step(Directory(parent, 0, 0, 0o755), Found("missing")))
        found = look(directory.path)
        _refuse_what_is_in_the_way(directory, found, listed)
        if found.kind == "missing" or (
            not _belongs_to_system(directory.path) and _differs(directory, found)
        ):
            steps.append(Step(directory, found))
    return steps


def _parents(path: str) -> list[str]:
    """The directories above path, outermost first, without /."""
    parts = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _refuse_what_is_in_the_way(directory: Directory, found: Found, listed: Sequence[str]) -> None:
    path = directory.path
    if found.kind == "symlink":
        raise CacheError(
            f"{path} is a symlink to {found.target}.",
            "The cache's pods would be given the directory it points to, and its owner would be changed.",
            "remove the link and mount the directory there, or choose another node_storage_root.",
        )
    if found.kind == "other":
        raise CacheError(
            f"{path} is a file, not a directory.",
            "The cache keeps its journal, sockets and tiers there.",
            "move the file away, or choose another node_storage_root.",
        )
    shared = found.kind == "directory" and found.mode & STICKY and not _belongs_to_system(path)
    if shared and any(other.startswith(path + "/") for other in listed):
        raise CacheError(
            f"{path} is shared by all users of the node (mode {found.mode:04o}).",
            "Taking it for the cache would take it from them.",
            "set node_storage_root to a directory of its own below it.",
        )


def _belongs_to_system(path: str) -> bool:
    """A directory right below / (/mnt, /data, /srv) is not ours: where it exists it keeps its owner and mode."""
    return path.count("/") == 1


def _differs(directory: Directory, found: Found) -> bool:
    return (directory.owner, directory.group, directory.mode) != (
        found.owner,
        found.group,
        found.mode,
    )


def describe(steps: Sequence[Step]) -> dict[str, str]:
    """The diff of a plan: {before, after}, a line `path owner:group mode` for each directory."""
    before = [
        f"{step.directory.path} absent"
        if step.make
        else _line(step.directory.path, step.found.owner, step.found.group, step.found.mode)
        for step in steps
    ]
    after = [
        _line(step.directory.path, step.directory.owner, step.directory.group, step.directory.mode)
        for step in steps
    ]
    return {"before": _text(before), "after": _text(after)}


def _line(path: str, owner: int, group: int, mode: int) -> str:
    return f"{path} {owner}:{group} {mode:04o}"


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
