"""What goes with an uninstall is told by labels; data and what others made stay."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import residue
from ansible_collections.alluxops.cache.plugins.module_utils.residue import Thing, Whose

Json = dict[str, Any]

WHOSE = Whose("cache", "alluxio", secret="lab-s3")
MANAGED = {"app.kubernetes.io/managed-by": "alluxops"}
HELM = {"heritage": "Helm"}


def thing(kind: str, name: str, labels: Json | None = None, **more: Any) -> Thing:
    return Thing(kind, name, f"/{kind}/{name}", labels or {}, **more)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (thing("Secret", "alluxio-ufs-credentials", {**MANAGED, "release": "alluxio"}), "ours"),
        (thing("Secret", "lab-s3", MANAGED), "ours"),
        (thing("Secret", "lab-s3"), "foreign"),
        (thing("Secret", "other-s3", MANAGED), "foreign"),
        (
            thing("Secret", "sh.helm.release.v1.alluxio.v1", {"owner": "helm", "name": "alluxio"}),
            "helm",
        ),
        (thing("Secret", "sh.helm.release.v1.web.v1", {"owner": "helm", "name": "web"}), "foreign"),
        (
            thing(
                "Secret",
                "default-token-x",
                annotations={"kubernetes.io/service-account.name": "default"},
            ),
            "system",
        ),
        (thing("Job", "alluxops-journal", {**MANAGED, "alluxops/release": "alluxio"}), "ours"),
        (
            thing(
                "PersistentVolumeClaim",
                "alluxio-journal-alluxio-master-0",
                {**MANAGED, **HELM, "release": "alluxio"},
            ),
            "ours",
        ),
        (
            thing(
                "PersistentVolumeClaim",
                "alluxio-metastore-alluxio-master-0",
                {"release": "alluxio"},
            ),
            "data",
        ),
        (
            thing(
                "PersistentVolumeClaim",
                "alluxio-metastore-alluxio-master-0",
                {**HELM, "release": "alluxio"},
            ),
            "data",
        ),
        (thing("PersistentVolumeClaim", "notebooks"), "foreign"),
        (
            thing("StatefulSet", "alluxio-zookeeper", {**HELM, "release": "alluxio-zookeeper"}),
            "helm",
        ),
        (thing("StatefulSet", "alluxio2-master", {**HELM, "release": "alluxio2"}), "foreign"),
        (thing("ConfigMap", "alluxio-config", {**HELM, "release": "alluxio"}), "helm"),
        (thing("ConfigMap", "alluxio-notes", {"release": "alluxio"}), "foreign"),
        (thing("ConfigMap", "kube-root-ca.crt"), "system"),
        (thing("ServiceAccount", "default"), "system"),
        (thing("Pod", "alluxio-master-0", {"release": "alluxio"}, owned=True), "system"),
        (thing("Lease", "alluxops-alluxio"), "lease"),
        (thing("Lease", "alluxops-alluxio2"), "foreign"),
    ],
    ids=lambda one: f"{one.kind} {one.name}" if isinstance(one, Thing) else "",
)
def test_whose_an_object_is(one: Thing, expected: str) -> None:
    assert residue.verdict(one, WHOSE) == expected


def test_credentials_that_another_release_uses_stay() -> None:
    things = [
        thing("Secret", "lab-s3", MANAGED),
        thing("Secret", "other-ufs-credentials", {**MANAGED, "release": "other"}),
    ]
    plan = residue.plan(things, [], WHOSE, purge=False)
    assert plan.remove == ()
    assert [one.name for one in plan.foreign] == ["lab-s3", "other-ufs-credentials"]


def test_what_helm_knows_of_is_left_to_helm_and_what_it_left_goes() -> None:
    record = thing("Secret", "sh.helm.release.v1.alluxio.v1", {"owner": "helm", "name": "alluxio"})
    config = thing("ConfigMap", "alluxio-config", {**HELM, "release": "alluxio"})
    assert residue.plan([record, config], [], WHOSE, purge=True).remove == ()
    assert residue.plan([config], [], WHOSE, purge=False).remove == (config,)


def volume(name: str, *, namespace: str = "cache", policy: str = "Retain", **labels: str) -> Json:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "claimRef": {"namespace": namespace, "name": "claim"},
            "persistentVolumeReclaimPolicy": policy,
            "hostPath": {"path": "/mnt/fuse3/cache/alluxio/journal"},
        },
        "status": {"phase": "Released"},
    }


MINE = {**MANAGED, "release": "alluxio"}


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_claim_of_a_stateful_set_goes_with_a_volume_of_ours_which_keeps_its_data(
    policy: str,
) -> None:
    claim = thing("PersistentVolumeClaim", "claim", {"release": "alluxio-zookeeper"})
    mine = volume("cache-claim", policy=policy, **MINE)
    plan = residue.plan([claim], [mine], WHOSE, purge=False)
    if policy == "Retain":
        assert [one.name for one in plan.remove] == ["claim", "cache-claim"]
        assert plan.data == ()
    else:
        assert plan.remove == ()
        assert plan.data == (claim,)


def test_volumes_of_ours_go_last_and_others_are_told() -> None:
    volumes = [
        volume("ours", **MINE),
        volume("of-another-namespace", namespace="web", **MINE),
        volume("of-another-release", **{**MANAGED, "release": "other"}),
        volume("deletes-its-data", policy="Delete", **MINE),
        volume("by-hand"),
    ]
    claims = [
        thing("PersistentVolumeClaim", "alluxio-journal-alluxio-master-0", MINE),
        thing("Secret", "alluxio-ufs-credentials", MINE),
        thing("Job", "alluxops-journal", {**MANAGED, "alluxops/release": "alluxio"}),
    ]
    plan = residue.plan(claims, volumes, WHOSE, purge=False)
    assert [one.kind for one in plan.remove] == [
        "Job",
        "Secret",
        "PersistentVolumeClaim",
        "PersistentVolume",
    ]
    assert [line.split()[0] for line in residue.volumes_left(volumes, WHOSE)] == [
        "by-hand",
        "deletes-its-data",
        "of-another-release",
        "ours",
    ]


def test_claims_of_a_statefulset_go_only_with_a_purge() -> None:
    claim = thing(
        "PersistentVolumeClaim", "alluxio-metastore-alluxio-master-0", {"release": "alluxio"}
    )
    assert residue.plan([claim], [], WHOSE, purge=False).data == (claim,)
    assert residue.plan([claim], [], WHOSE, purge=True).remove == (claim,)


@pytest.mark.parametrize(
    ("labels", "things", "said"),
    [
        (MANAGED, [thing("ServiceAccount", "default")], ""),
        (MANAGED, [thing("Pod", "notebook")], "it holds Pod notebook"),
        (MANAGED, [thing("Unreadable", "metrics.k8s.io v1")], "cannot be listed"),
        (
            MANAGED,
            [thing("PersistentVolumeClaim", "m", {"release": "alluxio"})],
            "PersistentVolumeClaim m",
        ),
        ({}, [], "alluxops did not make it"),
    ],
)
def test_a_namespace_goes_only_if_it_is_ours_and_empty(
    labels: Json, things: list[Thing], said: str
) -> None:
    space = {"metadata": {"name": "cache", "labels": labels}}
    why = residue.why_namespace_stays(space, residue.plan(things, [], WHOSE, purge=False))
    assert (said in why) if said else why == ""
    assert residue.why_namespace_stays(None, residue.plan([], [], WHOSE, purge=False)) == ""


def daemon_set(**container: Any) -> Json:
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


@pytest.mark.parametrize(
    ("found", "points"),
    [
        (None, []),
        (daemon_set(env=[{"name": "MOUNT_POINT", "value": "/mnt/ours/"}]), ["/mnt/ours"]),
        (
            daemon_set(args=["fuse", "--fuse-opts=rw", "/mnt/alluxio-fuse", "/"]),
            ["/mnt/alluxio-fuse"],
        ),
        (daemon_set(args=["fuse", "--fuse-opts=rw"]), []),
    ],
)
def test_where_fuse_pods_mount(found: Json | None, points: list[str]) -> None:
    assert residue.mount_points(found) == points
