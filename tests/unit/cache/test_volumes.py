"""Volumes are made, given back and left alone so that no journal parts from its data."""

from __future__ import annotations

from typing import Any

import pytest

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
    is_settled,
    volume_facts,
)

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


def test_removal_deletes_claims_before_volumes_and_only_what_exists() -> None:
    steps = plan_removal(RELEASE, [JOURNAL, SOCKET], [volume(), volume(SOCKET)], [existing_claim()])
    assert whats(steps) == [("delete", PVC), ("delete", PV), ("delete", PV)]
    assert plan_removal(RELEASE, [JOURNAL, SOCKET], [], []) == []


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
