"""Volumes are made, given back and left alone so that no journal parts from its data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import residue, zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.volume_plan import (
    Step,
    plan_removal,
    plan_volumes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import (
    PV,
    PVC,
    Claim,
    Release,
    claim_of,
    desired_claim,
    desired_volume,
    hostnames,
    is_settled,
    volume_facts,
    volume_node,
)
from tests.unit.cache.kube_objects import node
from tests.unit.cache.settings_cases import with_

Json = dict[str, Any]

RELEASE = Release("cache", "alluxio")
JOURNAL = Claim(
    name="alluxio-journal-alluxio-master-0",
    kind="journal",
    ordinal=0,
    node="n1",
    path="/mnt/fuse3/cache/alluxio/journal",
    size="1Gi",
    storage_class="standard",
    precreate=True,
)
SOCKET = Claim(
    name="alluxio-worker-domain-socket",
    kind="domain",
    path="/mnt/fuse3/cache/alluxio/domain",
    size="1Mi",
    storage_class="standard",
)


def volume(claim: Claim = JOURNAL, *, phase: str = "Bound", uid: str = "u1") -> Json:
    """The volume of a claim as the API has it once a claim with that uid is bound to it."""
    made = desired_volume(RELEASE, claim, uid)
    if uid:
        made["spec"]["claimRef"]["resourceVersion"] = "7"
    return {**made, "status": {"phase": phase}}


def existing_claim(claim: Claim = JOURNAL, *, phase: str = "Bound", uid: str = "u1") -> Json:
    made = desired_claim(RELEASE, claim)
    made["metadata"]["uid"] = uid
    return {**made, "status": {"phase": phase}}


def plan(volumes: list[Json], claims: list[Json], wanted: Claim = JOURNAL) -> list[Step]:
    return plan_volumes(RELEASE, [wanted], volumes, claims)


def whats(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.what, step.kind) for step in steps]


def test_a_first_run_makes_volume_and_journal_claim_but_leaves_other_claims_to_the_chart() -> None:
    steps = plan_volumes(RELEASE, [JOURNAL, SOCKET], [], [])
    assert whats(steps) == [("create", PV), ("create", PVC), ("create", PV)]


def test_a_journal_volume_is_local_to_its_node_kept_and_reserved_for_its_claim() -> None:
    spec = plan([], [])[0].body["spec"]
    assert spec["hostPath"] == {"path": JOURNAL.path, "type": "Directory"}
    assert spec["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0][
        "values"
    ] == ["n1"]
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"
    assert (spec["claimRef"]["namespace"], spec["claimRef"]["name"]) == ("cache", JOURNAL.name)
    assert "uid" not in spec["claimRef"]


AWS = {"n1": "ip-10-0-0-1.eu-1.compute.internal"}
OPTIONS = {"name": "j", "kind": "journal", "ordinal": 0, "node": "n1", "path": "/j", "size": "1Gi"}


def test_a_volume_is_tied_by_the_nodes_hostname_label_which_need_not_be_its_name() -> None:
    claim = claim_of(OPTIONS, AWS)
    made = desired_volume(RELEASE, claim)
    assert volume_node(made) == AWS["n1"]
    assert whats(plan_volumes(RELEASE, [claim], [made], []))[0] == ("none", PV)
    by_name = desired_volume(RELEASE, claim_of(OPTIONS))
    with pytest.raises(SettingsError, match=f"at /j on n1; the settings say /j on {AWS['n1']}"):
        plan_volumes(RELEASE, [claim], [by_name], [])


def test_a_node_without_the_label_can_have_no_volume_tied_to_it() -> None:
    with pytest.raises(SettingsError, match="n1 has no label") as refusal:
        claim_of(OPTIONS, {"n1": ""})
    assert "kubectl label node n1 kubernetes.io/hostname=n1" in refusal.value.fix


def test_hostnames_are_read_from_the_nodes() -> None:
    other, bare = node("n1"), node("n2")
    other["metadata"]["labels"]["kubernetes.io/hostname"] = AWS["n1"]
    del bare["metadata"]["labels"]
    assert hostnames([other, bare]) == {**AWS, "n2": ""}


def test_the_socket_volume_is_on_every_node_and_carries_what_the_charts_selector_asks_for() -> None:
    body = plan([], [], SOCKET)[0].body
    assert body["spec"]["hostPath"]["path"] == SOCKET.path
    assert "nodeAffinity" not in body["spec"]
    labels = body["metadata"]["labels"]
    assert {key: labels[key] for key in ("app", "release", "heritage", "role")} == {
        "app": "alluxio",
        "release": "alluxio",
        "heritage": "Helm",
        "role": "alluxio-worker",
    }


def test_the_volumes_of_a_shared_journal_are_tied_to_no_node() -> None:
    options = {
        "name": JOURNAL.name,
        "kind": "journal",
        "ordinal": 0,
        "path": "/mnt/shared/cache/alluxio",
        "size": "1Gi",
        "access_modes": ["ReadWriteMany"],
        "precreate": True,
        "shared": True,
    }
    spec = desired_volume(RELEASE, claim_of(options))["spec"]
    assert "nodeAffinity" not in spec
    assert spec["accessModes"] == ["ReadWriteMany"]
    assert spec["hostPath"] == {"path": "/mnt/shared/cache/alluxio", "type": "Directory"}


def test_a_second_run_changes_nothing() -> None:
    assert whats(plan([volume()], [existing_claim()])) == [("none", PV), ("none", PVC)]


def test_a_released_volume_loses_its_old_claims_uid_and_nothing_else() -> None:
    steps = plan([volume(phase="Released")], [])
    assert whats(steps) == [("recover", PV), ("create", PVC)]
    assert steps[0].body == {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}


def test_a_released_volume_of_the_chart_is_given_back_too() -> None:
    assert whats(plan([volume(SOCKET, phase="Released")], [], SOCKET)) == [("recover", PV)]


def test_a_claim_made_anew_while_its_volume_names_the_old_one_is_recovered() -> None:
    steps = plan(
        [volume(phase="Released", uid="old")], [existing_claim(phase="Pending", uid="new")]
    )
    assert whats(steps) == [("recover", PV), ("none", PVC)]


def test_a_volume_made_anew_names_the_lost_claim_by_its_uid() -> None:
    steps = plan([], [existing_claim(phase="Lost")])
    assert steps[0].body["spec"]["claimRef"]["uid"] == "u1"


def test_a_volume_without_claim_reference_is_reserved_again() -> None:
    loose = volume(phase="Available")
    del loose["spec"]["claimRef"]
    step = plan([loose], [existing_claim(phase="Pending")])[0]
    assert step.what == "update"
    assert step.body["spec"]["claimRef"]["name"] == JOURNAL.name


@pytest.mark.parametrize(
    ("change", "patch"),
    [
        ({"labels": {}}, {"metadata"}),
        ({"capacity": {"storage": "500Mi"}}, {"spec"}),
        ({"persistentVolumeReclaimPolicy": "Delete"}, {"spec"}),
    ],
)
def test_what_may_be_changed_is_changed(change: Json, patch: set[str]) -> None:
    found = volume()
    target = found["metadata"] if "labels" in change else found["spec"]
    target.update(change)
    step = plan([found], [existing_claim()])[0]
    assert step.what == "update"
    assert set(step.body) == patch


def test_a_larger_volume_is_not_shrunk() -> None:
    found = volume()
    found["spec"]["capacity"]["storage"] = "10Gi"
    assert plan([found], [existing_claim()])[0].what == "none"


def elsewhere(**spec: Any) -> Json:
    found = volume()
    found["spec"].update(spec)
    return found


@pytest.mark.parametrize(
    ("volumes", "claims", "said"),
    [
        ([elsewhere(local={"path": "/data/other"})], [], "is at /data/other on n1"),
        (
            [elsewhere(nodeAffinity={})],
            [],
            "the settings say /mnt/fuse3/cache/alluxio/journal on n1",
        ),
        ([elsewhere(claimRef={"namespace": "else", "name": "x"})], [], "belongs to claim else/x"),
        ([elsewhere(storageClassName="fast")], [], "has storage class 'fast'"),
        (
            [{**volume(), "metadata": {**volume()["metadata"], "deletionTimestamp": "now"}}],
            [],
            "is being deleted",
        ),
    ],
    ids=["another path", "another node", "another claim", "another class", "being deleted"],
)
def test_a_volume_that_is_not_as_the_settings_say_is_refused(
    volumes: list[Json], claims: list[Json], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refusal:
        plan(volumes, claims)
    assert refusal.value.fix


def test_a_server_of_zookeeper_may_leave_its_volume_behind() -> None:
    """Where a host is lost, or others come before it, the servers after it move."""
    settings = with_(ha="zookeeper", namespace="cache")
    [first, *_] = [claim_of(claim) for claim in zookeeper.claims(settings)]
    there = desired_volume(RELEASE, replace(first, node="n9"), "u1")
    with pytest.raises(SettingsError, match="on n9; the settings say") as refusal:
        plan_volumes(RELEASE, [first], [there], [])
    for said in (
        "the claim of each (data-alluxio-zookeeper-0)",
        "its volume (cache-data-alluxio-zookeeper-0)",
        "a majority that serves",
    ):
        assert said in refusal.value.fix
    assert "move the data" not in refusal.value.fix


def test_a_claim_bound_to_another_volume_is_refused() -> None:
    claim = existing_claim()
    claim["spec"]["volumeName"] = "pv-of-the-guide"
    with pytest.raises(SettingsError, match="bound to volume pv-of-the-guide"):
        plan([volume()], [claim])


def test_another_volume_reserved_for_the_same_claim_is_refused() -> None:
    rival = volume(uid="")
    rival["metadata"] = {"name": "alluxio-journal-0"}
    with pytest.raises(SettingsError, match=r"alluxio-journal-0 .* is reserved for claim"):
        plan([rival], [])


def test_a_claims_class_cannot_be_changed() -> None:
    claim = existing_claim()
    claim["spec"]["storageClassName"] = "fast"
    with pytest.raises(SettingsError, match="neither can be changed") as refusal:
        plan([volume()], [claim])
    assert "the data stay" in refusal.value.fix


GP3 = replace(JOURNAL, node=None, storage_class="gp3", provisioned=True)


def test_a_claim_of_a_provisioners_class_is_made_and_its_volume_is_not() -> None:
    steps = plan([], [], GP3)
    assert whats(steps) == [("create", PVC)]
    spec = steps[0].body["spec"]
    assert spec["storageClassName"] == "gp3"
    assert "volumeName" not in spec
    by_default = plan([], [], replace(GP3, storage_class=""))[0].body["spec"]
    assert "storageClassName" not in by_default


def test_an_uninstall_takes_such_a_claim_for_data_since_its_volume_may_go_with_it() -> None:
    made = plan([], [], GP3)[0].body
    one = residue.thing("PersistentVolumeClaim", "/x", made)
    assert residue.verdict(one, residue.Whose("cache", "alluxio")) == "data"


def test_such_a_claim_is_left_as_it_is_wherever_its_volume_lies() -> None:
    bound = existing_claim(GP3)
    bound["spec"]["volumeName"] = "pvc-0815"
    assert whats(plan([], [bound], GP3)) == [("none", PVC)]
    assert whats(plan([], [bound], replace(GP3, storage_class=""))) == [("none", PVC)]
    with pytest.raises(SettingsError, match="neither can be changed"):
        plan([], [bound], replace(GP3, storage_class="io2"))


@pytest.mark.parametrize(
    ("claim_phase", "waits_for_pod", "settled"),
    [("Bound", False, True), ("Pending", False, False), ("Pending", True, True)],
)
def test_a_claim_whose_volume_is_made_with_its_pod_is_not_waited_for(
    claim_phase: str, waits_for_pod: bool, settled: bool
) -> None:
    mine = existing_claim(GP3, phase=claim_phase)
    assert is_settled(GP3, None, mine, waits_for_pod=waits_for_pod) is settled


def test_removal_deletes_claims_before_volumes_and_only_what_exists() -> None:
    steps = plan_removal(RELEASE, [JOURNAL, SOCKET], [volume(), volume(SOCKET)], [existing_claim()])
    assert whats(steps) == [("delete", PVC), ("delete", PV), ("delete", PV)]
    assert plan_removal(RELEASE, [JOURNAL, SOCKET], [], []) == []
    assert plan_removal(RELEASE, [GP3], [], [existing_claim(GP3)]) == []


@pytest.mark.parametrize(
    ("claim", "volume_phase", "claim_phase", "settled"),
    [
        (JOURNAL, "Bound", "Bound", True),
        (JOURNAL, "Bound", "Pending", False),
        (JOURNAL, "Available", None, False),
        (SOCKET, "Available", None, True),
        (SOCKET, "Bound", "Bound", True),
        (SOCKET, "Released", None, False),
        (SOCKET, None, None, False),
    ],
)
def test_the_wait_is_on_phases(
    claim: Claim, volume_phase: str | None, claim_phase: str | None, *, settled: bool
) -> None:
    found = volume(claim, phase=volume_phase) if volume_phase else None
    mine = existing_claim(claim, phase=claim_phase) if claim_phase else None
    assert is_settled(claim, found, mine) is settled


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"node": ""}, "has no node"),
        ({"path": "mnt/x"}, "no absolute path"),
        ({"path": "/mnt/../etc"}, "no absolute path"),
        ({"size": "1 GB"}, "no Kubernetes quantity"),
    ],
)
def test_a_claim_that_cannot_be_right_is_refused(wrong: Json, said: str) -> None:
    given = {
        "name": "j",
        "kind": "journal",
        "ordinal": 0,
        "node": "n1",
        "path": "/mnt/j",
        "size": "1Gi",
    }
    with pytest.raises(SettingsError, match=said):
        claim_of({**given, **wrong})


def test_facts_of_a_volume() -> None:
    assert volume_facts(volume()) == {
        "name": "cache-alluxio-journal-alluxio-master-0",
        "phase": "Bound",
        "path": JOURNAL.path,
        "node": "n1",
        "claim": f"cache/{JOURNAL.name}",
        "storage_class": "standard",
        "capacity_bytes": 2**30,
        "reclaim_policy": "Retain",
    }
