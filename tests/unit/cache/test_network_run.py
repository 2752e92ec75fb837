"""Pods are made, asked and always removed; what one of them cannot say costs no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import network_pods
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.network_pairs import schedule
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Pods, Store
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.network_run import Session
from tests.unit.cache.kube_objects import container

Json = dict[str, Any]
Say = Callable[[str, list[str]], str | None]

NODES = ["n1", "n2", "n3"]
ADDRESSES = {node: f"10.1.0.{number}" for number, node in enumerate(NODES, 1)}
MIB = 1024**2
STORE = Store("b", endpoint="http://s3:9000")


def pod_of(node: str) -> str:
    return network_pods.pod_name("alluxio", node)


class Cluster:
    """A cluster whose pods run at once and answer as `say` does, which gets (node, words)."""

    def __init__(self) -> None:
        self.pods: dict[str, Json] = {}
        self.made: list[str] = []
        self.asked: list[tuple[str, list[str]]] = []
        self.state: Json = container("measure")
        self.say: Say = lambda _node, _words: None
        self.config: Json | None = None

    def create(self, _path: str, body: Json) -> Json:
        name = body["metadata"]["name"]
        node = next(node for node in NODES if pod_of(node) == name)
        self.made.append(node)
        status = {"podIP": ADDRESSES[node], "containerStatuses": [self.state], "phase": "Running"}
        self.pods[name] = {**body, "status": status}
        return body

    def list_objects(self, path: str, selector: str = "") -> list[Json]:
        if not path.endswith("/pods"):
            return []
        assert selector == "alluxops/release=alluxio,alluxops/task=network"
        return list(self.pods.values())

    def delete(self, path: str, **_: Any) -> bool:
        return self.pods.pop(path.rsplit("/", 1)[1], None) is not None

    def get(self, _path: str) -> Json | None:
        return self.config

    def pod_log(self, *_: Any, **__: Any) -> str:
        return ""

    def exec(self, _ns: str, pod: str, _container: str, command: list[str], **_: Any) -> ExecResult:
        node = next((node for node in NODES if pod_of(node) == pod), pod)
        self.asked.append((node, command))
        said = self.say(node, command)
        return ExecResult(0, usual(command) if said is None else said, "")


def usual(command: list[str]) -> str:
    """What a good pod says."""
    if command[0] == "iperf3":
        bits = 8 * MIB * (900 if "--reverse" in command else 1000)
        return json.dumps({"end": {"sum_received": {"bits_per_second": bits}}})
    words = command[4:]
    if words[:1] == ["connect"]:
        return '{"ms": [0.3, 0.1, 0.2]}'
    if words[:1] == ["find"]:
        return json.dumps({"endpoint": "http://s3:9000", "key": "large", "bytes": 20 * MIB})
    if words[:1] == ["read"]:
        return reads_from(100.0)
    return "folder /t\nkind tmpfs\n20971520 bytes (21 MB) copied, 0.02 s, 1 GB/s\n"


def reads_from(began: float) -> str:
    """What a pod says that has read 10 MiB a second for two seconds."""
    return json.dumps({"began": began, "ticks": [[0.0, 0], [1.0, 10 * MIB], [2.0, 20 * MIB]]})


def session(cluster: Cluster) -> Session:
    return Session(cast("Kube", cluster), Pods("ns", "alluxio", "toolbox:1"), 2, 4, 5.0)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_each_node_has_a_pod_and_none_is_left() -> None:
    cluster = Cluster()
    run = session(cluster)
    with run.opened(NODES):
        assert sorted(cluster.made) == NODES
        assert run.addresses == ADDRESSES
    assert cluster.pods == {}


def test_pods_are_removed_when_measuring_fails() -> None:
    cluster = Cluster()
    with pytest.raises(CacheError, match="broke"), session(cluster).opened(NODES):
        raise CacheError("broke")
    assert cluster.pods == {}


def test_pods_of_a_run_that_died_are_removed_first() -> None:
    cluster = Cluster()
    cluster.create("", Pods("ns", "alluxio", "toolbox:0").pod("n3"))
    cluster.made.clear()
    with session(cluster).opened(["n1"]):
        assert list(cluster.pods) == [pod_of("n1")]


def test_a_pod_that_does_not_start_is_told_with_its_node_and_image() -> None:
    cluster = Cluster()
    cluster.state = container("measure", ready=False, waiting="ImagePullBackOff")
    run = Session(cast("Kube", cluster), Pods("ns", "alluxio", "toolbox:1"), 2, 4, 0.0)
    with pytest.raises(CacheError, match="n1 has not got the image toolbox:1"), run.opened(["n1"]):
        pass
    assert cluster.pods == {}


def test_both_ways_of_every_pair_are_measured() -> None:
    cluster = Cluster()
    run = session(cluster)
    with run.opened(NODES):
        found = run.links(schedule(NODES, [], 50, 0))
    rates = {(link.source, link.target): link.bytes_per_s / MIB for link in found}
    assert rates == {(a, b): 1000 if a < b else 900 for a in NODES for b in NODES if a != b}
    assert {link.latency_ms for link in found} == {0.2}
    assert run.missing == []


def test_a_pair_that_fails_twice_is_told_and_the_others_are_measured() -> None:
    cluster = Cluster()
    cluster.say = lambda node, words: (
        '{"error": "unable to connect: Connection refused"}'
        if words[0] == "iperf3" and ADDRESSES["n3"] in words and node == "n2"
        else None
    )
    run = session(cluster)
    with run.opened(NODES):
        found = run.links(schedule(NODES, [], 50, 0))
    assert len(found) == 4
    assert len(run.missing) == 1
    assert "n2 - n3" in run.missing[0]
    assert "Connection refused" in run.missing[0]


def test_a_server_that_is_still_busy_is_asked_again() -> None:
    cluster = Cluster()
    answers = ['{"error": "the server is busy running a test"}']
    cluster.say = lambda _node, words: answers.pop() if words[0] == "iperf3" and answers else None
    run = session(cluster)
    with run.opened(["n1", "n2"]):
        assert len(run.links(schedule(["n1", "n2"], [], 50, 0))) == 2


def test_the_store_is_read_by_each_alone_and_by_all() -> None:
    cluster = Cluster()
    run = session(cluster)
    with run.opened(NODES):
        found = run.store(STORE, NODES)
    assert found is not None
    assert {node: round(rate / MIB) for node, rate in found.alone.items()} == dict.fromkeys(
        NODES, 10
    )
    assert round((found.together or 0) / MIB) == 30
    assert (found.object, found.endpoint) == ("s3://b/large", "http://s3:9000")
    connects = [words[5:7] for _, words in cluster.asked if words[4:5] == ["connect"]]
    assert connects == [["s3", "9000"]] * 3


def test_nodes_that_do_not_begin_at_once_are_asked_again_for_longer() -> None:
    cluster = Cluster()
    starts = iter([0.0, 0.0, 0.0, 5.0, 10.0, 15.0])

    def say(_node: str, words: list[str]) -> str | None:
        if "read" not in words:
            return None
        return reads_from(next(starts, 100.0))

    cluster.say = say
    run = session(cluster)
    with run.opened(NODES):
        found = run.store(STORE, NODES)
    assert found is not None
    assert round((found.together or 0) / MIB) == 30
    seconds = [words[-2] for _, words in cluster.asked if "read" in words]
    assert seconds == ["2"] * 3 + ["4"] * 3 + ["22"] * 3


def test_nodes_that_never_begin_at_once_are_told() -> None:
    cluster = Cluster()
    times = iter(range(0, 1000, 10))
    cluster.say = lambda _node, words: reads_from(next(times)) if "read" in words else None
    run = session(cluster)
    with run.opened(NODES):
        found = run.store(STORE, NODES)
    assert found is not None
    assert found.together is None
    assert "some began after others had ended" in run.missing[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"endpoint": "http://s3", "key": "", "bytes": 0}', "no object"),
        ('{"endpoint": "http://s3", "key": "README", "bytes": 90}', "README of 90 B"),
        ('{"error": "ClientError: AccessDenied"}', "AccessDenied"),
    ],
)
def test_a_store_with_nothing_to_read_is_told(answer: str, words: str) -> None:
    cluster = Cluster()
    cluster.say = lambda _node, command: answer if "find" in command else None
    run = session(cluster)
    with run.opened(["n1"]):
        assert run.store(STORE, ["n1"]) is None
    assert words in run.missing[0]


def test_a_named_object_that_is_not_there_is_an_error() -> None:
    cluster = Cluster()
    cluster.say = lambda _node, command: '{"error": "404"}' if "find" in command else None
    run = session(cluster)
    named = Store("b", key="nothing")
    with pytest.raises(CacheError, match="network_store_object is 'nothing'"), run.opened(["n1"]):
        run.store(named, ["n1"])
    assert cluster.pods == {}


def test_tiers_are_read_in_the_workers_own_containers() -> None:
    cluster = Cluster()
    options = "-Dalluxio.worker.tieredstore.level0.dirs.path=/dev/shm"
    cluster.config = {"data": {"ALLUXIO_WORKER_JAVA_OPTS": options}}
    cluster.say = lambda pod, _words: "" if pod == "worker-b" else None
    run = session(cluster)
    found = run.disks({"n1": "worker-a", "n2": "worker-b"}, "alluxio-worker")
    assert [(disk.node, disk.kind) for disk in found] == [("n1", "memory")]
    assert "the tier of n2: it holds no block" in run.missing[0]
    assert cluster.asked[0][1][-1] == "/dev/shm"


def test_a_release_without_tiers_in_its_configuration_is_told() -> None:
    run = session(Cluster())
    assert run.disks({"n1": "worker-a"}, "alluxio-worker") == ()
    assert "names no folder" in run.missing[0]
