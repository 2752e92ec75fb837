"""What the profiles are worth: `benchmark` with each of them beside Alluxio's own settings, small files and large ones.

In one run, so that all have the same machine, cache and files. The release has no profile, and so Alluxio's settings
too: its rows tell how much of a ratio is chance.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_epochs, profiles
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import fresh, run

Json = Mapping[str, Any]

SETTINGS: dict[str, Any] = {
    "benchmark_workloads": [
        {"name": "small-files", "files": 3000, "bytes": 20 * 1024},
        {"name": "large-files", "files": 6, "bytes": 64 * 1024**2},
    ],
    "benchmark_arms": ["warm-fuse", "warm-short-circuit"],
    "benchmark_variants": [{"name": name} for name in (profiles.UPSTREAM, *profiles.PROFILES)],
    "benchmark_epochs": 2,
}


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Each profile and arm options.rounds times; an arm that took another path fails the topic."""
    with tempfile.TemporaryDirectory() as name:
        given: dict[str, Any] = {
            **SETTINGS,
            "benchmark_runs": options.rounds,
            "benchmark_report": name,
        }
        fresh(lab, **given)
        run(lab, "playbooks/benchmark.yml", **given)
        [path] = Path(name).glob("*.json")
        report: Json = json.loads(path.read_text(encoding="utf-8"))
        run(lab, "playbooks/benchmark.yml", **given, benchmark_state="absent")
    for workload in report["workloads"]:
        print("\n".join([workload["name"], *workload["verdict"]]), flush=True)
    return list(measures_of(report))


def measures_of(report: Json) -> Iterator[Measure]:
    """Files a second of each arm, epoch and profile against those of Alluxio's own settings; more is better."""
    for workload in report["workloads"]:
        samples = {
            (*arm["arm"].partition("/")[::2], epoch): tuple(one["files_s"] for one in part["runs"])
            for arm in workload["arms"]
            for epoch, part in benchmark_epochs.each(arm)
        }
        for (arm, profile, epoch), values in samples.items():
            if profile != profiles.UPSTREAM:
                yield Measure(
                    f"{workload['name']}, {arm}, epoch {epoch}, {profile or 'no profile'}",
                    "files/s",
                    values,
                    profiles.UPSTREAM,
                    samples[arm, profiles.UPSTREAM, epoch],
                )
