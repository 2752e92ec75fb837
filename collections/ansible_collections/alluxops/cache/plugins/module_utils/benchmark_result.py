"""From what readers found to figures: runs, arms, what bounds them, and the report for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_ceiling,
    benchmark_proof,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    DIRECT,
    S3,
    SLOW,
    WARM,
    Workload,
    base,
    path_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_reader import STEP
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import Verdict

Json = dict[str, Any]

FORMAT: Final = 1
MIB: Final = 1024**2
SHARES: Final = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
HEADS: Final = ("MiB/s", "files/s", "p50 ms", "p95 ms", "p99 ms")
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
    arm: str,
    readers: Sequence[Mapping[str, Any]],
    counted: Mapping[str, int],
    expected: Workload,
    kept_by: Sequence[str] = (),
) -> Json:
    """One run: what all readers did together. They began together, so the slowest tells how long it took.

    kept_by: the settings by which the mount may still have had what was read.
    """
    seconds = max(float(one["seconds"]) for one in readers)
    size, files = (sum(int(one[name]) for one in readers) for name in ("bytes", "files"))
    wrong = benchmark_proof.faults(arm, size, counted)
    if kept_by:
        wrong.append(f"the mount keeps what it has read ({', '.join(kept_by)})")
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
        "moved": benchmark_proof.moved(arm, size, counted),
        "wrong": wrong,
        "latencies": latencies,
    }


def arm_of(
    arm: str,
    runs: Sequence[Mapping[str, Any]],
    nodes: Sequence[str],
    measured: Measured | None = None,
    endpoint: str = "",
) -> Json:
    """All runs of an arm. Throughput is the runs' median; latencies are those of all files of all runs.

    measured: what links, store and tiers allow, where `network` has measured that. endpoint: the arm's way to
    the store.
    """
    size, counted = benchmark_proof.summed(runs)
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
        "moved": benchmark_proof.moved(arm, size, counted),
        "socket_share": benchmark_proof.socket_share(counted) if base(arm) in WARM else None,
        "finding": benchmark_proof.finding(arm, size, counted),
        "wrong": list(dict.fromkeys(text for run in runs for text in run["wrong"])),
        "runs": [
            {name: value for name, value in run.items() if name != "latencies"} for run in runs
        ],
    }
    nearest = benchmark_ceiling.nearest(found, nodes, measured, endpoint)
    found["bound"] = bound(found, nearest)
    if arm == SLOW and (nearest is None or nearest.resource is None):
        found["bound"] += (
            f"; nothing tells whether the rate of {endpoint or 'that link'} or its latency holds them"
        )
    return found


def bound(arm: Mapping[str, Any], nearest: Verdict | None) -> str:
    """What an arm waits for most, as far as the figures tell."""
    if nearest and nearest.is_bound:
        return f"what it passes ({nearest.text})"
    far = ""
    if nearest and nearest.resource:
        far = f"; {nearest.percent} % of the nearest ceiling of network and disks"
    if nearest and nearest.beyond:
        far += f"; {nearest.beyond}"
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
    """The best warm arm against each direct one, what was moved again, and what bounds it: of proven arms alone."""
    proven = {arm["arm"]: arm for arm in arms if not arm["wrong"]}
    findings = [arm["finding"] for arm in arms if arm["finding"]]
    warm = [arm for name, arm in proven.items() if base(name) in WARM]
    if not warm:
        is_asked = any(base(arm["arm"]) in WARM for arm in arms)
        return [*findings, "no warm arm is proven, so none is compared"] if is_asked else findings
    best = max(warm, key=lambda arm: arm["mib_s"])
    lines = [
        f"{best['arm']} is {best['mib_s'] / proven[name]['mib_s']:.1f} times as fast as {name}"
        for name in (SLOW, DIRECT)
        if name in proven and proven[name]["mib_s"]
    ]
    lines += [
        f"{name} is {arm['mib_s'] / proven[base(name)]['mib_s']:.2f} times as fast as {base(name)}"
        for name, arm in proven.items()
        if name != base(name) and base(name) in proven and proven[base(name)]["mib_s"]
    ]
    return [*lines, *findings, f"{best['arm']} is bound by {best['bound']}"]


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


def left(wanted: Sequence[Workload], workloads: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each workload that could not be freed, why, and which ones were not measured after it."""
    after = ", ".join(one.name for one in wanted[len(workloads) :])
    told = f"; not measured after that: {after}" if after else ""
    return [f"{one['name']}: {one['not_freed']}{told}" for one in workloads if one["not_freed"]]


def table(workloads: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures for people, a line an arm."""
    lines = []
    for workload in workloads:
        one = Workload(workload["name"], workload["files"], workload["bytes"])
        width = max(18, *(len(arm["arm"]) for arm in workload["arms"]))
        lines += [
            f"  {one.name}: {one}",
            f"    {'arm':<{width}} {' '.join(f'{head:>8}' for head in HEADS)} {'moved':>6}  path",
        ]
        for arm in workload["arms"]:
            figures = [f"{arm[name]:>8.1f}" for name in ("mib_s", "files_s", *SHARES)]
            lines.append(
                f"    {arm['arm']:<{width}} {' '.join(figures)} {moved(arm):>6}  {proof(arm)}"
            )
        lines += [f"    {text}" for text in workload["verdict"]]
    return lines


def moved(arm: Mapping[str, Any]) -> str:
    """Bytes moved for each byte read, for a table."""
    return "-" if arm["moved"] is None else f"{arm['moved']:.1f}"


def proof(arm: Mapping[str, Any]) -> str:
    """Whether an arm is proven, in a few words: of which part of the proof counters alone are none, and who served.

    A proxy may read from any worker: so from which one is told.
    """
    if arm["wrong"]:
        return "NOT PROVEN"
    told = ["proven"]
    if arm["finding"]:
        told.append(f"moved {arm['moved']:.1f} times")
    share = arm["socket_share"]
    if base(arm["arm"]) == S3 and share is not None:
        told.append(f"{share:.0%} over the domain socket")
    return ", ".join(told)


def told(report: Mapping[str, Any]) -> str:
    """Why a benchmark ends with an error, in words; empty where it does not."""
    return "; ".join(
        [
            *(f"not proven: {text}" for text in report["wrong"]),
            *(f"not freed: {text}" for text in report["left"]),
            *(f"slower: {text}" for text in report["slower"]),
            *(f"missing: {text}" for text in report["missing"]),
        ]
    )


def gate_lines(report: Mapping[str, Any]) -> list[str]:
    """What stands beside the figures: what proves nothing, what is slower than it was, what is there no more."""
    lines = [
        *(f"  wrong     {text}" for text in report["wrong"]),
        *(f"  left      {text}" for text in report["left"]),
    ]
    if report["baseline"]:
        lines += [
            *(f"  slower    {text}" for text in report["slower"]),
            *(f"  missing   {text}" for text in report["missing"]),
        ]
        if not (report["slower"] or report["missing"] or report["left"]):
            lines.append(
                f"  baseline  every arm of {report['baseline']} is there, and none is slower"
            )
    return lines
