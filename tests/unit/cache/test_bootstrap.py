"""Which hosts may become workers, by what steps, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.alluxops.cache.plugins.module_utils import bootstrap
from ansible_collections.alluxops.cache.plugins.module_utils.bootstrap import (
    Cluster,
    Host,
    Wanted,
)
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import node_facts
from tests.unit.cache.kube_objects import node

Json = dict[str, Any]

KEY = "alluxops.io/alluxio.alluxio"
ACCESS = {"server": "https://10.0.0.1:6443", "authorities": ["ours"]}
OTHERS = {"server": "https://elsewhere:6443", "authorities": ["theirs"]}
JOIN = Wanted(join=True)
STAY = Wanted(join=False)


def facts(**changes: Any) -> Json:
    """A bare Debian 12 with all that a join needs."""
    found: Json = {
        "machine_id": "m4",
        "os_id": "debian",
        "os_version": "12",
        "os_name": "Debian GNU/Linux 12 (bookworm)",
        "kubelet": {},
        "bootstrap": {},
        "authorities": [],
        "programs": {"kubeadm": "1.34.4", "kubelet": "1.34.4", "containerd": "1.6.20"},
        "containerd_answers": True,
    }
    return {**found, **changes}


def in_cluster(name: str = "n4", *, machine_id: str = "m4", **how: Any) -> Json:
    return {**node_facts(node(name, **how)), "machine_id": machine_id}


CLUSTER = Cluster(
    version="1.34.4",
    nodes={"n1": in_cluster("n1", machine_id="m1")},
    authorities=frozenset({"ours"}),
    endpoint="10.0.0.1:6443",
    worker_label=KEY,
    selector={KEY: "worker"},
)
JOINED = replace(CLUSTER, nodes={**CLUSTER.nodes, "n4": in_cluster()})
MEMBER = facts(kubelet=ACCESS, authorities=["ours"])


def planned(
    membership: Json, cluster: Cluster = CLUSTER, wanted: Wanted = JOIN
) -> bootstrap.Plan | None:
    found, faults = bootstrap.plans([Host("n4", "n4", membership, wanted=wanted)], cluster)
    assert faults == []
    return found[0]


def refused(membership: Json, cluster: Cluster = CLUSTER, wanted: Wanted = JOIN) -> str:
    found, faults = bootstrap.plans([Host("n4", "n4", membership, wanted=wanted)], cluster)
    assert found == []
    assert all(fault.what and fault.fix for fault in faults)
    return "\n".join(map(str, faults))


@pytest.mark.parametrize("method", ["apt", "files"])
def test_a_host_that_gets_what_it_lacks_may_join(method: str) -> None:
    bare = facts(programs={}, containerd_answers=False, machine="x86_64")
    offer = {
        "file": "all.tgz",
        "programs": ["containerd", "runc", "kubelet", "kubeadm"],
        "version": "",
        "machine": "x86_64",
    }
    host = Host("n4", "n4", bare, method, [offer] if method == "files" else [], wanted=JOIN)
    found, faults = bootstrap.plans([host], CLUSTER)
    assert ([plan.step for plan in found], faults) == (["join"], [])
    swapping = replace(CLUSTER, fail_swap_on=False)
    host = replace(host, membership={**bare, "swaps": ["/dev/sda2"]})
    assert bootstrap.plans([host], swapping)[1] == []
    found, faults = bootstrap.plans([replace(host, offers=[])], CLUSTER)
    assert found == []
    assert ("brings no containerd" in "".join(map(str, faults))) is (method == "files")


DOWN = replace(CLUSTER, nodes={"n4": in_cluster(ready=False)})
REPLACED = replace(CLUSTER, nodes={"n4": in_cluster(machine_id="old", ready=False)})


@pytest.mark.parametrize(
    ("membership", "cluster", "step"),
    [
        (facts(), CLUSTER, "join"),
        (facts(os_id="ubuntu", os_version="22.04"), CLUSTER, "join"),
        (facts(), REPLACED, "join"),
        (facts(authorities=["ours"]), CLUSTER, "rejoin"),
        (facts(bootstrap=ACCESS, authorities=["ours"]), CLUSTER, "rejoin"),
        (MEMBER, CLUSTER, "start"),
        (MEMBER, DOWN, "start"),
        (MEMBER, JOINED, "member"),
        (facts(), JOINED, "member"),  # its kubelet's files lie elsewhere: no kubeadm's cluster
    ],
)
def test_a_host_goes_on_from_where_it_is(membership: Json, cluster: Cluster, step: str) -> None:
    plan = planned(membership, cluster)
    assert plan is not None
    assert (plan.step, plan.is_worker) == (step, False)
    assert plan.text


def test_a_host_whose_worker_serves_is_mended() -> None:
    plan = planned(MEMBER, replace(JOINED, serving=frozenset({"n4"})), STAY)
    assert plan is not None
    assert plan.is_worker
    assert "is mended" in plan.text


def test_a_worker_that_the_leader_has_not_forgotten_yet_is_none() -> None:
    plan = planned(facts(), replace(CLUSTER, serving=frozenset({"n4"})))
    assert plan is not None
    assert (plan.step, plan.is_worker) == ("join", False)


@pytest.mark.parametrize(
    "membership",
    [facts(kubelet=OTHERS), facts(bootstrap=OTHERS), facts(authorities=["theirs"])],
)
@pytest.mark.parametrize("wanted", [JOIN, STAY])
def test_a_host_of_another_cluster_is_left_to_it(membership: Json, wanted: Wanted) -> None:
    assert "n4 belongs to another cluster" in refused(membership, wanted=wanted)


@pytest.mark.parametrize("wanted", [JOIN, STAY])
@pytest.mark.parametrize("method", ["present", "apt", "files"])
def test_a_node_of_a_cluster_that_kubeadm_has_not_made_is_left_to_it(
    method: str, wanted: Wanted
) -> None:
    """As k3s and RKE2 leave one: nothing in /etc/kubernetes, none of the programs, and a kubelet's port."""
    membership = facts(kubelet_listens=True, programs={}, containerd_answers=False)
    found, [fault] = bootstrap.plans([Host("n4", "n4", membership, method, wanted=wanted)], CLUSTER)
    assert found == []
    assert "a kubelet runs already on n4, and is not this cluster's" in fault.what


def test_a_kubelet_that_an_interrupted_join_has_started_is_ours() -> None:
    for left in ({"authorities": ["ours"]}, {"bootstrap": ACCESS}):
        plan = planned(facts(kubelet_listens=True, **left))
        assert plan is not None
        assert plan.step == "rejoin"
    unsaid = {"server": "https://10.0.0.1:6443", "authorities": []}
    assert "not this cluster's" in refused(facts(kubelet_listens=True, bootstrap=unsaid))


def test_authorities_that_nobody_knows_tell_nothing() -> None:
    assert planned(facts(kubelet=OTHERS), replace(CLUSTER, authorities=frozenset())) is not None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"os_version": "11"}, "its containerd is too old"),
        ({"os_id": "ubuntu", "os_version": "20.04"}, "its containerd is too old"),
        ({"os_id": "rocky", "os_version": "9.4"}, "only Debian and Ubuntu hosts are joined"),
        ({"programs": {"containerd": "1.6.20"}}, "n4 lacks kubelet, kubeadm"),
        ({"containerd_answers": False}, "containerd does not run on n4"),
        ({"swaps": ["/dev/sda2"]}, "n4 swaps to /dev/sda2"),
    ],
)
def test_a_host_that_cannot_join_is_told_what_it_lacks(changes: Json, says: str) -> None:
    assert says in refused(facts(**changes))


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ({"containerd": "1.4.13"}, "has containerd 1.4.13"),
        ({"kubeadm": "1.33.9"}, "has kubeadm 1.33.9, the cluster is 1.34.4"),
        ({"kubelet": "1.35.0"}, "has kubelet 1.35.0, the cluster is 1.34.4"),
        ({"kubelet": "1.30.0"}, "has kubelet 1.30.0, the cluster is 1.34.4"),
    ],
)
def test_programs_of_another_version_are_refused(programs: Json, says: str) -> None:
    assert says in refused(facts(programs={**facts()["programs"], **programs}))


def test_an_older_kubelet_within_three_minors_may_join() -> None:
    assert planned(facts(programs={**facts()["programs"], "kubelet": "1.31.2"})) is not None


def test_a_member_may_run_any_system() -> None:
    assert planned({**MEMBER, "os_id": "rocky", "programs": {}}, JOINED, STAY) is not None


def test_a_join_that_was_not_asked_for_is_not_made() -> None:
    assert "bootstrap_workers_join is false" in refused(facts(), wanted=STAY)


@pytest.mark.parametrize("wanted", [JOIN, STAY])
@pytest.mark.parametrize("cluster", [CLUSTER, REPLACED])
@pytest.mark.parametrize("left", [{}, {"authorities": ["ours"]}, {"bootstrap": ACCESS}])
def test_a_control_plane_is_never_joined(left: Json, cluster: Cluster, wanted: Wanted) -> None:
    key = "/etc/kubernetes/pki/ca.key"
    said = refused(facts(control_plane=[key], **left), cluster, wanted)
    assert f"n4 is a control plane, or was one: it has {key}" in said
    assert "bootstrap_workers_join" not in said


def test_a_control_plane_that_is_a_node_may_be_a_worker() -> None:
    plan = planned({**MEMBER, "control_plane": ["/etc/kubernetes/pki/ca.key"]}, JOINED)
    assert plan is not None
    assert plan.step == "member"


def test_kubeadm_joins_no_cluster_that_it_has_not_made() -> None:
    assert "kube-public/cluster-info" in refused(facts(), replace(CLUSTER, endpoint=""))


def test_a_node_of_that_name_that_is_another_machine_is_not_replaced_while_it_is_ready() -> None:
    cluster = replace(CLUSTER, nodes={"n4": in_cluster(machine_id="other")})
    for membership in (facts(), MEMBER):
        assert "is another machine than n4" in refused(membership, cluster)


@pytest.mark.parametrize("membership", [facts(), MEMBER, facts(bootstrap=ACCESS)])
@pytest.mark.parametrize("wanted", [JOIN, STAY])
@pytest.mark.parametrize("is_ready", [True, False])
def test_a_node_of_another_name_is_refused_with_the_name_to_set(
    membership: Json, wanted: Wanted, *, is_ready: bool
) -> None:
    name = "n4.example.com"
    nodes = {**CLUSTER.nodes, name: in_cluster(name, ready=is_ready)}
    said = refused(membership, replace(CLUSTER, nodes=nodes), wanted)
    assert f"n4 is the node {name} of the cluster, not n4 (machine id m4)" in said
    assert f"set alluxio_node_name: {name} for n4" in said
    assert "bootstrap_workers_join" not in said
    taken = {**nodes, "n4": in_cluster(machine_id="other")}
    assert f"set alluxio_node_name: {name}" in refused(membership, replace(CLUSTER, nodes=taken))


def test_a_node_that_has_its_name_may_have_a_twin() -> None:
    twins = replace(JOINED, nodes={**JOINED.nodes, "n3": in_cluster("n3")})
    assert planned(MEMBER, twins) is not None


def test_two_hosts_are_not_one_node() -> None:
    hosts = [Host(name, "n4", facts(), wanted=JOIN) for name in ("a", "b")]
    assert "for both a and b" in str(bootstrap.plans(hosts, CLUSTER)[1][0])


def test_labels_that_the_values_ask_for_must_be_given() -> None:
    cluster = replace(CLUSTER, selector={KEY: "worker", "pool": "a", "kubernetes.io/os": "linux"})
    assert "bootstrap_workers_labels: {pool: a}" in refused(facts(), cluster)
    assert planned(facts(), cluster, Wanted(True, {"pool": "a"})) is not None


def test_taints_that_nobody_tolerates_keep_workers_off() -> None:
    taint = {"key": "own", "value": "cache", "effect": "NoSchedule"}
    wanted = Wanted(True, taints=[taint])
    assert "own=cache:NoSchedule are not tolerated" in refused(facts(), CLUSTER, wanted)
    tolerant = replace(CLUSTER, tolerations=[{"key": "own", "operator": "Exists"}])
    assert planned(facts(), tolerant, wanted) is not None
    cordoned = in_cluster(
        taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    )
    assert planned(MEMBER, replace(CLUSTER, nodes={"n4": cordoned})) is not None


def test_values_become_the_texts_that_kubernetes_takes() -> None:
    assert bootstrap.texts({"a": 1, "b": True, "gone": None}) == {
        "a": "1",
        "b": "true",
    }


def test_a_taint_without_an_effect_is_refused() -> None:
    said = refused(facts(), wanted=Wanted(True, taints=[{"key": "own"}]))
    assert "bootstrap_workers_taints of n4 has {'key': 'own'}" in said


def test_a_worker_that_is_mended_beside_a_new_one_gets_nothing_of_what_that_asks_for() -> None:
    own = Wanted(True, {"pool": "a"}, [{"key": "own", "effect": "NoExecute"}])
    new = Host("n5", "n5", facts(machine_id="m5"), wanted=own)
    cluster = replace(
        JOINED,
        serving=frozenset({"n4"}),
        tolerations=[{"key": "own", "operator": "Exists"}],
    )
    for hosts in ([Host("n4", "n4", MEMBER), new], [new, Host("n4", "n4", MEMBER)]):
        found, faults = bootstrap.plans(hosts, cluster)
        assert faults == []
        by_host = {plan.host: plan for plan in found}
        assert (by_host["n4"].labels, by_host["n4"].taints) == ({}, ())
        assert (by_host["n5"].labels, by_host["n5"].taints) == (own.labels, own.taints)


def test_a_host_that_asks_for_no_join_is_not_joined_because_another_one_does() -> None:
    hosts = [Host("n4", "n4", facts(), wanted=JOIN), Host("n5", "n5", facts(machine_id="m5"))]
    found, [fault] = bootstrap.plans(hosts, CLUSTER)
    assert [plan.host for plan in found] == ["n4"]
    assert "n5 has not joined the cluster" in fault.what


GROUPS = {
    "all": ["n1", "n2", "n4", "n5", "m1"],
    "new_workers": ["n4", "n5"],
    "cache_workers": ["n2"],
    "cache_masters": ["m1"],
    "kube_control": ["n1"],
}


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("n4", ""),
        ("n2,n4,n1", ""),
        ("new_workers:!n4", ""),
        ("n*", ""),
        ("n9", "n9 of --limit n9 is no host"),
        ("n4,n9", "n9 of --limit n4,n9 is no host"),
        ("m1", "neither in new_workers nor in cache_workers"),
        ("m*", "--limit m* leaves no host to work on"),
        ("cache_masters", "--limit cache_masters leaves no host to work on"),
        ("n1", "--limit n1 leaves no host to work on"),
    ],
)
def test_a_limit_names_hosts_of_ours(limit: str, says: str) -> None:
    pieces = limit.replace(":", ",").split(",")
    inventory = InventoryManager(DataLoader(), sources=[])
    for group, hosts in GROUPS.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group)
    selected = [host.name for host in inventory.list_hosts(limit)]
    faults = bootstrap.limit_faults(limit, GROUPS, pieces, selected)
    found = "\n".join(map(str, faults))
    assert says in found
    assert bool(found) is bool(says)
