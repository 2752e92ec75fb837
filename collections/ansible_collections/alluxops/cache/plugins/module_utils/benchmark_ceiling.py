"""What links, store and tiers allow an arm of a benchmark, by a report of `network` that still holds. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_proof,
    network_verdict,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import DIRECT, SLOW
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import Arm, Verdict

OLDEST: Final = timedelta(days=1)
MIB: Final = 1024**2
NOT_RUN: Final = "`alluxops network` measures them"


def why_unused(report: Mapping[str, Any] | None, nodes: Collection[str], now: datetime) -> str:
    """Why a report of `network` gives no ceilings, in words; empty where it does. nodes: of the readers."""
    if report is None:
        return NOT_RUN
    again = "run `alluxops network` again"
    made_at = _moment(str(report.get("made_at", "")))
    if made_at is None:
        return f"the report of `network` bears no date; {again}"
    if now - made_at > OLDEST:
        return f"`network` measured them at {report['made_at']}, more than a day ago; {again}"
    there = set(report["workers"])
    if there != set(nodes):
        return (
            f"`network` measured other nodes at {report['made_at']}: {' '.join(sorted(there))} there,"
            f" {' '.join(sorted(nodes))} here; {again}"
        )
    return ""


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def of_store(measured: Measured, arm: str, endpoint: str) -> Measured:
    """What was measured, without the store where that is another way to it than the arm's.

    endpoint: the arm's; empty for AWS, whose address nobody has set.
    """
    store = measured.store
    same = store is not None and store.endpoint.rstrip("/") == endpoint.rstrip("/")
    return measured if same or (not endpoint and arm != SLOW) else replace(measured, store=None)


def nearest(
    arm: Mapping[str, Any], nodes: Sequence[str], measured: Measured | None, endpoint: str
) -> Verdict | None:
    """The nearest ceiling of what an arm's bytes passed, all of them; None where nothing of it was measured."""
    if measured is None:
        return None
    read, counted = benchmark_proof.summed(arm["runs"])
    size = read or 1
    is_direct = arm["arm"] in (DIRECT, SLOW)
    shares: dict[network_verdict.Source, float] = {
        "store": 1.0 if is_direct else counted["ufs"] / size,
        "remote": counted["remote"] / size,
        "local": (counted["domain"] + counted["local"]) / size,
    }
    [found] = network_verdict.bound(
        [Arm(arm["arm"], arm["mib_s"] * MIB, tuple(nodes), shares)],
        of_store(measured, arm["arm"], endpoint),
    )
    return found if found.resource or found.beyond else None
