"""A stored run is a yardstick for the same arms, proven and measured the same way; what is gone is told."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_gate
from tests.unit.cache.benchmark_cases import report


def test_an_arm_that_is_slower_than_before_is_named() -> None:
    before, now = report(direct=2.0, cold=2.0), report(direct=2.4, cold=2.6, warm_fuse=9.0)
    assert benchmark_gate.slower(now, before, 20) == ["small, cold: 38.5 MiB/s, 50.0 before (-23%)"]
    assert benchmark_gate.slower(now, before, 30) == []


def test_a_baseline_that_was_measured_otherwise_is_refused() -> None:
    before = report(direct=2.0)
    settings = before["settings"]
    assert benchmark_gate.differing(settings, before) == []
    [fault] = benchmark_gate.differing({**settings, "parallelism": 8}, before)
    assert "parallelism 4 there, 8 here" in str(fault)
    others = {**settings, "workloads": [{"name": "small", "files": 1, "bytes": 1}]}
    assert "no workload of this one" in str(benchmark_gate.differing(others, before)[0])


def test_a_tail_that_is_longer_than_before_is_named() -> None:
    before, now = report(cold=2.0), report(cold=2.0)
    now["workloads"][0]["arms"][0]["p95_ms"] *= 1.3
    [text] = benchmark_gate.slower(now, before, 20)
    assert text.startswith("small, cold: p95 ")
    assert text.endswith("(+30%)")
    assert benchmark_gate.slower(now, before, 30) == []
    # The slowest of six files is chance.
    for one in (now, before):
        one["workloads"][0]["files"] = 6
    assert benchmark_gate.slower(now, before, 20) == []
    del before["workloads"][0]["arms"][0]["p95_ms"]
    assert benchmark_gate.slower(now, before, 20) == []


def test_an_arm_that_is_gone_is_missing_with_the_reason() -> None:
    before = report(direct=2.0, cold=2.0, warm_s3=2.0)
    settings = report(direct=2.0)["settings"]
    left_out = {"warm-s3": "no proxy serves on n1"}
    assert benchmark_gate.missing(settings, left_out, before) == [
        "small, cold: benchmark_arms does not have it",
        "small, warm-s3: no proxy serves on n1",
    ]
    assert benchmark_gate.missing(before["settings"], {}, before) == []
    others = {**settings, "workloads": [{"name": "large", "files": 1, "bytes": 1}]}
    [text] = benchmark_gate.missing(others, {}, before)
    assert text == "small (100 files of 1048576 bytes): benchmark_workloads does not have it"


def test_an_arm_that_was_not_proven_is_no_yardstick() -> None:
    before = report(direct=2.0, cold=2.0)
    before["workloads"][0]["arms"][1]["wrong"] = ["0 B came from the store"]
    [fault] = benchmark_gate.differing(before["settings"], before)
    assert "benchmark_baseline has small, cold, which is not proven there: 0 B" in str(fault)
    assert benchmark_gate.differing(report(direct=2.0)["settings"], before) == []


def variant(chunk: str) -> dict[str, Any]:
    """A variant as reports have it."""
    properties = {"alluxio.user.streaming.reader.chunk.size.bytes": chunk}
    return {"name": "chunks", "properties": properties, "options": ""}


def test_a_variant_of_the_same_name_with_other_settings_is_refused() -> None:
    before = report(warm_fuse=2.0)
    before["workloads"][0]["arms"][0]["arm"] = "warm-fuse/chunks"
    before["settings"]["variants"] = [variant("4MB")]
    same = {**before["settings"], "arms": ["warm-fuse", "warm-fuse/chunks"]}
    assert benchmark_gate.differing(same, before) == []
    [fault] = benchmark_gate.differing({**same, "variants": [variant("8MB")]}, before)
    assert "the variant chunks is {'properties': {" in str(fault)
    assert "4MB" in str(fault)
    del before["settings"]["variants"]
    [fault] = benchmark_gate.differing(same, before)
    assert "the variant chunks is not described there" in str(fault)
    dropped = {**same, "arms": ["warm-fuse"], "variants": []}
    assert benchmark_gate.missing(dropped, {}, before) == [
        "small, warm-fuse/chunks: benchmark_variants does not have it"
    ]
