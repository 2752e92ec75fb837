"""Each thing that would make a deployment fail later is found before, with its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import node_facts
from ansible_collections.alluxops.cache.plugins.module_utils.cluster_checks import (
    Check,
    Wanted,
    check,
    lacking_credentials,
)
from ansible_collections.alluxops.cache.plugins.module_utils.restore_check import restore_check
from tests.unit.cache.kube_objects import node
from tools.repository import ROOT

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
    assert "runs with 1 server; the settings say 2" in check_.value
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
            cluster(secrets=["s3"]),
            replace(WANTED, secret="s3", secret_lacks=("accessKeyId", "secretKey")),
            "credentials",
            "Secret s3 in namespace cache lacks accessKeyId and secretKey",
        ),
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
            "1 master, HA none",
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


def test_a_nodes_label_that_cannot_be_set_is_told_before_anything_changes() -> None:
    key = "alluxops.io/cache.alluxio"
    (check_,) = failed(cluster(), replace(WANTED, may_label=False))
    assert check_.check == "node labels"
    assert f"`kubectl label node n1 n2 {key}=worker`" in check_.fix
    labelled = cluster()
    for item in labelled["nodes"]:
        item["labels"][key] = "worker"
    assert failed(labelled, replace(WANTED, may_label=False)) == []
    said = {item.check: item.value for item in check(labelled, replace(WANTED, workers=("n1",)))}
    assert said["node labels"] == "set; n2 too, outside of cache_workers"


GP3 = {"name": "gp3", "provisioner": "ebs.csi.aws.com", "default": False}


def test_a_class_that_the_cluster_lacks_is_refused_unless_its_claims_have_their_volumes() -> None:
    wanted = replace(WANTED, provisioned={"journal-0": "gp2"})
    lacks = cluster(storage_classes=[GP3])
    (check_,) = failed(lacks, wanted)
    assert check_.value == "there is no StorageClass gp2 (there is gp3)"
    bound = {"name": "journal-0", "phase": "Bound"}
    assert failed({**lacks, "claims": [bound]}, wanted) == []
    assert failed(lacks, replace(WANTED, provisioned={"journal-0": "gp3"})) == []


def test_the_default_class_must_exist_where_the_values_ask_for_it() -> None:
    wanted = replace(WANTED, provisioned={"journal-0": ""})
    (check_,) = failed(cluster(storage_classes=[GP3]), wanted)
    assert "no default StorageClass" in check_.value
    assert failed(cluster(storage_classes=[{**GP3, "default": True}]), wanted) == []


def test_nodes_of_one_hostname_label_are_refused() -> None:
    found = cluster()
    found["nodes"][1]["labels"]["kubernetes.io/hostname"] = "n1"
    (check_,) = failed(found)
    assert check_.value == "n1 and n2 both have kubernetes.io/hostname=n1"


def test_a_selector_of_the_values_that_leaves_a_worker_out_is_refused() -> None:
    found = cluster()
    found["nodes"][0]["labels"]["pool"] = "cache"
    (check_,) = failed(found, replace(WANTED, worker_selector={"pool": "cache"}))
    assert check_.value == "n2 lacks pool=cache"
    assert "`kubectl label node n2 pool=cache`" in check_.fix


@pytest.mark.parametrize("scaling", [False, True])
def test_what_goes_to_zookeeper_is_told_the_way(scaling: bool) -> None:
    wanted = replace(WANTED, master_count=3, ha="zookeeper", scaling=scaling)
    first = failed(cluster(masters=RUNNING), wanted)[0]
    assert first.check == "running release"
    assert "`alluxops restore` with the new settings" in first.fix


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
        # With stale lines in the inventory, which are not the quorum that the journals name.
        (
            {"replicas": 0, "ha": "embedded", "count": 3},
            {"master_count": 1, "ha": "embedded"},
            False,
        ),
        (
            {"replicas": 0, "ha": "embedded", "count": 1},
            {"master_count": 3, "ha": "embedded"},
            False,
        ),
        ({"replicas": 0, "ha": "zookeeper"}, {"master_count": 3, "ha": "zookeeper"}, True),
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


def test_masters_that_are_stopped_are_told_with_their_number() -> None:
    stopped = {"replicas": 0, "ha": "embedded", "count": 3}
    wanted = replace(WANTED, ha="embedded")
    (check_,) = failed(cluster(masters=stopped), wanted)
    assert "runs with 3 masters, HA embedded, all stopped; the settings say 1" in check_.value
    assert "set alluxio_masters: 3" in check_.fix


def test_settings_that_are_stale_are_told_with_the_place_they_were_read_from() -> None:
    wanted = replace(WANTED, places={"alluxio_masters": "inventory/prod/cache.yml:7"})
    (check_,) = failed(cluster(masters={"replicas": 3, "ha": "embedded"}), wanted)
    assert "the settings say 1 (inventory/prod/cache.yml:7), HA none (the default)" in check_.value


def test_a_toleration_of_the_values_opens_a_tainted_node() -> None:
    tainted = cluster(nodes=[node_facts(node("n1", taints=[TAINT])), node_facts(node("n2"))])
    opened = [{"key": "dedicated", "operator": "Exists"}]
    wanted = replace(WANTED, tolerations={"masters": opened, "workers": opened})
    assert failed(tainted, wanted) == []


def test_masters_and_workers_are_held_against_their_own_tolerations() -> None:
    tainted = cluster(nodes=[node_facts(node("n1")), node_facts(node("n2", taints=[TAINT]))])
    opened = [{"key": "dedicated", "operator": "Exists"}]
    assert failed(tainted, replace(WANTED, tolerations={"workers": opened})) == []
    (fault,) = failed(tainted, replace(WANTED, tolerations={"masters": opened}))
    assert fault.value == "n2 has dedicated=gpu:NoSchedule, for workers"
    (fault,) = failed(tainted, replace(WANTED, masters=("n2",), workers=("n1", "n2")))
    assert fault.value == "n2 has dedicated=gpu:NoSchedule, for masters and workers"
    ensemble = replace(WANTED, workers=("n1",), zookeeper_nodes=("n2",))
    assert [item.check for item in failed(tainted, ensemble)] == ["taints"]
    assert failed(tainted, replace(ensemble, tolerations={"zookeeper": opened})) == []


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
        pods=[
            {
                "role": "alluxio-master",
                "image": f"registry:5000/alluxio/alluxio:{image}",
                "started": started,
                "no_image": not started,
            }
            for image, started in pods
        ],
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
        (running("latest"), "2.9.6", "refused", "alluxops upgrade"),
        (running("latest"), "2.9.6", "upward", ""),
        ({**running("latest"), "leader_version": "2.9.6"}, "2.9.6", "refused", ""),
        ({**running("latest"), "leader_version": "2.9.6"}, "2.9.4", "upward", "alluxops rollback"),
        (cluster(), "2.9.6", "refused", ""),
    ],
)
def test_the_version_of_a_running_release_changes_upward_and_by_upgrade_only(
    found: Json, wanted: str, change: Any, said: str
) -> None:
    faults = failed(found, replace(WANTED, version=wanted, version_change=change))
    assert [fault.check for fault in faults] == (["running version"] if said else [])
    assert all(said in fault.fix for fault in faults)


@pytest.mark.parametrize(
    ("found", "way", "goes_on"),
    [
        ("2.9.4", "`alluxops upgrade` changes the version", "set alluxio_version: 2.9.4"),
        ("2.9.7", "`alluxops rollback` goes back", "set alluxio_version: 2.9.7"),
        ("prod", "`alluxops upgrade` changes the version", ""),
    ],
)
def test_a_restore_over_another_version_says_which_verb_changes_it(
    found: str, way: str, goes_on: str
) -> None:
    plays = yaml.safe_load((ROOT / "playbooks/restore.yml").read_text())
    [play] = [one for one in plays if "__preflight_version_change" in one.get("vars", {})]
    change = play["vars"]["__preflight_version_change"]
    [fault] = failed(running(found), replace(WANTED, version="2.9.6", version_change=change))
    assert found in fault.value
    assert "2.9.6" in fault.value
    assert "`restore` fills a new cache" in fault.cause
    assert fault.fix.startswith(way)
    assert "alluxio_confirm_purge" in fault.fix
    assert goes_on in fault.fix
    assert failed(running("2.9.6"), replace(WANTED, version="2.9.6", version_change=change)) == []


def test_a_restore_that_goes_on_is_not_deployed_over() -> None:
    assert restore_check("", "alluxio").ok
    told = restore_check("s3://b/x/alluxio-backup-1.gz", "alluxio")
    assert not told.ok
    assert "of s3://b/x/alluxio-backup-1.gz into alluxio has begun and did not end" in told.value
    assert "restore_from=alluxio-backup-1.gz" in told.fix


@pytest.mark.parametrize(
    ("data", "lacks"),
    [
        ({"accessKeyId": "QQ==", "secretKey": "QQ=="}, ()),
        ({"accessKeyId": "QQ==", "secretKey": ""}, ("secretKey",)),
        ({"foo": "YmFy"}, ("accessKeyId", "secretKey")),
        (None, ("accessKeyId", "secretKey")),
    ],
)
def test_what_a_secret_lacks(data: Json | None, lacks: tuple[str, ...]) -> None:
    assert lacking_credentials({"data": data}) == lacks


def test_an_even_number_of_masters_is_no_setting_to_leave_it_at() -> None:
    (check_,) = failed(cluster(masters={"replicas": 2, "ha": "embedded"}), WANTED)
    assert "goes on when it is run again" in check_.fix
    assert "set alluxio_masters" not in check_.fix
