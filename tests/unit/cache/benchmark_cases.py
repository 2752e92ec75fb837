"""Readers' answers, runs and reports of benchmarks, as tests need them."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_result
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Workload
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Link,
    Measured,
    StoreLink,
)

MIB = 1024**2
SMALL = Workload("small", 100, MIB)
NODES = ("n1", "n2")
COUNTED = {
    "direct": {},
    "direct-slow": {},
    "cold": {"ufs": 100 * MIB},
    "warm-fuse": {"remote": 100 * MIB},
    "warm-short-circuit": {"domain": 100 * MIB},
    "warm-s3": {"remote": 60 * MIB, "local": 40 * MIB},
}
"""What workers count of each arm that reads SMALL as its name says."""


def reader(node: str = "n1", **more: Any) -> dict[str, Any]:
    """What the reader of half of SMALL says."""
    return {
        "node": node,
        "files": 50,
        "bytes": 50 * MIB,
        "errors": 0,
        "error": "",
        "seconds": 2.0,
        "processes": 4,
        "cpu_s": 1.6,
        "node_busy": 0.5,
        "slowest_s": 0.2,
        # As JSON has them: 48 files of about 10 ms, two of about 100.
        "latencies": {"188": 48, "235": 2},
        **more,
    }


def run(arm: str = "direct", **more: Any) -> dict[str, Any]:
    """A run of an arm, by two readers."""
    readers = [reader("n1", **more), reader("n2", **more)]
    return benchmark_result.run_of(arm, readers, COUNTED[arm], SMALL)


def arm(name: str, seconds: float = 2.0, **more: Any) -> dict[str, Any]:
    """An arm of two runs."""
    runs = [run(name, seconds=seconds, **more)] * 2
    return benchmark_result.arm_of(name, runs, NODES)


def report(**seconds: float) -> dict[str, Any]:
    """A report of these arms, by their names with _ for -."""
    arms = [arm(name.replace("_", "-"), each) for name, each in seconds.items()]
    workload = benchmark_result.workload_of(SMALL, arms)
    settings = {
        "workloads": [{"name": "small", "files": 100, "bytes": MIB}],
        "arms": [one["arm"] for one in arms],
        "runs": 2,
        "parallelism": 4,
        "warm_up_s": 3,
        "epochs": 1,
        "variants": [],
        "readers": 2,
    }
    return {
        "format": benchmark_result.FORMAT,
        "cache": "cache/alluxio",
        "made_at": "2026-11-26T21:00:00+00:00",
        "versions": {"alluxio": "2.9.6", "kubernetes": "1.34.4"},
        "settings": settings,
        "store": {"endpoint": "http://store:9000", "slow_endpoint": ""},
        "network": None,
        "without_ceilings": "`alluxops network` measures them",
        "left_out": {"warm-s3": "no proxy serves on n1 & n2"},
        "workloads": [workload],
        "wrong": benchmark_result.wrong([workload]),
        "left": [],
        "slower": [],
        "missing": [],
        "baseline": "",
    }


def measured(link_mib_s: float) -> Measured:
    """What `network` has measured: links of so much, and a store of 52 MiB a second."""
    links = (Link("n1", "n2", link_mib_s * MIB), Link("n2", "n1", link_mib_s * MIB))
    store = StoreLink("http://s", "k", 1, {"n1": 30.0 * MIB, "n2": 30.0 * MIB}, 52.0 * MIB)
    return Measured(NODES, links=links, store=store)
