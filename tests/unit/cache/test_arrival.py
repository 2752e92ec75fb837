"""Nodes are marked when they come, and each is waited for by itself with lists that serve all of them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import worker_arrival
from ansible_collections.alluxops.cache.plugins.module_utils import arrival, health
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError
from tests.unit.cache.kube_objects import container, node, pod

Json = dict[str, Any]

KEY = "alluxops.io/alluxio.alluxio"
OWN = {"key": "own", "value": "cache", "effect": "NoSchedule"}
OTHER = {"key": "other", "effect": "NoExecute"}


def test_a_node_gets_what_it_lacks_and_keeps_what_others_gave_it() -> None:
    found = arrival.patch(node("n4", taints=[OTHER]), {KEY: "worker"}, [OWN])
    assert found == {
        "metadata": {"labels": {KEY: "worker"}, "resourceVersion": "1"},
        "spec": {"taints": [OTHER, OWN]},
    }
    assert (
        arrival.shown(found) == f"{KEY}=worker\ntaint other:NoExecute\ntaint own=cache:NoSchedule\n"
    )


def test_a_node_that_has_all_is_left_alone() -> None:
    there = node("n4", taints=[OWN])
    there["metadata"]["labels"][KEY] = "worker"
    assert arrival.patch(there, {KEY: "worker"}, [OWN]) == {}


def test_a_taint_of_another_value_is_replaced() -> None:
    there = node("n4", taints=[{**OWN, "value": "old"}])
    assert arrival.patch(there, {}, [OWN])["spec"] == {"taints": [OWN]}


def seen(*pods: Json, hosts: tuple[str, ...] = ()) -> health.Seen:
    """hosts: the leader's workers, each as HOST or HOST/CONTAINER."""
    workers = tuple(
        health.Worker(host.split("/")[0], frozenset(host.split("/")), 512, 0, 0, "LIVE")
        for host in hosts
    )
    leader = health.Leader("alluxio-master-0", "2.9.6", workers, ())
    return health.Seen([pod_facts(item) for item in pods], leader, {"ha": "none"}, {})


WORKER = pod("w4", "alluxio-worker", "n4")
STARTING = pod("w4", "alluxio-worker", "n4", [container("alluxio-worker", ready=False)])


@pytest.mark.parametrize(
    ("ready", "look", "says"),
    [
        (None, seen(), "to be in the cluster"),
        (False, seen(), "to be Ready"),
        (True, seen(), "a worker's pod on n4"),
        (True, seen(STARTING), "to be ready (0/2)"),
        (True, seen(WORKER), "to be registered with the leader"),
        (True, seen(WORKER, hosts=("10.0.0.4",)), ""),
        (True, seen(WORKER, hosts=("10.0.0.4/10.1.0.4",)), ""),
        (True, seen(WORKER, hosts=("10.0.0.4/10.1.0.99",)), "to be registered with the leader"),
        (
            True,
            seen(WORKER, hosts=("10.0.0.4/10.1.0.99", "10.0.0.4/10.1.0.4")),
            "the leader to forget the worker that n4 had before",
        ),
    ],
)
def test_what_a_worker_lacks_is_said(ready: bool | None, look: health.Seen, says: str) -> None:
    found = arrival.awaited("n4", ready, look)
    assert says in found
    assert bool(found) is bool(says)


class Cluster:
    """Two nodes, one of which never gets its worker; requests are counted."""

    def __init__(self) -> None:
        self.lists = 0
        self.patched: list[str] = []
        self.patches: list[Json] = []

        self.meanwhile: list[Json] = []

    def list_objects(self, path: str, *_: Any, fields: str = "") -> list[Json]:
        self.lists += 1
        if fields:
            return [self.meanwhile.pop(0)]
        return [node("n4"), node("n5")] if path == objects.node() else []

    def merge(self, path: str, patch: Json) -> None:
        if self.meanwhile and "spec" in patch:
            raise ApiError(f"PATCH {path}", 409, "the object has been modified")
        self.patched.append(path.rpartition("/")[2])
        self.patches.append(patch)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(objects, "raw_pods", lambda *_: [WORKER])
    monkeypatch.setattr(objects, "look", lambda *_: seen(WORKER, hosts=("10.0.0.4",)))
    monkeypatch.setattr(Patience, "pause", lambda *_: None)
    return Cluster()


OPTIONS: Json = {
    "namespace": "alluxio",
    "release": "alluxio",
    "nodes": ["n4", "n5"],
    "joined": [],
    "marks": {},
    "wait_timeout_s": 0,
}


def arrive(
    kube: Cluster, monkeypatch: pytest.MonkeyPatch, *, check_mode: bool, **given: Any
) -> Json:
    monkeypatch.setattr(worker_arrival.ActionModule, "check_mode", check_mode)
    module = worker_arrival.ActionModule.__new__(worker_arrival.ActionModule)
    return dict(module.act(kube, {**OPTIONS, **given}))  # type: ignore[arg-type]


def test_a_node_that_does_not_get_there_does_not_hold_up_the_others(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = arrive(cluster, monkeypatch, check_mode=False)
    assert cluster.patched == ["n4", "n5"]
    assert found["changed"]
    assert found["nodes"]["n4"]["problem"] == ""
    assert found["nodes"]["n4"]["capacity_bytes"] == 512
    assert "n5 carries no worker that serves" in found["nodes"]["n5"]["problem"]
    assert "a worker's pod on n5" in found["nodes"]["n5"]["problem"]


def test_a_node_has_the_time_since_its_own_label(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its batch may come, and be labelled, long before."""
    times = iter([100.0, 107.0])
    options = {**OPTIONS, "nodes": ["n4"], "wait_timeout_s": 600}
    arrivals = worker_arrival.Arrivals(cluster, options, check_mode=False)  # type: ignore[arg-type]
    patience = Patience(600)
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    monkeypatch.setattr(time, "time", lambda: 5000.0)
    monkeypatch.setattr(Patience, "waited_s", 60.0)
    arrivals.look()
    assert arrivals.missing(patience) == []
    found = arrivals.result()["nodes"]["n4"]
    assert (found["registered_s"], found["registered_at"]) == (7.0, 5000.0)


def test_a_check_marks_nothing_and_waits_for_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = arrive(cluster, monkeypatch, check_mode=True)
    assert cluster.patched == []
    assert found["changed"]
    assert [item["after"] for item in found["diff"]] == [f"{KEY}=worker\n"] * 2
    assert cluster.lists == 1


def test_each_node_gets_its_own_marks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = {"n4": {"labels": {"pool": "a"}, "taints": [OTHER]}}
    found = arrive(cluster, monkeypatch, check_mode=True, marks=marks)
    assert [item["after"] for item in found["diff"]] == [
        f"pool=a\n{KEY}=worker\ntaint other:NoExecute\n",
        f"{KEY}=worker\n",
    ]


def test_a_taint_that_somebody_sets_meanwhile_stays(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = node("n4", taints=[OTHER])
    changed["metadata"]["resourceVersion"] = "2"
    cluster.meanwhile = [changed]
    arrive(cluster, monkeypatch, check_mode=False, marks={"n4": {"taints": [OWN]}})
    patch = cluster.patches[0]
    assert patch["spec"]["taints"] == [OTHER, OWN]
    assert patch["metadata"]["resourceVersion"] == "2"


def test_a_node_that_does_not_stand_still_is_told_in_the_end(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.meanwhile = [node("n4")] * 9
    with pytest.raises(CacheError, match="somebody else changed it each time, 5 times"):
        arrive(cluster, monkeypatch, check_mode=False, marks={"n4": {"taints": [OWN]}})
    assert cluster.patched == []
