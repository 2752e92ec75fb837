"""Times of a fail-over that must fit one another, where the user sets some of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.failover import (
    ELECTION_MAX,
    ELECTION_MIN,
    QUIET,
    SESSION,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_seconds
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import (
    Setting,
    Source,
    settings_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import place

TICK_MS: Final = 2000
"""The chart's tickTime. ZooKeeper grants no session shorter than two ticks."""


def of_masters(effective: Mapping[str, Any]) -> dict[str, Setting]:
    """The properties that masters read, by name: of all processes, then their own, and -D options after either."""
    return {
        given.name: given
        for given in settings_of(effective)
        if given.kind != "env" and given.path[0] in ("properties", "jvmOptions", "master")
    }


def faults(
    settings: Settings, sources: Sequence[Source], effective: Mapping[str, Any]
) -> Iterator[SettingsError]:
    """What does not fit. effective: what all the values amount to."""
    if settings.masters == 1:
        return
    read = of_masters(effective)

    def seconds(name: str) -> float | None:
        return alluxio_seconds(read[name].value) if name in read else None

    def said(name: str) -> str:
        where = place(sources, read[name].path)
        return f"{read[name].shown} is {read[name].value!r}" + (f" ({where})" if where else "")

    if settings.ha == "zookeeper":
        session, quiet = seconds(SESSION), seconds(QUIET)
        if session is None or quiet is None:
            return
        if settings.own_zookeeper:
            session = max(
                session, 2 * int(settings.zookeeper_values.get("tickTime", TICK_MS)) / 1000
            )
        least = session * 2 / 3
        if quiet <= least:
            yield SettingsError(
                f"{said(SESSION)}, {said(QUIET)}.",
                f"A leader that is cut off may write for {least:.1f} s after its session of {session:g} s ended; a"
                " successor that waits no longer writes the same journal meanwhile.",
                f"set {read[QUIET].shown} to {math.floor(least) + 1}s or more in alluxio_values.",
            )
    elif settings.ha == "embedded":
        shortest, longest = seconds(ELECTION_MIN), seconds(ELECTION_MAX)
        if shortest is not None and longest is not None and shortest >= longest:
            yield SettingsError(
                f"{said(ELECTION_MIN)}, {said(ELECTION_MAX)}.",
                "Standbys wait for a random time between the two.",
                f"set {read[ELECTION_MAX].shown} to {math.floor(shortest) + 1}s or more too.",
            )
