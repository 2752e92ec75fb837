"""Loading by the workers: which command a version has for it, and what it says of how far it is. Pure.

`load --submit` hands a load to the master, and `load --progress` tells how far it is. Before 2.9.1 there is only
distributedLoad, which ends when its load has: it is left running in the leader, a part of a dataset at a time.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import versions
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import File, is_below

Way = Literal["submit", "distributed"]

SUBMITS_SINCE: Final = (2, 9, 1)
RUNNING: Final = frozenset({"RUNNING", "VERIFYING"})
PART_FILES: Final = 1000
PART_BYTES: Final = 4 * 1024**3
"""So much distributedLoad is given at once, unless it lies in one directory: of a list it loads one after the other."""
LIFETIME_S: Final = 6 * 3600
"""A distributedLoad that hangs, and whose run has died, ends then."""

_STATE = re.compile(r"Job State: (\w+)(?: \((.*)\))?")
_FAILED = re.compile(r"Files Failed: ([1-9]\d*)")

# Where a run was killed, what it began may still be running: it is not begun twice.
_DISTRIBUTED: Final = """\
if ! kill -0 "$(cat {note}.pid 2> /dev/null)" 2> /dev/null; then
  timeout -k 5 {lifetime} alluxio fs distributedLoad {path} > {note}.log 2>&1 < /dev/null &
  echo $! > {note}.pid
fi
"""
_ASKING: Final = """\
if kill -0 "$(cat {note}.pid 2> /dev/null)" 2> /dev/null; then
  echo 'Job State: RUNNING'
else
  echo "Job State: ENDED ($(tail -n 1 {note}.log 2>&1))"
fi
"""


def way_of(version: str) -> Way:
    """How a version loads: `load --submit` since 2.9.1, else distributedLoad."""
    found = versions.numbers(version)
    return "submit" if found is not None and found >= SUBMITS_SINCE else "distributed"


def parts(way: Way, paths: Sequence[str], files: Sequence[File]) -> Iterator[tuple[str, ...]]:
    """What is loaded one after the other, of files of which some are cached: those that are do not count."""
    if way == "submit":
        yield tuple(paths)
        return
    missing = [one for one in files if not one.is_loaded]
    for path in paths:
        inside = [one for one in missing if is_below(one.path, path)]
        yield from ((folder,) for folder in _folders(path, inside))


def _folders(path: str, files: Sequence[File]) -> Iterator[str]:
    """Directories to load. One with too much below comes after those in it: then it has only its own files left."""
    if len(files) <= PART_FILES and sum(one.bytes for one in files) <= PART_BYTES:
        if files:
            yield path
        return
    below: dict[str, list[File]] = {}
    for one in files:
        first = posixpath.relpath(one.path, path).split("/")
        below.setdefault(first[0] if len(first) > 1 else "", []).append(one)
    own = below.pop("", [])
    for name, inside in sorted(below.items()):
        yield from _folders(posixpath.join(path, name), inside)
    if own:
        yield path


def script(way: Way, paths: Sequence[str]) -> str:
    """Shell text that begins loads."""
    if way == "submit":
        lines = [f"alluxio fs load --submit {shlex.quote(path)} 2>&1 || rc=$?\n" for path in paths]
        return "".join([*lines, "exit ${rc:-0}\n"])
    return "".join(
        _DISTRIBUTED.format(note=_note(path), path=shlex.quote(path), lifetime=LIFETIME_S)
        for path in paths
    )


def asking(way: Way, path: str) -> str:
    """Shell text that asks how far a load is."""
    if way == "submit":
        return f"alluxio fs load --progress {shlex.quote(path)} 2>&1\n"
    return _ASKING.format(note=_note(path))


def _note(path: str) -> str:
    """The beginning of the names of the files, in the leader, that tell of a distributedLoad."""
    return f"/tmp/alluxops-load-{sha256(path.encode(errors='surrogatepass')).hexdigest()[:16]}"  # noqa: S108


def state_of(said: str) -> tuple[str, str]:
    """(state, reason) of a load from what is said of it; ("", "") where there is none of that path."""
    found = _STATE.search(said)
    if found is None:
        return "", ""
    reason = str(found.group(2) or "")
    failed = _FAILED.search(said)
    if failed and not reason:
        reason = f"{failed.group(1)} files failed"
    return found.group(1), reason
