"""The ensemble beside a cache: where it lies, what it is called, when it serves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action.zookeeper_wait import ServerTroubles
from ansible_collections.alluxops.cache.plugins.module_utils import zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Node, Settings
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import STORAGE_CLASS
from tests.unit.cache.kube_objects import container, event, pod
from tests.unit.cache.settings_cases import with_
from tests.unit.cache.watched_namespace import Namespace, Waited
from tools.repository import ROOT

Json = dict[str, Any]

OURS = with_(ha="zookeeper", masters=3, journal_shared_path="/mnt/shared")
THEIRS = with_(ha="zookeeper", masters=3, zookeeper_address=("a:2181", "b:2181"))
SCHEMA = json.loads((ROOT / "charts/zookeeper/values.schema.json").read_text(encoding="utf-8"))


def faults(**values: Any) -> list[str]:
    settings = with_(ha="zookeeper", zookeeper_values=values)
    return [str(fault) for fault in zookeeper.faults(settings, SCHEMA, {(): "zookeeper_values"})]


def test_masters_are_told_every_server_by_a_name_that_any_namespace_resolves() -> None:
    properties = zookeeper.election_properties(OURS)
    assert properties["alluxio.zookeeper.address"].split(",") == [
        f"alluxio-zookeeper-{n}.alluxio-zookeeper-servers.alluxio.svc:2181" for n in range(3)
    ]
    assert zookeeper.election_properties(THEIRS)["alluxio.zookeeper.address"] == "a:2181,b:2181"


def test_another_client_port_is_in_the_addresses() -> None:
    moved = with_(ha="zookeeper", zookeeper_values={"ports": {"client": 2281}})
    assert all(address.endswith(".svc:2281") for address in moved.zookeeper_addresses)


def test_each_server_claims_a_directory_on_a_node_of_its_own() -> None:
    claims = zookeeper.claims(OURS)
    assert [(claim["name"], claim["node"]) for claim in claims] == [
        (f"data-alluxio-zookeeper-{n}", f"n{n + 1}") for n in range(3)
    ]
    assert {claim["path"] for claim in claims} == {"/mnt/fuse3/alluxio/alluxio/zookeeper"}
    assert not any(claim["precreate"] for claim in claims)


def test_servers_go_to_the_masters_hosts_first_and_then_to_workers() -> None:
    nodes = tuple(Node(name, name) for name in ("m1", "w1", "w2"))
    settings = with_(ha="zookeeper", cache_masters=nodes[:1], cache_workers=nodes)
    assert settings.zookeeper_nodes == ("m1", "w1", "w2")


@pytest.mark.parametrize(
    "settings",
    [
        with_(),
        with_(ha="embedded", masters=3),
        THEIRS,
        with_(ha="zookeeper", zookeeper_values={"persistence": {"storageClass": "fast"}}),
        with_(ha="zookeeper", zookeeper_values={"persistence": {"storageClass": None}}),
    ],
)
def test_no_volumes_without_an_ensemble_or_with_a_class_of_the_users(settings: Settings) -> None:
    assert zookeeper.claims(settings) == []


def test_the_guides_class_takes_volumes_of_ours_as_the_journals_does() -> None:
    settings = with_(ha="zookeeper", zookeeper_values={"persistence": {"storageClass": "standard"}})
    assert {claim["storage_class"] for claim in zookeeper.claims(settings)} == {"standard"}


def test_the_charts_values_are_ours_the_users_and_what_variables_decide() -> None:
    tolerations = [{"key": "cache", "operator": "Exists"}]
    settings = with_(
        ha="zookeeper",
        zookeeper_image="zoo:1",
        zookeeper_values={"persistence": {"size": "2Gi"}, "tickTime": 1000},
    )
    assert zookeeper.chart_values(settings, tolerations) == {
        "tolerations": tolerations,
        "persistence": {"storageClass": STORAGE_CLASS, "size": "2Gi"},
        "tickTime": 1000,
        "fullnameOverride": "alluxio-zookeeper",
        "replicas": 3,
        "image": "zoo:1",
    }
    assert zookeeper.chart_values(THEIRS, []) == {}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 5}, "set zookeeper_replicas"),
        ({"image": "x"}, "set zookeeper_image"),
        ({"tickTme": 1}, "Did you mean tickTime?"),
        ({"persistence": {"class": "x"}}, "persistence.class"),
        ({"tickTime": "fast"}, "integer"),
    ],
)
def test_values_that_the_chart_would_refuse_are_refused_before(values: Json, said: str) -> None:
    (found,) = faults(**values)
    assert said in found


def test_values_without_an_ensemble_are_refused() -> None:
    settings = with_(zookeeper_values={"tickTime": 1000})
    (found,) = zookeeper.faults(settings, SCHEMA, {})
    assert "no ZooKeeper is deployed" in str(found)
    assert faults(tickTime=1000) == []


def server(number: int, *, ready: bool = True, **state: Any) -> Json:
    name = f"alluxio-zookeeper-{number}"
    made = pod(name, "", "n1", [container("zookeeper", ready=ready, **state)])
    made["spec"]["containers"] = [{"name": "zookeeper"}]
    return made


def test_a_quorum_is_a_majority_of_ready_servers() -> None:
    pods = [pod_facts(item) for item in (server(0), server(1, ready=False))]
    assert zookeeper.missing(pods, 3) == ["alluxio-zookeeper-1 0/1", "1 not made yet"]
    assert not zookeeper.has_quorum(pods, 3)
    pods.append(pod_facts(server(2)))
    assert zookeeper.has_quorum(pods, 3)
    assert zookeeper.missing(pods, 3) == ["alluxio-zookeeper-1 0/1"]


def test_a_server_that_fails_ends_the_wait_with_what_it_said() -> None:
    troubles = ServerTroubles(Namespace(log="Error: the volume of x belongs to server 2"), "cache")  # type: ignore[arg-type]
    waited = Waited()
    failing = [server(0, ready=False, restarts=4, waiting="CrashLoopBackOff", exit_code=1)]
    troubles.check(failing, waited)  # type: ignore[arg-type]
    waited.waited_s = 11.0
    with pytest.raises(CacheError, match="belongs to server 2"):
        troubles.check(failing, waited)  # type: ignore[arg-type]


def test_an_image_that_is_not_there_names_the_variable() -> None:
    troubles = ServerTroubles(Namespace(), "cache")  # type: ignore[arg-type]
    waited = Waited()
    pulling = [server(0, ready=False, waiting="ImagePullBackOff")]
    troubles.check(pulling, waited)  # type: ignore[arg-type]
    waited.waited_s = 11.0
    with pytest.raises(CacheError) as failure:
        troubles.check(pulling, waited)  # type: ignore[arg-type]
    assert "zookeeper_image" in failure.value.fix


def test_a_server_that_waits_for_the_others_is_no_reason_to_give_up() -> None:
    unhealthy = event("Pod", "alluxio-zookeeper-0", "Unhealthy", "not in a quorum")
    unhealthy["involvedObject"]["fieldPath"] = "spec.containers{zookeeper}"
    troubles = ServerTroubles(Namespace(events=[unhealthy]), "cache")  # type: ignore[arg-type]
    waited = Waited()
    for waited.waited_s in (0.0, 100.0, 500.0):
        troubles.check([server(0, ready=False)], waited)  # type: ignore[arg-type]
