"""From what readers found to figures: runs, arms, what bounds them, and the report for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_proof,
    network_verdict,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    DIRECT,
    SLOW,
    WARM,
    Workload,
    base,
    path_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_reader import STEP
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import Arm, Verdict

Json = dict[str, Any]

FORMAT: Final = 1
MIB: Final = 1024**2
SHARES: Final = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
BUSY: Final = 0.85
"""A processor that is in use so much of the time is what a reader waits for."""


def percentiles(latencies: Mapping[int, int]) -> dict[str, float]:
    """Latencies in ms that these shares of the files did not exceed, to 2.5 %. latencies: files by class."""
    total = sum(latencies.values())
    found = dict.fromkeys(SHARES, 0.0)
    for name, share in SHARES.items():
        seen = 0
        for place in sorted(latencies):
            seen += latencies[place]
            if seen >= share * total:
                found[name] = round(STEP ** (place + 0.5) / 1000, 3)
                break
    return found


def added(parts: Iterable[Mapping[Any, int]]) -> dict[int, int]:
    """Latencies of several readers or runs, as one's."""
    found: dict[int, int] = {}
    for part in parts:
        for place, count in part.items():
            found[int(place)] = found.get(int(place), 0) + count
    return found


def run_of(
    arm: str, readers: Sequence[Mapping[str, Any]], counted: Mapping[str, int], expected: Workload
) -> Json:
    """One run: what all readers did together. They began together, so the slowest tells how long it took."""
    seconds = max(float(one["seconds"]) for one in readers)
    size, files = (sum(int(one[name]) for one in readers) for name in ("bytes", "files"))
    wrong = benchmark_proof.faults(arm, size, counted)
    if errors := sum(int(one["errors"]) for one in readers):
        first = next(str(one["error"]) for one in readers if one["error"])
        wrong.insert(0, f"{errors} of {expected.files} files could not be read: {first}")
    elif files != expected.files:
        wrong.insert(0, f"{files} of {expected.files} files were read")
    latencies = added(one["latencies"] for one in readers)
    shares = [
        float(one["cpu_s"]) / (float(one["seconds"]) * int(one["processes"])) for one in readers
    ]
    return {
        "seconds": round(seconds, 3),
        "bytes": size,
        "files": files,
        "mib_s": round(size / MIB / seconds, 2),
        "files_s": round(files / seconds, 1),
        **percentiles(latencies),
        "slowest_ms": round(1000 * max(float(one["slowest_s"]) for one in readers), 1),
        "reader_cpu": round(mean(shares), 3),
        "node_busy": round(mean(float(one["node_busy"]) for one in readers), 3),
        "processes": sum(int(one["processes"]) for one in readers),
        "counted": {name: counted.get(name, 0) for name in benchmark_proof.SHOWN},
        "wrong": wrong,
        "latencies": latencies,
    }


def arm_of(
    arm: str,
    runs: Sequence[Mapping[str, Any]],
    nodes: Sequence[str],
    measured: Measured | None = None,
) -> Json:
    """All runs of an arm. Throughput is the runs' median; latencies are those of all files of all runs.

    measured: what links, store and tiers allow, where `network` has measured that.
    """
    found: Json = {
        "arm": arm,
        "path": path_of(arm),
        "mib_s": median(run["mib_s"] for run in runs),
        "least_mib_s": min(run["mib_s"] for run in runs),
        "most_mib_s": max(run["mib_s"] for run in runs),
        "files_s": median(run["files_s"] for run in runs),
        **percentiles(added(run["latencies"] for run in runs)),
        "reader_cpu": round(mean(run["reader_cpu"] for run in runs), 3),
        "node_busy": round(mean(run["node_busy"] for run in runs), 3),
        "processes": runs[0]["processes"],
        "wrong": list(dict.fromkeys(text for run in runs for text in run["wrong"])),
        "runs": [
            {name: value for name, value in run.items() if name != "latencies"} for run in runs
        ],
    }
    found["bound"] = bound(found, ceiling(found, nodes, measured))
    return found


def ceiling(
    arm: Mapping[str, Any], nodes: Sequence[str], measured: Measured | None
) -> Verdict | None:
    """The nearest ceiling of what an arm's bytes passed; None where nothing of it was measured."""
    if measured is None or arm["arm"] == SLOW:  # that link is another one than the cache's
        return None
    size = sum(run["bytes"] for run in arm["runs"]) or 1
    counted = {
        name: sum(run["counted"][name] for run in arm["runs"]) for name in benchmark_proof.SHOWN
    }
    shares: dict[network_verdict.Source, float] = {
        "store": 1.0 if arm["arm"] == DIRECT else min(1.0, counted["ufs"] / size),
        "remote": min(1.0, counted["remote"] / size),
        "local": min(1.0, (counted["domain"] + counted["local"]) / size),
    }
    [found] = network_verdict.bound(
        [Arm(arm["arm"], arm["mib_s"] * MIB, tuple(nodes), shares)], measured
    )
    return found if found.resource else None


def bound(arm: Mapping[str, Any], nearest: Verdict | None) -> str:
    """What an arm waits for most, as far as the figures tell."""
    if nearest and nearest.is_bound:
        return f"what it passes ({nearest.text})"
    far = f"; {nearest.percent} % of the nearest ceiling of network and disks" if nearest else ""
    if arm["node_busy"] >= BUSY:
        return f"the nodes' processors, {arm['node_busy']:.0%} busy{far}"
    if arm["reader_cpu"] >= BUSY:
        return f"the readers themselves: each keeps a processor {arm['reader_cpu']:.0%} busy{far}"
    return (
        f"waiting for answers: {counted_reads(arm['processes'])} at once of {arm['p50_ms']:.1f} ms each;"
        f" the nodes' processors are {arm['node_busy']:.0%} busy{far}"
    )


def counted_reads(number: int) -> str:
    """For people."""
    return f"{number} read" if number == 1 else f"{number} reads"


def verdict(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """The best warm arm against each direct one, and what bounds it."""
    by_name = {arm["arm"]: arm for arm in arms}
    warm = [arm for arm in arms if base(arm["arm"]) in WARM]
    if not warm:
        return []
    best = max(warm, key=lambda arm: arm["mib_s"])
    lines = [
        f"{best['arm']} is {best['mib_s'] / by_name[name]['mib_s']:.1f} times as fast as {name}"
        for name in (SLOW, DIRECT)
        if name in by_name and by_name[name]["mib_s"]
    ]
    lines += [
        f"{name} is {arm['mib_s'] / by_name[base(name)]['mib_s']:.2f} times as fast as {base(name)}"
        for name, arm in by_name.items()
        if name != base(name) and by_name[base(name)]["mib_s"]
    ]
    return [*lines, f"{best['arm']} is bound by {best['bound']}"]


def workload_of(workload: Workload, arms: Sequence[Mapping[str, Any]]) -> Json:
    """A workload's part of the report."""
    return {
        "name": workload.name,
        "files": workload.files,
        "bytes": workload.bytes,
        "arms": list(arms),
        "verdict": verdict(arms),
    }


def wrong(workloads: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every arm that proves nothing, and why."""
    return [
        f"{workload['name']}, {arm['arm']}: {text}"
        for workload in workloads
        for arm in workload["arms"]
        for text in arm["wrong"]
    ]


def table(workloads: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures for people, a line an arm."""
    lines = []
    for workload in workloads:
        one = Workload(workload["name"], workload["files"], workload["bytes"])
        width = max(18, *(len(arm["arm"]) for arm in workload["arms"]))
        lines += [
            f"  {one.name}: {one}",
            f"    {'arm':<{width}} {'MiB/s':>8} {'files/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}  path",
        ]
        for arm in workload["arms"]:
            figures = [f"{arm[name]:>8.1f}" for name in ("mib_s", "files_s", *SHARES)]
            proof = "NOT PROVEN" if arm["wrong"] else "proven"
            lines.append(f"    {arm['arm']:<{width}} {' '.join(figures)}  {proof}")
        lines += [f"    {text}" for text in workload["verdict"]]
    return lines


def told(report: Mapping[str, Any]) -> str:
    """Why a benchmark ends with an error, in words; empty where it does not."""
    return "; ".join(
        [
            *(f"not proven: {text}" for text in report["wrong"]),
            *(f"slower: {text}" for text in report["slower"]),
        ]
    )


def gate_lines(report: Mapping[str, Any]) -> list[str]:
    """What stands beside the figures: what proves nothing, what is slower than it was."""
    lines = [f"  wrong     {text}" for text in report["wrong"]]
    if report["baseline"]:
        lines += [f"  slower    {text}" for text in report["slower"]] or [
            f"  baseline  no arm is slower than in {report['baseline']}"
        ]
    return lines
