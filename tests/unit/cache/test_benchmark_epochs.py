"""Epochs of a benchmark: the first is what an arm is told by, later ones stand beside it, each proven."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_epochs,
    benchmark_gate,
    benchmark_result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import benchmark_page
from tests.unit.cache import benchmark_cases as cases

FIRST, SECOND = cases.run("warm-fuse"), cases.run("warm-fuse", seconds=0.5)


def named(name: str, *runs: dict[str, Any]) -> dict[str, Any]:
    """An arm of that name with one run, of these epochs."""
    return benchmark_epochs.arm_of(name, [runs], cases.NODES)


def test_an_arm_of_one_epoch_is_as_ever() -> None:
    assert named("warm-fuse", FIRST) == benchmark_result.arm_of("warm-fuse", [FIRST], cases.NODES)
    assert benchmark_epochs.lines([named("warm-fuse", FIRST)]) == []


def test_a_baseline_compares_first_epochs() -> None:
    arm = named("warm-fuse", FIRST, SECOND)
    report = {"workloads": [benchmark_epochs.workload_of(cases.SMALL, [arm])]}
    assert list(benchmark_gate.figures(report).values()) == [50.0]


def test_settings_are_compared_with_upstreams_epoch_by_epoch() -> None:
    arms = [
        named("warm-s3", FIRST),
        named("warm-fuse", FIRST, FIRST),
        named("warm-fuse/upstream", FIRST, FIRST),
        named("warm-fuse/small-files", FIRST, SECOND),
    ]
    assert benchmark_epochs.lines(arms) == [
        "warm-fuse, epoch 1: 1.00 times as fast as upstream",
        "warm-fuse, epoch 2: 50.0 files/s, 50.0 MiB/s; 1.00 times as fast as epoch 1; 1.00 times as fast as upstream",
        "warm-fuse/upstream, epoch 2: 50.0 files/s, 50.0 MiB/s; 1.00 times as fast as epoch 1",
        "warm-fuse/small-files, epoch 1: 1.00 times as fast as upstream",
        (
            "warm-fuse/small-files, epoch 2: 200.0 files/s, 200.0 MiB/s; 4.00 times as fast as epoch 1; "
            "4.00 times as fast as upstream"
        ),
    ]


def test_what_is_not_proven_is_not_compared() -> None:
    astray = {**SECOND, "wrong": ["it came from the store"]}
    arm = named("warm-fuse/small-files", astray, FIRST)
    arms = [arm, named("warm-fuse/upstream", FIRST, astray)]
    assert benchmark_epochs.lines(arms) == [
        "warm-fuse/small-files, epoch 2: 50.0 files/s, 50.0 MiB/s"
    ]
    assert arms[0]["wrong"] == ["it came from the store"]
    assert arms[1]["wrong"] == ["epoch 2: it came from the store"]


def test_a_page_has_what_variants_set_and_every_epoch() -> None:
    found = cases.report(warm_fuse=2.0)
    arm = named("warm-fuse", FIRST, SECOND)
    found["workloads"] = [benchmark_epochs.workload_of(cases.SMALL, [arm])]
    tried = {"name": "tried", "properties": {"alluxio.user.x": "8"}, "options": ""}
    found["settings"] |= {"variants": [tried], "epochs": 2}
    page = benchmark_page.page(found, [])
    for text in (
        "alluxio.user.x=8",
        "2 of each run with a mount",
        "warm-fuse, epoch 2: 200.0 files/s, 200.0 MiB/s; 4.00 times as fast as epoch 1",
        "<td>2</td><td>1</td><td>200.0</td>",
    ):
        assert text in page
