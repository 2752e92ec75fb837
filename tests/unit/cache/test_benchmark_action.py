"""A check of `benchmark` tells what is missing of a baseline, and which ceilings it would use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import benchmark
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Seat, Wanted
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.benchmark_cases import SMALL, measured, report

SEATS = (Seat("n1", 10**9), Seat("n2", 10**9, "10.0.0.2:39999"))


def checked(
    tmp_path: Path, baseline: Mapping[str, Any] | None, network: Mapping[str, Any] | None
) -> str:
    """The summary of a check of a cache of two nodes, of which one has no proxy."""
    made: Any = benchmark.ActionModule.__new__(benchmark.ActionModule)
    made._task = SimpleNamespace(check_mode=True)
    bench: Any = SimpleNamespace(
        wanted=Wanted((SMALL,), (), 2, 4, "", 20),
        jobs=SimpleNamespace(values={}),
        seats=SEATS,
        nodes=[seat.node for seat in SEATS],
    )
    where = benchmark._Report(
        tmp_path,
        dict(baseline) if baseline else None,
        "/b.json",
        dict(network) if network else None,
    )
    found = made._measured(bench, where, "r benchmark")
    assert (found["changed"], found["told"]) == (False, "")
    return "\n".join(found["summary"])


def test_what_the_baseline_has_and_this_has_not_is_told(tmp_path: Path) -> None:
    before = report(direct=2.0, direct_slow=2.0, warm_s3=2.0)
    text = checked(tmp_path, before, None)
    assert "  missing   small, direct-slow: benchmark_slow_endpoint is not set" in text
    assert "  missing   small, warm-s3: no proxy serves on n1" in text
    assert "  without   ceilings of network and disks: `alluxops network` measures them" in text
    assert "missing" not in checked(tmp_path, None, None)


def test_the_moment_of_the_ceilings_is_told(tmp_path: Path) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    network = {**measured(100).as_dict(), "made_at": now}
    assert f"  ceilings  of network and disks, measured at {now}" in checked(
        tmp_path, None, network
    )
    old = {**network, "made_at": "2026-01-01T00:00:00+00:00"}
    assert "at 2026-01-01T00:00:00+00:00, more than a day ago" in checked(tmp_path, None, old)


def test_a_baseline_that_is_no_yardstick_is_refused(tmp_path: Path) -> None:
    before = report(direct=2.0)
    before["workloads"][0]["arms"][0]["wrong"] = ["50 MiB came from the store"]
    with pytest.raises(SettingsError, match="small, direct, which is not proven there"):
        checked(tmp_path, before, None)
