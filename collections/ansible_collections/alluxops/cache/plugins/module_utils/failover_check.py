"""Times of a fail-over that must fit one another, where the user sets some of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.failover import (
    ELECTION_MAX,
    ELECTION_MIN,
    QUIET,
    SESSION,
    properties,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_seconds
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import (
    Setting,
    Source,
    settings_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import place

OURS: Final = "alluxops' own"
TICK_MS: Final = 2000
"""The chart's tickTime. ZooKeeper grants no session shorter than two ticks, unless told otherwise."""
ALLUXIOS: Final = {SESSION: 60.0, QUIET: 5.0, ELECTION_MIN: 10.0, ELECTION_MAX: 20.0}
"""Alluxio's own times in seconds, for a property that a null takes away. Source: alluxio.conf.PropertyKey of 2.9."""


def of_masters(effective: Mapping[str, Any]) -> dict[str, Setting]:
    """The properties that masters read, by name: of all processes, then their own, and -D options after either."""
    return {
        given.name: given
        for given in settings_of(effective)
        if given.kind != "env" and given.path[0] in ("properties", "jvmOptions", "master")
    }


def _granted(session: float, values: Mapping[str, Any]) -> float:
    """The seconds that an ensemble of our chart with these values grants to who asks for a session of so many."""
    config = values.get("config")
    config = config if isinstance(config, Mapping) else {}
    tick = _milliseconds(values.get("tickTime"), TICK_MS)
    least = _milliseconds(config.get("minSessionTimeout"), 2 * tick)
    most = _milliseconds(config.get("maxSessionTimeout"), 20 * tick)
    return min(max(session, least / 1000), most / 1000)


def _milliseconds(given: Any, otherwise: int) -> int:
    """What is no number is not for this check to refuse: the chart's schema does, or the server."""
    return int(given) if str(given).isdigit() else otherwise


@dataclass(frozen=True)
class _Times:
    """The times that masters read, where the user wrote them, and those that would be there without the user."""

    read: Mapping[str, Setting]
    sources: Sequence[Source]
    ours: Mapping[str, str]

    def seconds(self, name: str) -> float | None:
        return alluxio_seconds(self.read[name].value) if name in self.read else ALLUXIOS[name]

    def shown(self, name: str) -> str:
        return self.read[name].shown if name in self.read else name

    def said(self, name: str) -> str:
        if name not in self.read:
            return f"{name} is null{self._where_null(name)}, which leaves Alluxio's {ALLUXIOS[name]:g} s"
        given = self.read[name]
        where = place(self.sources, given.path)
        return f"{given.shown} is {given.value!r} ({where or OURS})"

    def _where_null(self, name: str) -> str:
        for source in reversed(self.sources):
            if name in (source.data.get("properties") or {}):
                return f" ({source.place(('properties', name))})"
        return ""

    def fix(self, name: str, least: int) -> str:
        """Back to our own time, where a null took one away; else so many seconds for `name`."""
        nulls = [each for each in ALLUXIOS if each in self.ours and each not in self.read]
        back = " and ".join(f"{each} is {self.ours[each]} then" for each in nulls)
        longer = f"set {self.shown(name)} to {least}s or more in alluxio_values."
        return f"remove the null ({back}), or {longer}" if nulls else longer


def faults(
    settings: Settings, sources: Sequence[Source], effective: Mapping[str, Any]
) -> Iterator[SettingsError]:
    """What does not fit. effective: what all the values amount to."""
    if settings.masters == 1:
        return
    ours = properties(settings.masters, settings.ha)
    times = _Times(of_masters(effective), sources, ours)
    if settings.ha == "zookeeper":
        yield from _quiet_faults(settings, times)
    elif settings.ha == "embedded":
        yield from _election_faults(times)


def _quiet_faults(settings: Settings, times: _Times) -> Iterator[SettingsError]:
    session, quiet = times.seconds(SESSION), times.seconds(QUIET)
    if session is None or quiet is None:
        return
    if settings.own_zookeeper:
        session = _granted(session, settings.zookeeper_values)
    least = session * 2 / 3
    if quiet <= least:
        yield SettingsError(
            f"{times.said(SESSION)}, {times.said(QUIET)}.",
            f"With the {session:g} s that the ensemble grants for a session, a leader that is cut off may write for"
            f" {least:.1f} s after its place was given away; a successor that waits no longer writes the same journal"
            " meanwhile.",
            times.fix(QUIET, math.floor(least) + 1),
        )


def _election_faults(times: _Times) -> Iterator[SettingsError]:
    shortest, longest = times.seconds(ELECTION_MIN), times.seconds(ELECTION_MAX)
    if shortest is not None and longest is not None and shortest >= longest:
        yield SettingsError(
            f"{times.said(ELECTION_MIN)}, {times.said(ELECTION_MAX)}.",
            "Standbys wait for a random time between the two.",
            times.fix(ELECTION_MAX, math.floor(shortest) + 1),
        )
