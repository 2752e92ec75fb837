"""What bounds a cluster, or an arm of a benchmark: the store, the links between nodes, or the tiers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Link,
    Measured,
    StoreLink,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human

Resource = Literal["store", "links", "tiers"]
Source = Literal["store", "remote", "local"]

BOUND_PERCENT: Final = 75
"""An arm that reaches so much of a ceiling is bound by it; measuring both is no more exact than that."""
BEYOND_PERCENT: Final = 120
"""An arm that gets more than this of a ceiling shows that it is none: it was measured otherwise, or of other load."""
AGAIN: Final = 1.3
"""Bytes moved for each byte read; what is above this is moved more than once. Envelopes of messages are far below."""
SLOW: Final = 0.5
"""A link that carries less than this part of what the fastest quarter does is slower than the others.

Not of the median: of three nodes of which one is slow, four links of six are.
"""
LEAST_SHARE: Final = 0.02
"""A source that gave less than this part of an arm's bytes is none that the arm was about."""


@dataclass(frozen=True)
class Capacity:
    """What all nodes together get of one resource. text: what it is, for a sentence."""

    resource: Resource
    bytes_per_s: float
    text: str


@dataclass(frozen=True)
class Arm:
    """One arm of a benchmark. nodes: those that read. shares: bytes that each source gave for each byte that was read.

    A share is above 1 where a source gave bytes again, which takes its part of links and disks too.
    `store`: not through a cache, or by a worker from the under store. `remote`: from another node's worker. `local`:
    from the same node's, over a socket or as a file.
    """

    name: str
    bytes_per_s: float
    nodes: tuple[str, ...]
    shares: Mapping[Source, float]


@dataclass(frozen=True)
class Verdict:
    """What bounds an arm. resource: the nearest ceiling's, None where nothing that it uses was measured.

    percent: of that ceiling. is_bound: whether it is reached; else it is CPU, the clients, or each request's own time.
    beyond: the ceilings that it is so far above that they are none, in words.
    """

    arm: str
    resource: Resource | None
    ceiling_bytes_per_s: float
    percent: int
    is_bound: bool
    text: str
    beyond: str = ""


def bound(arms: Sequence[Arm], measured: Measured) -> list[Verdict]:
    """A verdict for each arm."""
    return [_verdict(arm, measured) for arm in arms]


def _verdict(arm: Arm, measured: Measured) -> Verdict:
    head = f"{arm.name}: {speed(arm.bytes_per_s)}"
    ceilings = [
        (capacity.bytes_per_s / share, share, capacity)
        for capacity, share in _used(arm, measured)
        if share >= LEAST_SHARE and capacity.bytes_per_s > 0
    ]
    beyond = "; ".join(
        f"{_percent(arm, ceiling)} % of what {capacity.text} was measured to allow ({speed(ceiling)}), so that is no"
        " ceiling of it"
        for ceiling, _, capacity in ceilings
        if _percent(arm, ceiling) > BEYOND_PERCENT
    )
    valid = [one for one in ceilings if _percent(arm, one[0]) <= BEYOND_PERCENT]
    if not valid:
        why = beyond or "nothing that it passes was measured"
        text = f"{head}; {why}, and nothing is known of what bounds it"
        return Verdict(arm.name, None, 0.0, 0, is_bound=False, text=text, beyond=beyond)
    ceiling, share, nearest = min(valid, key=lambda item: item[0])
    percent = _percent(arm, ceiling)
    is_bound = percent >= BOUND_PERCENT
    again = f", as each byte passes it {share:.1f} times" if share > AGAIN else ""
    where = f"{percent} % of what {nearest.text} allows ({speed(ceiling)}{again})"
    if is_bound:
        text = f"{head}, {where}: bound by it"
    else:
        text = f"{head}, {where}: bound by no link and no disk; see CPU, clients, and each request's own time"
    return Verdict(arm.name, nearest.resource, ceiling, percent, is_bound, text, beyond)


def _percent(arm: Arm, ceiling: float) -> int:
    return round(100 * arm.bytes_per_s / ceiling)


def _used(arm: Arm, measured: Measured) -> list[tuple[Capacity, float]]:
    """What the arm's bytes pass, and which part of them."""
    store, remote, local = (arm.shares.get(source, 0.0) for source in ("store", "remote", "local"))
    found = [
        (store_capacity(measured, arm.nodes), store),
        (link_capacity(measured, arm.nodes), remote),
        # What comes from other nodes comes from any tier, what is local from the reader's own.
        (tier_capacity(measured, measured.workers), remote),
        (tier_capacity(measured, arm.nodes), local),
    ]
    return [(capacity, share) for capacity, share in found if capacity is not None]


def store_capacity(measured: Measured, nodes: Collection[str]) -> Capacity | None:
    """What these nodes get from the store at once: no more than each alone, nor than all together."""
    store = measured.store
    if store is None or not store.alone or not nodes:
        return None
    usual = median(store.alone.values())
    total = sum(store.alone.get(node, usual) for node in nodes)
    if len(nodes) > 1 and store.together is not None:
        # Together can be measured as less than alone only where something else was in the way.
        total = min(total, max(store.together, *store.alone.values()))
    return Capacity("store", total, f"the link from the store to {counted(len(nodes), 'node')}")


def link_capacity(measured: Measured, nodes: Collection[str]) -> Capacity | None:
    """What these nodes can take in from others at once."""
    if not measured.links or not nodes:
        return None
    into = incoming(measured.links)
    usual = median(into.values())
    total = sum(into.get(node, usual) for node in nodes)
    return Capacity("links", total, f"the network between nodes to {counted(len(nodes), 'node')}")


def tier_capacity(measured: Measured, nodes: Collection[str]) -> Capacity | None:
    """What the tiers of these nodes give one reader each; a tier that was not measured counts as the others' median."""
    if not measured.disks or not nodes:
        return None
    rates = {disk.node: disk.bytes_per_s for disk in measured.disks}
    usual = median(rates.values())
    total = sum(rates.get(node, usual) for node in nodes)
    kinds = sorted({disk.kind for disk in measured.disks})
    kind = {"memory": "in memory", "disk": "on disk"}.get("".join(kinds), "of the workers")
    unseen = sum(node not in rates for node in nodes)
    aside = f" ({unseen} taken to be as the others)" if unseen else ""
    return Capacity("tiers", total, f"the tier {kind} on {counted(len(nodes), 'node')}{aside}")


def incoming(links: Sequence[Link]) -> dict[str, float]:
    """What each node takes in from another, the median of its links."""
    into: dict[str, list[float]] = {}
    for link in links:
        into.setdefault(link.target, []).append(link.bytes_per_s)
    return {node: median(rates) for node, rates in into.items()}


def narrowest(measured: Measured) -> tuple[Capacity, list[Capacity]] | None:
    """(the narrowest resource for all nodes at once, the others from narrow to wide); None where none was measured."""
    found = [
        store_capacity(measured, measured.nodes),
        link_capacity(measured, measured.nodes),
        tier_capacity(measured, measured.workers),
    ]
    ordered = sorted(
        (capacity for capacity in found if capacity is not None),
        key=lambda capacity: capacity.bytes_per_s,
    )
    return (ordered[0], ordered[1:]) if ordered else None


@dataclass(frozen=True)
class Slow:
    """What is slower than the rest of its kind: nodes with all their links, single links, ways to the store."""

    nodes: tuple[str, ...]
    links: tuple[Link, ...]
    from_store: tuple[str, ...]


def slow(measured: Measured) -> Slow:
    """What stands out. Of two nodes nobody can tell which is the slow one."""
    limit = SLOW * _fast([link.bytes_per_s for link in measured.links])
    found = [link for link in measured.links if link.bytes_per_s < limit]
    nodes = []
    for node in measured.nodes:
        own = [link for link in measured.links if node in (link.source, link.target)]
        others = [link for link in measured.links if link not in own]
        if own and others and all(link in found for link in own):
            nodes.append(node)
    links = [link for link in found if not {link.source, link.target} & set(nodes)]
    return Slow(tuple(nodes), tuple(links), _slow_from_store(measured.store))


def _fast(rates: Sequence[float]) -> float:
    return quantiles(rates, n=4, method="inclusive")[2] if len(rates) > 1 else 0.0


def _slow_from_store(store: StoreLink | None) -> tuple[str, ...]:
    if store is None or len(store.alone) < 3:
        return ()
    limit = SLOW * median(store.alone.values())
    return tuple(node for node, rate in store.alone.items() if rate < limit)


def speed(bytes_per_s: float) -> str:
    """A rate for people."""
    return f"{human(round(bytes_per_s))}/s"
