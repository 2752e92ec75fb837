"""What `benchmark` measures: small and large files past the cache and through it, and across a slow link."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.bench import network
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, run
from tests.integration.lab_under_test import RunningLab
from tests.integration.slow_link import slow_link

WORKLOADS = [
    {"name": "small-files", "files": 1200, "bytes": 100 * 1024},
    {"name": "large-files", "files": 6, "bytes": 64 * 1024**2},
]
LATENCY_MS, KILOBYTES_S = 50, 2000
"""Of the slow link: about what one connection gets from another continent."""
PROXY = {"proxy": {"enabled": True, "jvmOptions": ["-Xmx256m"]}}


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Every arm of both workloads, each options.rounds times; an arm that took another path fails the topic."""
    with (
        tempfile.TemporaryDirectory() as name,
        slow_link(RunningLab(options.lab), latency_ms=LATENCY_MS, kilobytes_s=KILOBYTES_S) as far,
    ):
        folder = Path(name)
        values = folder / "proxy.yml"
        values.write_text(yaml.safe_dump(PROXY))
        given: dict[str, Any] = {
            "alluxio_values_files": [str(values)],
            "benchmark_workloads": WORKLOADS,
            "benchmark_runs": options.rounds,
            "benchmark_slow_endpoint": far,
            "benchmark_report": str(folder / "reports"),
            "network_report": str(folder / "network.json"),
        }
        fresh(lab, **given)
        network.look(lab, options, folder / "network.json", **given)  # the ceilings
        run(lab, "playbooks/benchmark.yml", **given)
        [path] = (folder / "reports").glob("*.json")
        report = json.loads(path.read_text())
        seconds = run(lab, "playbooks/benchmark.yml", must_change=False, **given).seconds
        run(lab, "playbooks/benchmark.yml", **given, benchmark_state="absent")
    name_of_all = f"benchmark, {len(WORKLOADS)} workloads"
    found = [Measure(name_of_all, "s", (seconds,), NO_WAY_BY_HAND)]
    for workload in report["workloads"]:
        bounds = [f"{arm['arm']}: bound by {arm['bound']}" for arm in workload["arms"]]
        print("\n".join([workload["name"], *workload["verdict"], *bounds]), flush=True)
        samples = {
            arm["arm"]: tuple(one["mib_s"] for one in arm["runs"]) for arm in workload["arms"]
        }
        found += [
            Measure(
                f"{workload['name']}, {arm}",
                "MiB/s",
                values_,
                "direct-slow",
                samples["direct-slow"],
            )
            for arm, values_ in samples.items()
        ]
    return found
