"""Preflight tells each thing that it looked at, with the value found."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.preflight_report import lines

CLUSTER = [
    {"check": "Kubernetes version", "ok": True, "value": "1.34.4", "fix": ""},
    {"check": "namespace", "ok": True, "value": "alluxio, to be made", "fix": ""},
]


def node(**values: str) -> list[dict[str, Any]]:
    return [{"check": name, "ok": True, "value": value} for name, value in values.items()]


def test_each_check_prints_the_value_found() -> None:
    nodes = {
        "n1": node(python="3.11.2", storage_free="50 GiB"),
        "n2": node(python="3.11.2", storage_free="40 GiB"),
    }
    assert lines("alluxio in cache", CLUSTER, nodes) == [
        "alluxio in cache: nothing that would fail later (4 checks)",
        "  Kubernetes version  1.34.4",
        "  namespace           alluxio, to be made",
        "  python              3.11.2 on n1 n2",
        "  storage free        50 GiB on n1 · 40 GiB on n2",
    ]


def test_many_hosts_are_counted() -> None:
    nodes = {f"n{number}": node(python="3.11.2") for number in range(40)}
    assert lines("x", [], nodes)[-1] == "  python  3.11.2 on 40 hosts"


def test_a_run_at_work_is_noted() -> None:
    said = lines("x", CLUSTER, {}, "u@h, process 7, since 2026-01-01 00:00:00 UTC (3 min ago)")[-1]
    assert said.startswith("  another run is at work now: u@h, process 7, since 2026-01-01")
