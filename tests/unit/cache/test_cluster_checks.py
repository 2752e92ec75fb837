"""Each thing that would make a deployment fail later is found before, with its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import node_facts
from ansible_collections.alluxops.cache.plugins.module_utils.cluster_checks import (
    Check,
    Wanted,
    check,
)
from tests.unit.cache.kube_objects import node

Json = dict[str, Any]

WANTED = Wanted("alluxio", "cache", masters=("n1",), workers=("n1", "n2"))


def cluster(**change: Any) -> Json:
    found: Json = {
        "version": "1.34.4",
        "nodes": [node_facts(node("n1")), node_facts(node("n2"))],
        "namespace": {"exists": True, "phase": "Active", "pod_security": ""},
        "masters": None,
        "secrets": [],
    }
    return {**found, **change}


def failed(found: Json, wanted: Wanted = WANTED) -> list[Check]:
    return [item for item in check(found, wanted) if not item.ok]


def test_the_size_of_a_running_ensemble_is_not_changed() -> None:
    wanted = replace(WANTED, zookeeper_nodes=("n1", "n2"))
    assert failed(cluster(), wanted) == []
    assert failed(cluster(zookeeper={"replicas": 2}), wanted) == []
    (check_,) = failed(cluster(zookeeper={"replicas": 1}), wanted)
    assert "runs with 1 servers; the settings say 2" in check_.value
    assert "set zookeeper_replicas: 1" in check_.fix


def test_the_nodes_of_the_ensemble_are_checked_as_the_others_are() -> None:
    (check_,) = failed(cluster(), replace(WANTED, zookeeper_nodes=("n1", "n2", "n7")))
    assert "n7 not among" in check_.value


def test_a_cluster_that_can_carry_it_passes_every_check() -> None:
    checks = check(
        cluster(), replace(WANTED, secret="s3", secret_is_given=True, worker_quota_bytes=2**30)
    )
    assert [item.check for item in checks if not item.ok] == []
    assert {"nodes", "nodes ready", "taints", "memory", "credentials", "namespace"} <= {
        item.check for item in checks
    }
    assert all(item.value and not item.fix for item in checks)


TAINT = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
RUNNING = {"replicas": 1, "ha": "none"}


@pytest.mark.parametrize(
    ("found", "wanted", "name", "said"),
    [
        (cluster(version="1.16.2"), WANTED, "Kubernetes version", "1.16.2"),
        (cluster(), replace(WANTED, workers=("n1", "n9")), "nodes", "n9 not among"),
        (
            cluster(nodes=[node_facts(node("n1")), node_facts(node("n2", ready=False))]),
            WANTED,
            "nodes ready",
            "n2",
        ),
        (
            cluster(nodes=[node_facts(node("n1", cordoned=True)), node_facts(node("n2"))]),
            WANTED,
            "nodes ready",
            "n1",
        ),
        (
            cluster(nodes=[node_facts(node("n1", taints=[TAINT])), node_facts(node("n2"))]),
            WANTED,
            "taints",
            "n1",
        ),
        (cluster(), replace(WANTED, worker_quota_bytes=2**40), "memory", "8 GiB"),
        (cluster(), replace(WANTED, secret="s3"), "credentials", "no Secret s3"),
        (
            cluster(namespace={"exists": True, "phase": "Active", "pod_security": "baseline"}),
            WANTED,
            "namespace",
            "baseline",
        ),
        (
            cluster(masters=RUNNING),
            replace(WANTED, master_count=3, ha="embedded"),
            "running release",
            "1 masters",
        ),
        (
            cluster(masters={"replicas": 3, "ha": "embedded"}),
            replace(WANTED, master_count=3, ha="zookeeper"),
            "running release",
            "embedded",
        ),
    ],
)
def test_what_is_refused(found: Json, wanted: Wanted, name: str, said: str) -> None:
    faults = failed(found, wanted)
    assert [fault.check for fault in faults] == [name]
    assert said in faults[0].value
    assert faults[0].fix


def test_changing_the_number_of_masters_names_scale_masters() -> None:
    assert (
        "scale-masters" in failed(cluster(masters=RUNNING), replace(WANTED, master_count=3))[0].fix
    )


@pytest.mark.parametrize(
    ("running", "wanted", "ok"),
    [
        ({"replicas": 3, "ha": "embedded"}, {"master_count": 3, "ha": "embedded"}, True),
        ({"replicas": 2, "ha": "embedded"}, {"master_count": 3, "ha": "embedded"}, False),
        ({"replicas": 3, "ha": "embedded"}, {"master_count": 1, "ha": "embedded"}, False),
        ({"replicas": 1, "ha": "embedded"}, {"master_count": 1, "ha": "none"}, False),
        # Stopped by a format or a conversion that was killed: a plain upgrade starts them again.
        (
            {"replicas": 0, "ha": "embedded", "count": 3},
            {"master_count": 3, "ha": "embedded"},
            True,
        ),
        ({"replicas": 0, "ha": "none", "count": 1}, {"master_count": 3, "ha": "embedded"}, False),
        (
            {"replicas": 1, "ha": "none"},
            {"master_count": 3, "ha": "embedded", "scaling": True},
            True,
        ),
    ],
)
def test_only_scale_masters_changes_the_masters(running: Json, wanted: Json, *, ok: bool) -> None:
    found = failed(cluster(masters=running), replace(WANTED, **wanted))
    assert ("running release" not in [item.check for item in found]) is ok


def test_a_toleration_of_the_values_opens_a_tainted_node() -> None:
    tainted = cluster(nodes=[node_facts(node("n1", taints=[TAINT])), node_facts(node("n2"))])
    wanted = replace(WANTED, tolerations=({"key": "dedicated", "operator": "Exists"},))
    assert failed(tainted, wanted) == []


def test_a_host_that_carries_no_master_of_this_release_is_not_asked_for_one() -> None:
    assert failed(cluster(), replace(WANTED, masters=("n1", "n8", "n9"), master_count=1)) == []


def test_a_release_scaled_to_nothing_is_no_running_release() -> None:
    assert (
        failed(cluster(masters={"replicas": 0, "ha": "none"}), replace(WANTED, master_count=3))
        == []
    )


def running(tag: str, *pods: tuple[str, bool]) -> Json:
    return cluster(
        masters={**RUNNING, "image": f"registry:5000/alluxio/alluxio:{tag}"},
        pods=[{"image": f"alluxio/alluxio:{image}", "started": started} for image, started in pods],
    )


@pytest.mark.parametrize(
    ("found", "wanted", "change", "said"),
    [
        (running("2.9.6"), "2.9.6", "refused", ""),
        (running("2.9.6-custom"), "2.9.6", "refused", ""),
        (running("2.9.4"), "2.9.6", "refused", "alluxops upgrade"),
        (running("2.9.4"), "2.9.6", "upward", ""),
        (running("2.9.6"), "2.9.4", "refused", "alluxops rollback"),
        (running("2.9.6"), "2.9.4", "upward", "alluxops rollback"),
        (running("2.9.6"), "2.9.4", "any", ""),
        (running("2.9.99", ("2.9.99", False), ("2.9.4", True)), "2.9.4", "refused", ""),
        (running("2.9.99", ("2.9.99", False), ("2.9.4", True)), "2.9.6", "upward", ""),
        (
            running("2.9.4", ("2.9.6", True), ("2.9.4", True)),
            "2.9.4",
            "refused",
            "alluxops rollback",
        ),
        (running("latest"), "2.9.6", "refused", ""),
        (cluster(), "2.9.6", "refused", ""),
    ],
)
def test_the_version_of_a_running_release_changes_upward_and_by_upgrade_only(
    found: Json, wanted: str, change: Any, said: str
) -> None:
    faults = failed(found, replace(WANTED, version=wanted, version_change=change))
    assert [fault.check for fault in faults] == (["running version"] if said else [])
    assert all(said in fault.fix for fault in faults)
