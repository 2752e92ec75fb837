"""What was measured, as lines for people, a document for programs and figures for a page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import network_verdict
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Disk,
    Link,
    Measured,
    StoreLink,
    middle,
)
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import speed
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted

Json = dict[str, Any]

FORMAT: Final = 1
MIB: Final = 1024**2
WIDEST: Final = 8
"""Nodes that a table on a terminal has room for; of more there is a summary, and the report has all."""
SHOWN: Final = 5


@dataclass(frozen=True)
class Asked:
    """How it is measured: `pairs` of the `possible` ones, since there may be `limit`, in so many rounds."""

    limit: int
    seconds: int
    streams: int
    seed: int
    host_network: bool
    possible: int
    pairs: int
    rounds: int
    nodes: int

    @property
    def network(self) -> str:
        """Whose network it is."""
        return "the nodes' own network" if self.host_network else "the pods' network"

    @property
    def takes_s(self) -> int:
        """Seconds of measuring: both ways of each round, the store by each node and by all, and what starting costs."""
        return self.rounds * (2 * self.seconds + 2) + self.nodes * (self.seconds + 2) + self.seconds


def document(measured: Measured, asked: Asked, cache: str, made_at: str) -> Json:
    """What the report holds. cache: NAMESPACE/RELEASE; made_at: ISO 8601."""
    found = network_verdict.narrowest(measured)
    stands_out = network_verdict.slow(measured)
    return {
        "format": FORMAT,
        "cache": cache,
        "made_at": made_at,
        "asked": asdict(asked),
        **measured.as_dict(),
        "narrowest": asdict(found[0]) if found else None,
        "slow": {
            "nodes": list(stands_out.nodes),
            "links": [asdict(link) for link in stands_out.links],
            "from_store": list(stands_out.from_store),
        },
        "figures": figures(measured),
    }


def planned(asked: Asked, workers: Sequence[str], compute: Sequence[str], where: str) -> list[str]:
    """The lines of a check: what would be measured, and about how long. where: the store, or why it is not measured."""
    nodes = sorted({*workers, *compute})
    lines = [
        _row("workers", _names(workers)),
        *([_row("compute", _names(compute))] if compute else []),
        _row("would", f"measure {_pairs(asked)}"),
        _row("takes", f"about {asked.takes_s} s, and the start of {counted(asked.nodes, 'pod')}"),
        _row("store", where),
    ]
    return lines if asked.pairs else [*lines, _row("note", alone(nodes))]


def alone(nodes: Sequence[str]) -> str:
    """Why no link between nodes can be measured."""
    return f"links between nodes: {nodes[0]} is the only one, and a link takes two"


def summary(measured: Measured, asked: Asked, path: str) -> list[str]:
    """The lines: how it was measured, the matrix, the store, tiers, what is narrow or slow, where the report is."""
    done = replace(
        asked, pairs=len({frozenset((one.source, one.target)) for one in measured.links})
    )
    lines = [_row("measured", _pairs(done))]
    if measured.links:
        lines += _matrix(measured) if len(measured.nodes) <= WIDEST else _many_links(measured.links)
        lines += _latencies(measured.links)
    if measured.store is not None:
        lines.append(_row("store", _store(measured.store)))
    if measured.disks:
        lines.append(_row("tiers", _tiers(measured.disks)))
    lines += [_row("missing", text) for text in measured.not_measured]
    lines += [_row("slow", text) for text in _slow(measured)]
    lines.append(_row("narrowest", _narrowest(measured)))
    return [*lines, _row("report", path)]


def _pairs(asked: Asked) -> str:
    if not asked.possible:
        return "no pair of nodes"
    some = f"{asked.pairs} of {counted(asked.possible, 'pair')} of nodes"
    if asked.limit < asked.possible:
        some += f" (network_pairs is {asked.limit})"
    return f"{some}, {asked.seconds} s each way, {counted(asked.streams, 'stream')}, on {asked.network}"


def _matrix(measured: Measured) -> list[str]:
    rates = {(link.source, link.target): link.bytes_per_s for link in measured.links}
    targets = measured.nodes
    corner = "from \\ to"
    first = max(len(corner), *map(len, targets))
    width = max(9, *map(len, targets))
    head = "".join(f"{node:>{width + 2}}" for node in targets)
    lines = [_row("MiB/s", f"{corner:<{first}}{head}")]
    for source in targets:
        cells = [
            f"{rates[source, target] / MIB:.1f}" if (source, target) in rates else "-"
            for target in targets
        ]
        lines.append(
            _row("", f"{source:<{first}}" + "".join(f"{cell:>{width + 2}}" for cell in cells))
        )
    return lines


def _many_links(links: Sequence[Link]) -> list[str]:
    rates = [link.bytes_per_s for link in links]
    slowest = sorted(links, key=lambda link: link.bytes_per_s)[:SHOWN]
    return [
        _row("links", f"{speed(min(rates))} to {speed(max(rates))}, median {speed(median(rates))}"),
        _row("slowest", ", ".join(map(_link, slowest))),
    ]


def _link(link: Link) -> str:
    return f"{link.source} -> {link.target} {speed(link.bytes_per_s)}"


def _latencies(links: Sequence[Link]) -> list[str]:
    found: dict[tuple[str, str], list[float]] = {}
    for link in links:
        if link.latency_ms is not None:
            pair = (min(link.source, link.target), max(link.source, link.target))
            found.setdefault(pair, []).append(link.latency_ms)
    if not found:
        return []
    by_pair = {pair: middle(each) for pair, each in found.items()}
    if len(by_pair) <= SHOWN + 1:
        return [_row("ms", ", ".join(f"{a} - {b} {ms:g}" for (a, b), ms in by_pair.items()))]
    values = list(by_pair.values())
    return [_row("ms", f"{min(values):g} to {max(values):g}, median {middle(values):g}")]


def _store(store: StoreLink) -> str:
    text = f"{store.endpoint}: {_each(store.alone)} alone"
    if len(store.alone) > 1 and store.together is not None:
        text += f", {speed(store.together)} together"
    latencies = list(store.latency_ms.values())
    return f"{text}; {middle(latencies):g} ms" if latencies else text


def _tiers(disks: Sequence[Disk]) -> str:
    kinds = {"memory": "in memory", "disk": "on disk", "cached": "past or from the page cache"}
    told = sorted({kinds[disk.kind] for disk in disks})
    return f"{_each({disk.node: disk.bytes_per_s for disk in disks})}, {' and '.join(told)}"


def _each(rates: Mapping[str, float]) -> str:
    if len(rates) <= SHOWN:
        return ", ".join(f"{node} {speed(rate)}" for node, rate in rates.items())
    values = list(rates.values())
    return (
        f"{counted(len(values), 'node')} {speed(min(values))} to {speed(max(values))},"
        f" median {speed(median(values))}"
    )


def _slow(measured: Measured) -> list[str]:
    found = network_verdict.slow(measured)
    lines = [
        f"{node}: every link of it is slower than half of the fast ones" for node in found.nodes
    ]
    lines += [f"{_link(link)}, less than half of the fast ones" for link in found.links[:SHOWN]]
    if len(found.links) > SHOWN:
        lines.append(f"and {len(found.links) - SHOWN} more links")
    if found.from_store:
        lines.append(f"{_names(found.from_store)} from the store, less than half of the median")
    return lines


def _narrowest(measured: Measured) -> str:
    found = network_verdict.narrowest(measured)
    if found is None:
        return "unknown, as nothing was measured"
    least, others = found
    text = f"{least.text}: {speed(least.bytes_per_s)} in all"
    if others:
        more = ", ".join(f"{other.text} {speed(other.bytes_per_s)}" for other in others)
        text += f"; wider: {more}"
    return text


def _names(nodes: Sequence[str]) -> str:
    if len(nodes) <= WIDEST:
        return " ".join(nodes)
    return f"{' '.join(nodes[:WIDEST])} and {len(nodes) - WIDEST} more"


def figures(measured: Measured) -> list[Json]:
    """Tables of numbers for a page: {title, unit, rows, columns, values}; a value is None where there is none."""
    found = []
    if measured.links:
        names = list(measured.nodes)
        rates = {
            (link.source, link.target): round(link.bytes_per_s / MIB, 1) for link in measured.links
        }
        latencies = {(link.source, link.target): link.latency_ms for link in measured.links}
        for title, unit, values in (
            ("Throughput between nodes, from row to column", "MiB/s", rates),
            ("Latency between nodes", "ms", latencies),
        ):
            cells = [[values.get((row, column)) for column in names] for row in names]
            found.append(_figure(title, unit, names, names, cells))
    if measured.store is not None:
        rows = list(measured.store.alone)
        alone_rates = [[round(measured.store.alone[row] / MIB, 1)] for row in rows]
        whole = measured.store.together
        together = [None if whole is None else round(whole / MIB, 1)]
        found.append(
            _figure(
                f"From {measured.store.endpoint}",
                "MiB/s",
                [*rows, "together"],
                ["throughput"],
                [*alone_rates, together],
            )
        )
    if measured.disks:
        rows = [disk.node for disk in measured.disks]
        tiers = [[round(disk.bytes_per_s / MIB, 1)] for disk in measured.disks]
        found.append(_figure("Tiers, one reader", "MiB/s", rows, ["throughput"], tiers))
    return found


def _figure(
    title: str,
    unit: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
) -> Json:
    return {
        "title": title,
        "unit": unit,
        "rows": list(rows),
        "columns": list(columns),
        "values": [list(row) for row in values],
    }


def _row(name: str, text: str) -> str:
    return f"  {name:<10} {text}".rstrip()
