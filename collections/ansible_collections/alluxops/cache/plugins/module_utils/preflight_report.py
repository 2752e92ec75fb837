"""What preflight looked at and found, as lines that can be pasted in a ticket. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_NAMED = 6
"""So many hosts are named beside what was found on them; more are counted."""

Checks = Sequence[Mapping[str, Any]]


def lines(title: str, cluster: Checks, nodes: Mapping[str, Checks], held_by: str = "") -> list[str]:
    """One line a check with the value found; what several hosts have in common stands there once.

    cluster: the checks of cluster_check; nodes: those of node_check, by host. held_by: another run that is at work.
    """
    rows = [(str(one["check"]), str(one["value"])) for one in cluster]
    names = dict.fromkeys(one["check"] for checks in nodes.values() for one in checks)
    rows += [(str(name).replace("_", " "), _on_hosts(str(name), nodes)) for name in names]
    width = max((len(name) for name, _ in rows), default=0)
    found = [f"{title}: nothing that would fail later ({len(rows)} checks)"]
    found += [f"  {name:<{width}}  {value}" for name, value in rows]
    if held_by:
        found.append(f"  another run is at work now: {held_by}; what it changes was not waited for")
    return found


def _on_hosts(name: str, nodes: Mapping[str, Checks]) -> str:
    by_value: dict[str, list[str]] = {}
    for host, checks in nodes.items():
        for one in checks:
            if one["check"] == name:
                by_value.setdefault(str(one["value"]), []).append(host)
    return " · ".join(f"{value} on {_named(hosts)}" for value, hosts in by_value.items())


def _named(hosts: Sequence[str]) -> str:
    return " ".join(hosts) if len(hosts) <= MOST_NAMED else f"{len(hosts)} hosts"
