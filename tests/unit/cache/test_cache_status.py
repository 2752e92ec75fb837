"""A cache that is not whole says why: each pod that is not ready, and each set that lacks pods, with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import cache_status as action
from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.summary import summary
from tests.unit.cache.kube_objects import container, event, pod

Json = dict[str, Any]
OPTIONS: Json = {
    "namespace": "cache",
    "release": "alluxio",
    "masters": 1,
    "workers": ["n1", "n2", "n3"],
    "settle_timeout_s": 0,
    "root_ufs": "s3://b/",
    "journals": [],
    "verify": None,
    "notes": [],
}


class Cluster:
    """Kube: pods, events, nobody who leads."""

    version = "1.34.4"

    def __init__(self, pods: list[Json], events: list[Json]) -> None:
        self.pods = pods
        self.events = events
        self.asked_for_events = 0

    def platform(self) -> str:
        return "kubernetes"

    def get(self, path: str) -> Json | None:
        name = path.rpartition("/")[2]
        if self.pods and name == "alluxio-master":
            spec = {"replicas": 1, "template": {"spec": {"containers": [{"image": "a:2.9.6"}]}}}
            return {"metadata": {"name": name}, "spec": spec, "status": {}}
        return None

    def list_objects(self, path: str, *_: Any, **__: Any) -> list[Json]:
        if path.endswith("/events"):
            self.asked_for_events += 1
            return self.events
        return self.pods if path.endswith("/pods") else []

    def pod_http(self, *_: Any) -> None:
        return None


def report(cluster: Any, **options: Any) -> Json:
    module = action.ActionModule.__new__(action.ActionModule)
    return module._settled_report(cluster, {**OPTIONS, **options})


def pending(name: str) -> Json:
    found = pod(name, "alluxio-worker", "n2")
    found["spec"]["nodeName"] = ""
    message = "0/3 nodes are available: 3 Insufficient memory."
    found["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "message": message}],
    }
    return found


def test_each_pod_that_is_not_ready_tells_its_reason() -> None:
    pulling = [container("alluxio-worker", ready=False, waiting="ImagePullBackOff")]
    crashing = [
        container(
            "alluxio-master", ready=False, waiting="CrashLoopBackOff", restarts=4, exit_code=1
        )
    ]
    pods = [
        pod("alluxio-master-0", "alluxio-master", "n1", crashing),
        pod("alluxio-worker-a", "alluxio-worker", "n1", pulling),
        pending("alluxio-worker-b"),
        pod("alluxio-worker-c", "alluxio-worker", "n3"),
    ]
    found = report(Cluster(pods, []))
    reasons = {item["pod"]: item["reason"] for item in [*found["masters"], *found["workers"]]}
    assert reasons == {
        "alluxio-master-0": "CrashLoopBackOff: alluxio-master ended with 1 (Error), 4 restarts.",
        "alluxio-worker-a": "ImagePullBackOff",
        "alluxio-worker-b": "not scheduled: 0/3 nodes are available: 3 Insufficient memory.",
        "alluxio-worker-c": "",
    }
    text = "\n".join(summary(found))
    for name, why in reasons.items():
        assert not why or f"  problem   {name}: {why.rstrip('.')}." in text


def test_a_set_that_makes_no_pods_tells_its_reason() -> None:
    refused = event("DaemonSet", "alluxio-worker", "FailedCreate", "violates PodSecurity")
    master = pod("alluxio-master-0", "alluxio-master", "n1")
    found = report(Cluster([master], [refused]))
    assert "alluxio-worker: FailedCreate: violates PodSecurity." in found["problems"]


def test_of_a_cache_that_is_not_installed_nothing_else_is_told() -> None:
    cluster = Cluster([], [event("DaemonSet", "alluxio-worker", "FailedCreate", "long ago")])
    found = report(cluster)
    assert found["problems"] == ["it is not installed; `alluxops site` installs it."]
    assert cluster.asked_for_events == 0


def test_events_are_not_read_of_a_cache_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "problems", lambda *_: [])
    cluster = Cluster([pod("alluxio-master-0", "alluxio-master", "n1")], [])
    assert report(cluster)["masters"][0]["reason"] == ""
    assert cluster.asked_for_events == 0
