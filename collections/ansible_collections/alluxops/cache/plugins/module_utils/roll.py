"""Which master to restart next, when masters run with settings that are no longer the release's. Pure.

A restart takes a master away for some seconds, so it waits until the others can do without: one at a time, standbys
first, the leader last. The decision is made anew from each look at the cache, so a killed run is continued by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import quorum
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (
    MASTER_ROLE,
    is_ready,
    ordinal_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.health import Seen

LEADERLESS_GRACE_S = 60
"""How long masters without a leader are left to elect one. After that nothing serves that a restart could take away."""


@dataclass(frozen=True)
class Next:
    """What to do now: restart these pods, or wait. awaited: empty where there is nothing to wait for."""

    restart: tuple[str, ...] = ()
    awaited: str = ""


def stale(seen: Seen) -> dict[int, Mapping[str, Any]]:
    """The masters' pods that do not have the release's last settings, by number."""
    if seen.masters_set is None:
        return {}
    current = seen.masters_set["update_revision"]
    return {
        ordinal_of(pod["name"]): pod
        for pod in seen.pods
        if pod["role"] == MASTER_ROLE and pod["revision"] != current
    }


def order(seen: Seen, ordinals: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """The pods in the order of their restarts: those that do not serve anyway, standbys, the leader."""
    leading = seen.leader.pod if seen.leader else ""
    leader = next((number for number, pod in ordinals.items() if pod["name"] == leading), -1)
    in_turn = [ordinals[number] for number in quorum.roll_order(leader, ordinals)]
    return [str(pod["name"]) for pod in sorted(in_turn, key=is_ready)]


def before_quorum(seen: Seen, leaderless_s: float) -> Next | None:
    """What can be said without asking for the quorum; None where that decides.

    leaderless_s: for how long no master has led, in seconds; 0 while one does.
    """
    masters_set = seen.masters_set
    if masters_set is None or masters_set["rolls_itself"]:
        return Next()
    old = stale(seen)
    unmade = _unmade(seen, masters_set)
    if unmade:
        return Next(awaited=unmade)
    if seen.leader is None and leaderless_s >= LEADERLESS_GRACE_S and old:
        return Next(restart=tuple(order(seen, old)))
    fresh = [pod for pod in seen.of_role(MASTER_ROLE) if ordinal_of(pod["name"]) not in old]
    unready = [str(pod["name"]) for pod in fresh if not is_ready(pod)]
    if unready or not old:
        return Next(awaited=f"{unready[0]} to be ready" if unready else "")
    return Next(awaited="a master to lead") if seen.leader is None else None


def _unmade(seen: Seen, masters_set: Mapping[str, Any]) -> str:
    """What Kubernetes still does to the masters' pods; empty when nothing."""
    if not masters_set["observed"]:
        return f"Kubernetes to see the change of {masters_set['name']}"
    leaving = [pod for pod in seen.pods if pod["role"] == MASTER_ROLE and pod["terminating"]]
    if leaving:
        return f"{leaving[0]['name']} to end"
    lost = int(masters_set["replicas"]) - len(seen.of_role(MASTER_ROLE))
    return f"{lost} of {masters_set['replicas']} masters to be made" if lost > 0 else ""


def after_quorum(seen: Seen, found: quorum.Quorum | None, *, is_embedded: bool) -> Next:
    """Which master to restart, once before_quorum() has nothing against it. found: None where it could not be read."""
    old = stale(seen)
    name = order(seen, old)[0]
    others = [
        str(pod["name"])
        for pod in seen.of_role(MASTER_ROLE)
        if not is_ready(pod) and pod["name"] != name
    ]
    if not is_embedded:
        return Next(awaited=f"{others[0]} to be ready") if others else Next(restart=(name,))
    if found is None:
        return Next(awaited="the leader to tell its quorum")
    why = quorum.may_lose(found, ordinal_of(name))
    return Next(awaited=f"the quorum: {why}") if why else Next(restart=(name,))
