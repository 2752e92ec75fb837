"""Whether an arm took the path that its name says: the workers' own counters, before and after. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    COLD,
    DIRECT,
    FUSE,
    S3,
    SHORT,
    SLOW,
    base,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human

SERVED: Final = ("domain", "remote", "local")
"""Counters of what workers had cached: over the domain socket, over the network, and of block files read by clients."""
STORE: Final = "ufs"
SHOWN: Final = {
    "domain": "over domain sockets",
    "remote": "over the network",
    "local": "of block files",
    "ufs": "from the store",
}
MOST: Final = 0.75
"""Of the bytes read, what a path must have carried: a worker's counter may miss the end of a stream."""
STRAY: Final = 0.1
"""What another path may have: other clients of the cache count too."""

_CARRIES: Final[Mapping[str, tuple[str, ...]]] = {
    DIRECT: (),
    SLOW: (),
    COLD: (STORE,),
    FUSE: ("remote",),
    SHORT: ("domain", "local"),
    S3: SERVED,
}
_AVOIDS: Final[Mapping[str, tuple[str, ...]]] = {
    DIRECT: (*SERVED, STORE),
    SLOW: (*SERVED, STORE),
    COLD: (),
    FUSE: ("domain", "local", STORE),
    SHORT: ("remote", STORE),
    S3: (STORE,),
}


def seen(counted: Mapping[str, int]) -> str:
    """The counters in words."""
    parts = [f"{human(counted[name])} {text}" for name, text in SHOWN.items() if counted.get(name)]
    return ", ".join(parts) or "nothing"


def faults(arm: str, read_bytes: int, counted: Mapping[str, int]) -> list[str]:
    """Why a run of an arm proves nothing, in words; empty where the counters match its name.

    read_bytes: what readers got. counted: how far the counters of all workers went, by verification.COUNTERS' names.
    """
    found: list[str] = []
    if any(counted.get(name, 0) < 0 for name in (*SERVED, STORE)):
        return ["a worker was restarted meanwhile: its counters began anew"]
    carried = sum(counted.get(name, 0) for name in _CARRIES[base(arm)])
    if _CARRIES[base(arm)] and carried < MOST * read_bytes:
        ways = " or ".join(SHOWN[name] for name in _CARRIES[base(arm)])
        found.append(f"{human(carried)} of {human(read_bytes)} came {ways}")
    found += [
        f"{human(counted[name])} came {SHOWN[name]}"
        for name in _AVOIDS[base(arm)]
        if counted.get(name, 0) > STRAY * read_bytes
    ]
    return found


def is_counted(arm: str, read_bytes: int, counted: Mapping[str, int]) -> bool:
    """Whether all that the arm's path carries is in the counters: workers count a moment after the reader has it."""
    return (
        not _CARRIES[base(arm)]
        or sum(counted.get(name, 0) for name in _CARRIES[base(arm)]) >= read_bytes
    )
