"""What is read out of the API's objects."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import cluster
from tests.unit.cache.kube_objects import container, fixture, node, pod

Json = dict[str, Any]


def test_a_pod_waiting_for_its_image_is_not_ready() -> None:
    facts = [cluster.pod_facts(item) for item in fixture("pods_image_pull")["items"]]
    assert [(fact["role"], cluster.ready_text(fact)) for fact in facts] == [
        ("alluxio-master", "0/2"),
        ("alluxio-worker", "0/2"),
    ]
    assert not any(cluster.is_ready(fact) for fact in facts)


def test_a_pod_with_all_containers_ready_is_ready() -> None:
    facts = cluster.pod_facts(pod("alluxio-master-0", "alluxio-master", "n1"))
    assert cluster.is_ready(facts)
    assert (facts["node"], facts["web_port"], facts["host_ip"]) == ("n1", 19999, "10.0.0.1")


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    going = pod("alluxio-master-0", "alluxio-master", "n1", deletionTimestamp="now")
    assert not cluster.is_ready(cluster.pod_facts(going))


def test_restarts_of_all_containers_count() -> None:
    statuses = [
        container("alluxio-worker", restarts=2),
        container("alluxio-job-worker", restarts=1),
    ]
    assert cluster.pod_facts(pod("w", "alluxio-worker", "n1", statuses))["restarts"] == 3


def test_a_node() -> None:
    facts = cluster.node_facts(node("n1", cordoned=True))
    assert (facts["ready"], facts["schedulable"], facts["memory_bytes"]) == (True, False, 8 * 2**30)


def stateful_set(replicas: int = 1, **status: Any) -> Json:
    return {
        "metadata": {"name": "alluxio-master", "generation": 2},
        "spec": {
            "replicas": replicas,
            "template": {
                "spec": {
                    "containers": [{"name": "alluxio-master", "image": "alluxio/alluxio:2.9.6"}]
                }
            },
        },
        "status": {"observedGeneration": 2, "readyReplicas": 1, **status},
    }


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ({"updatedReplicas": 1}, True),
        ({"currentRevision": "a", "updateRevision": "a"}, True),
        ({"updatedReplicas": 0, "currentRevision": "a", "updateRevision": "b"}, False),
        ({"updatedReplicas": 1, "observedGeneration": 1}, False),
    ],
    ids=["all updated", "nothing to update", "old pods left", "change not seen yet"],
)
def test_a_set_is_settled_once_its_pods_are_of_the_last_change(
    status: Json, *, settled: bool
) -> None:
    facts = cluster.workload_facts(stateful_set(**status))
    assert facts is not None
    assert facts["settled"] is settled
    assert facts["image"] == "alluxio/alluxio:2.9.6"


def test_a_users_extra_container_is_not_taken_for_alluxio() -> None:
    masters = stateful_set()
    masters["spec"]["template"]["spec"]["containers"].insert(0, {"name": "log", "image": "fluent"})
    facts = cluster.workload_facts(masters)
    assert facts is not None
    assert facts["image"] == "alluxio/alluxio:2.9.6"


def test_no_set_no_facts() -> None:
    assert cluster.workload_facts(None) is None


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ("-Dalluxio.master.journal.type=UFS", "none"),
        ("-Dalluxio.master.journal.type=EMBEDDED", "embedded"),
        ("-Dalluxio.master.journal.type=UFS -Dalluxio.zookeeper.enabled=true", "zookeeper"),
        ("-Dalluxio.zookeeper.enabled=false", "none"),
    ],
)
def test_the_ha_mode_of_a_running_release(options: str, mode: str) -> None:
    assert cluster.ha_of_config({"ALLUXIO_JAVA_OPTS": options}) == mode


def test_the_masters_that_a_releases_settings_name() -> None:
    addresses = "-Dalluxio.master.embedded.journal.addresses=a-0:19200,a-1:19200,a-2:19200"
    assert cluster.masters_of_config({"ALLUXIO_JAVA_OPTS": f"-Dx=y {addresses} -Dz=1"}) == 3
    assert cluster.masters_of_config({"ALLUXIO_JAVA_OPTS": "-Dx=y"}) == 0


def test_helms_revisions_and_what_it_left_pending() -> None:
    def secret(version: int, status: str, owner: str = "helm") -> Json:
        labels = {"owner": owner, "name": "alluxio", "version": str(version), "status": status}
        return {"metadata": {"name": f"sh.helm.release.v1.alluxio.v{version}", "labels": labels}}

    secrets = [
        secret(10, "pending-upgrade"),
        secret(9, "deployed"),
        secret(1, "deployed", owner="me"),
    ]
    revisions = cluster.revision_facts([*secrets, {"metadata": {"name": "plain"}}], "alluxio")
    assert [revision["revision"] for revision in revisions] == [9, 10]
    assert cluster.pending(revisions) == [10]


CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
DEDICATED = {"key": "for", "value": "gpu", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("toleration", "taint", "stays_off"),
    [
        (None, CONTROL_PLANE, True),
        ({"operator": "Exists"}, CONTROL_PLANE, False),
        ({"key": CONTROL_PLANE["key"], "operator": "Exists"}, CONTROL_PLANE, False),
        (
            {"key": CONTROL_PLANE["key"], "operator": "Exists", "effect": "NoExecute"},
            CONTROL_PLANE,
            True,
        ),
        ({"key": "for", "value": "gpu"}, DEDICATED, False),
        ({"key": "for", "value": "cpu"}, DEDICATED, True),
        (None, {"key": "soft", "effect": "PreferNoSchedule"}, False),
    ],
)
def test_taints_that_keep_a_pod_off(
    toleration: Json | None, taint: Json, *, stays_off: bool
) -> None:
    assert bool(cluster.untolerated([taint], [toleration] if toleration else [])) is stays_off


def test_a_storage_class() -> None:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    found = cluster.storage_class_facts(
        {"metadata": {"name": "fast", "annotations": annotations}, "provisioner": "x"}
    )
    assert found == {
        "name": "fast",
        "default": True,
        "provisioner": "x",
        "binding_mode": "Immediate",
    }
