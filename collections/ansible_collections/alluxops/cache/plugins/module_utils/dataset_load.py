"""Loading by the workers: which command a version has for it, and what it says of how far it is. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import versions

Way = Literal["submit", "distributed"]

SUBMITS_SINCE: Final = (2, 9, 1)
RUNNING: Final = frozenset({"RUNNING", "VERIFYING"})

_STATE = re.compile(r"Job State: (\w+)(?: \((.*)\))?")
_FAILED = re.compile(r"Files Failed: ([1-9]\d*)")


def way_of(version: str) -> Way:
    """How a version loads: `load --submit` since 2.9.1, else distributedLoad, which ends when the load has."""
    found = versions.numbers(version)
    return "submit" if found is not None and found >= SUBMITS_SINCE else "distributed"


def script(way: Way, paths: Sequence[str]) -> str:
    """Shell text that begins loads; with distributedLoad it ends when they have."""
    command = "load --submit" if way == "submit" else "distributedLoad"
    lines = [f"alluxio fs {command} {shlex.quote(path)} 2>&1 || rc=$?\n" for path in paths]
    return "".join([*lines, "exit ${rc:-0}\n"])


def asking(path: str) -> str:
    """Shell text that asks how far a load is."""
    return f"alluxio fs load --progress {shlex.quote(path)} 2>&1\n"


def state_of(said: str) -> tuple[str, str]:
    """(state, reason) of a load from what --progress says; ("", "") where there is none of that path."""
    found = _STATE.search(said)
    if found is None:
        return "", ""
    reason = str(found.group(2) or "")
    failed = _FAILED.search(said)
    if failed and not reason:
        reason = f"{failed.group(1)} files failed"
    return found.group(1), reason
