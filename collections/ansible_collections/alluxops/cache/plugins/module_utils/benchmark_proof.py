"""Whether an arm took the path that its name says: the workers' own counters, before and after. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    COLD,
    DIRECT,
    FUSE,
    S3,
    SHORT,
    SLOW,
    base,
)
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import AGAIN
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human

SERVED: Final = ("domain", "remote", "local")
"""Counters of what workers gave: over the domain socket, over the network, and to clients inside workers.

A client that opens a block file itself (shortCircuit.policy local) counts that itself; no worker does.
"""
STORE: Final = "ufs"
SHOWN: Final = {
    "domain": "over domain sockets",
    "remote": "over the network",
    "local": "inside workers",
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

    Of bytes that are moved again they cannot tell how many were moved at all: what no worker gave is then excluded by
    the mount alone, which is new, see benchmark_job.keeping().
    read_bytes: what readers got. counted: how far the counters of all workers went, by verification.COUNTERS' names.
    """
    found: list[str] = []
    if any(counted.get(name, 0) < 0 for name in (*SERVED, STORE)):
        return ["a worker was restarted meanwhile: its counters began anew"]
    carried = sum(counted.get(name, 0) for name in _CARRIES[base(arm)])
    if _CARRIES[base(arm)] and carried < MOST * read_bytes:
        ways = " or ".join(SHOWN[name] for name in _CARRIES[base(arm)])
        found.append(f"{human(carried)} of {human(read_bytes)} came {ways}")
    elif base(arm) == COLD and carried < MOST * sent(counted):
        # A byte that is fetched several times counts so often, and would hide others that were cached.
        found.append(
            f"workers gave {human(sent(counted))}, and {human(carried)} came from the store: the rest was cached"
        )
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


def summed(runs: Sequence[Mapping[str, Any]]) -> tuple[int, dict[str, int]]:
    """(bytes read, bytes counted by way) of all runs of an arm."""
    size = sum(run["bytes"] for run in runs)
    return size, {name: sum(run["counted"][name] for run in runs) for name in SHOWN}


def sent(counted: Mapping[str, int]) -> int:
    """Bytes that workers gave to clients, whichever way."""
    return sum(counted.get(name, 0) for name in SERVED)


def moved(arm: str, read_bytes: int, counted: Mapping[str, int]) -> float | None:
    """Bytes moved for each byte that readers got: given by workers or taken from the store, whichever was more.

    None where no worker sees an arm's bytes, and where nothing was read.
    """
    if not _CARRIES[base(arm)] or not read_bytes:
        return None
    return round(max(sent(counted), counted.get(STORE, 0)) / read_bytes, 2)


def socket_share(counted: Mapping[str, int]) -> float | None:
    """Which part of what workers gave went over domain sockets, to their own node; None where they gave nothing."""
    total = sent(counted)
    return round(counted.get("domain", 0) / total, 3) if total else None


def finding(arm: str, read_bytes: int, counted: Mapping[str, int]) -> str:
    """What to tell of an arm whose bytes were moved more than once; empty where they were not."""
    times = moved(arm, read_bytes, counted)
    if times is None or times <= AGAIN:
        return ""
    return (
        f"{arm} moved {times:.1f} bytes for each byte read ({seen(counted)}, for {human(read_bytes)}):"
        " see docs/runbooks/benchmark.md#bytes-that-are-moved-again"
    )
