"""Ceilings of arms: of a report of `network` that still holds, and by the bytes that were really moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_ceiling,
    benchmark_result,
)
from tests.unit.cache.benchmark_cases import MIB, NODES, SMALL, measured, reader, run

NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)


def bound(name: str, link: float, endpoint: str = "", **counted: int) -> str:
    """What an arm of 50 MiB/s is bound by, where links carry so much and so many MiB of 100 were counted."""
    bytes_of = {counter: value * MIB for counter, value in counted.items()}
    one = (
        benchmark_result.run_of(name, [reader("n1"), reader("n2")], bytes_of, SMALL)
        if counted
        else run(name)
    )
    return str(benchmark_result.arm_of(name, [one], NODES, measured(link), endpoint)["bound"])


def test_what_network_has_measured_is_a_ceiling() -> None:
    near = bound("warm-fuse", 26)
    assert near.startswith("what it passes (warm-fuse: 50 MiB/s, 96 % of what")
    far = bound("warm-fuse", 1000)
    assert far.startswith("waiting for answers")
    assert "% of the nearest ceiling" in far
    assert "the link from the store" in bound("direct", 1000)


def test_a_byte_that_is_moved_again_takes_its_part_of_the_link_again() -> None:
    text = bound("warm-fuse", 200, remote=768)
    assert text.startswith("what it passes (warm-fuse: 50 MiB/s, 96 % of what the network")
    assert "(52.1 MiB/s, as each byte passes it 7.7 times)" in text


def test_a_ceiling_that_is_far_exceeded_is_none() -> None:
    text = bound("warm-fuse", 5)
    assert text.startswith("waiting for answers")
    assert "500 % of what the network between nodes to 2 nodes was measured to allow" in text
    assert "so that is no ceiling of it" in text
    assert "nearest ceiling" not in text


def test_the_slow_link_has_a_ceiling_only_where_it_was_measured() -> None:
    far = bound("direct-slow", 26, "http://far:9001")
    assert "ceiling" not in far
    assert far.endswith(
        "nothing tells whether the rate of http://far:9001 or its latency holds them"
    )
    same = bound("direct-slow", 26, "http://s/")
    assert same.startswith("what it passes (direct-slow: 50 MiB/s, 96 % of what the link from")
    # The other way round: `network` has measured the slow way, and `direct` takes another.
    assert "the link from the store" not in bound("direct", 26, "http://near:9000")


def report(**more: Any) -> dict[str, Any]:
    """What `network` has written."""
    return {"made_at": "2026-11-27T01:00:00+00:00", "workers": ["n2", "n1"], **more}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "`alluxops network` measures them"),
        (report(), ""),
        (report(made_at="2026-11-27T01:00:00"), ""),
        (report(made_at="2026-11-26T03:59:00+00:00"), "2026-11-26T03:59:00+00:00, more than a day"),
        (report(made_at="yesterday"), "bears no date"),
        (
            report(workers=["n1"]),
            "measured other nodes at 2026-11-27T01:00:00+00:00: n1 there, n1 n2",
        ),
        (report(workers=["n1", "n2", "n3"]), "n1 n2 n3 there, n1 n2 here"),
    ],
)
def test_a_report_that_is_old_or_of_other_nodes_gives_no_ceilings(
    given: dict[str, Any] | None, why: str
) -> None:
    found = benchmark_ceiling.why_unused(given, NODES, NOW)
    assert why in found
    assert bool(found) is bool(why)
