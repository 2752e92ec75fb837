"""A check of `benchmark` tells what is missing of a baseline, and which ceilings it would use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import benchmark
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    Seat,
    Wanted,
    Workload,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.benchmark_cases import SMALL, measured, report

SEATS = (Seat("n1", 10**9), Seat("n2", 10**9, "10.0.0.2:39999"))


def action(*, checks: bool) -> Any:
    """The action, in check mode or not."""
    made: Any = benchmark.ActionModule.__new__(benchmark.ActionModule)
    made._task = SimpleNamespace(check_mode=checks)
    return made


def checked(
    tmp_path: Path,
    baseline: Mapping[str, Any] | None,
    network: Mapping[str, Any] | None,
    state: str = "whole",
) -> str:
    """The summary of a check of a cache of two nodes, of which one has no proxy. state: of the files in the store."""

    def state_of(_: Workload, *, begins: bool) -> str:
        assert not begins
        return state

    bench: Any = SimpleNamespace(
        state_of=state_of,
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
    found = action(checks=True)._measured(bench, where, "r benchmark")
    assert (found["changed"], found["told"]) == (state != "whole", "")
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


def test_files_that_are_not_there_are_to_be_made(tmp_path: Path) -> None:
    line = "  make      small: 100 files of 1 MiB, or what is missing of them"
    assert line in checked(tmp_path, None, None, "absent").splitlines()
    assert line in checked(tmp_path, None, None, "begun").splitlines()
    assert line not in checked(tmp_path, None, None).splitlines()


@pytest.mark.parametrize("folders", [1, 0])
def test_a_check_of_a_removal_says_what_the_run_does(folders: int) -> None:
    asked: list[bool] = []

    def remove(*, counts_only: bool) -> dict[str, int]:
        asked.append(counts_only)
        return {"removed": 3 * folders, "left": 2, "folders": folders}

    store = SimpleNamespace(bucket="data")
    bench: Any = SimpleNamespace(seats=SEATS, store=store, top="sets/", remove=remove)
    dry, wet = (action(checks=checks)._removed(bench, "r") for checks in (True, False))
    assert asked == [True, False]
    assert dry["changed"] is wet["changed"] is (folders > 0)
    assert dry["summary"][1:] == [
        f"  remove    {3 * folders} files below s3://data/sets/",
        "  left      2 that no benchmark has made",
    ]
    assert wet["summary"][1] == f"  removed   {3 * folders} files below s3://data/sets/"
    with pytest.raises(SettingsError, match="no worker serves"):
        action(checks=True)._removed(SimpleNamespace(seats=()), "r")
