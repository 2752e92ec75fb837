"""What `benchmark` measures: small and large files past the cache and through it, and across a slow link."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import profiles
from tests.bench import network
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, run
from tests.integration.lab_under_test import RunningLab
from tests.integration.slow_link import WARM_UP_S, slow_link

WORKLOADS = [
    {"name": "small-files", "files": 4000, "bytes": 100 * 1024},
    {"name": "large-files", "files": 6, "bytes": 64 * 1024**2},
]
LEAST_TIMES = 5
"""The fastest warm arm is to read so many times as fast as the slow link: small files, and large ones."""
PROXY = {"proxy": {"enabled": True, "jvmOptions": ["-Xmx256m"]}}


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Every arm and profile of both workloads, options.rounds times; an arm that took another path fails the topic."""
    with (
        tempfile.TemporaryDirectory() as name,
        slow_link(RunningLab(options.lab)) as far,
    ):
        folder = Path(name)
        values = folder / "proxy.yml"
        values.write_text(yaml.safe_dump(PROXY))
        given: dict[str, Any] = {
            "alluxio_values_files": [str(values)],
            "benchmark_workloads": WORKLOADS,
            "benchmark_variants": [{"name": name} for name in profiles.PROFILES],
            "benchmark_runs": options.rounds,
            "benchmark_warm_up_s": WARM_UP_S,
            "benchmark_slow_endpoint": far,
            "benchmark_report": str(folder / "reports"),
            "network_report": str(folder / "network.json"),
        }
        fresh(lab, **given)
        network.look(lab, options, folder / "network.json", **given)  # the ceilings
        seconds = run(lab, "playbooks/benchmark.yml", **given).seconds
        [path] = (folder / "reports").glob("*.json")
        report = json.loads(path.read_text())
        run(lab, "playbooks/benchmark.yml", **given, benchmark_state="absent")
    name_of_all = f"benchmark, {len(WORKLOADS)} workloads"
    for workload in report["workloads"]:
        bounds = [f"{arm['arm']}: bound by {arm['bound']}" for arm in workload["arms"]]
        print("\n".join([workload["name"], *workload["verdict"], *bounds]), flush=True)
    return [Measure(name_of_all, "s", (seconds,), NO_WAY_BY_HAND), *measures_of(report)]


def measures_of(report: Mapping[str, Any]) -> list[Measure]:
    """Each arm against the slow link; the goal is that of each workload's fastest warm one."""
    found = []
    for workload in report["workloads"]:
        arms = {arm["arm"]: tuple(one["mib_s"] for one in arm["runs"]) for arm in workload["arms"]}
        warm = [name for name in arms if name.startswith("warm")]
        best = max(warm, key=lambda name: statistics.median(arms[name]))
        found += [
            Measure(
                f"{workload['name']}, {name}",
                "MiB/s",
                samples,
                "direct-slow",
                arms["direct-slow"],
                ratio_least=LEAST_TIMES if name == best else None,
            )
            for name, samples in arms.items()
        ]
    return found
