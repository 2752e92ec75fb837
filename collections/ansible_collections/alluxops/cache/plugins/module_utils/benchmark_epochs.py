"""Epochs of a benchmark's arms: the first is what the arm is told by, later ones stand beside it. Pure.

A mount knows nothing of a file that it reads for the first time. What it has kept, and what that is worth, shows when
it reads the same once more, as trainings do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_result, profiles
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Workload, base
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured

Json = dict[str, Any]

LATER: Final = "later"
"""Where an arm of a report has its later epochs, each as an arm of its own."""


def arm_of(
    arm: str,
    runs: Sequence[Sequence[Mapping[str, Any]]],
    nodes: Sequence[str],
    measured: Measured | None = None,
    endpoint: str = "",
) -> Json:
    """All runs of an arm, each of so many epochs. Its figures are the first epoch's: reports stay comparable."""
    first, *later = (
        benchmark_result.arm_of(arm, epoch, nodes, measured, endpoint)
        for epoch in zip(*runs, strict=True)
    )
    if not later:
        return first
    wrong = [
        f"epoch {number}: {text}" for number, one in enumerate(later, 2) for text in one["wrong"]
    ]
    return {**first, "wrong": [*first["wrong"], *wrong], LATER: later}


def workload_of(workload: Workload, arms: Sequence[Mapping[str, Any]]) -> Json:
    """A workload's part of the report."""
    found = benchmark_result.workload_of(workload, arms)
    return {**found, "verdict": [*found["verdict"], *lines(arms)]}


def each(arm: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(number, figures) of an arm's epochs."""
    yield from enumerate([arm, *arm.get(LATER, ())], 1)


def _proven(arm: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Those whose bytes came the arm's way in every run."""
    return (
        (epoch, one) for epoch, one in each(arm) if not any(run["wrong"] for run in one["runs"])
    )


def lines(arms: Sequence[Mapping[str, Any]]) -> list[str]:
    """How fast later epochs are, and what settings make of each against Alluxio's own, a line each: of proven ones."""
    upstream = {
        (base(arm["arm"]), epoch): float(one["files_s"])
        for arm in arms
        if arm["arm"].partition("/")[2] == profiles.UPSTREAM
        for epoch, one in _proven(arm)
    }
    found = []
    for arm in arms:
        name = str(arm["arm"])
        proven = dict(_proven(arm))
        for epoch, one in proven.items():
            told = []
            if epoch > 1:
                told.append(f"{one['files_s']:.1f} files/s, {one['mib_s']:.1f} MiB/s")
                told += _times(one, arm["files_s"] if 1 in proven else 0.0, "epoch 1")
            if name.partition("/")[2] != profiles.UPSTREAM:
                told += _times(one, upstream.get((base(name), epoch), 0.0), profiles.UPSTREAM)
            if told:
                found.append(f"{name}, epoch {epoch}: {'; '.join(told)}")
    return found


def _times(one: Mapping[str, Any], other: float, name: str) -> list[str]:
    """All files are of one size: files a second are MiB a second."""
    return [f"{one['files_s'] / other:.2f} times as fast as {name}"] if other else []
