"""Masters that run are not led to another ZooKeeper, where a second one would lead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import cluster_check
from ansible_collections.alluxops.cache.plugins.module_utils import zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble import (
    Ensemble,
    apart,
    ensemble_of_config,
    of_release,
)
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble_check import ensemble_check
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from tests.unit.cache.settings_cases import GOOD
from tests.unit.cache.test_read_cluster import Kube

Json = dict[str, Any]


def said_to_masters(common: Settings | str, own: str = "") -> Ensemble | None:
    """What the chart's ConfigMap would tell masters."""
    if isinstance(common, Settings):
        properties = zookeeper.election_properties(common).items()
        common = " ".join(f"-D{name}={value}" for name, value in properties)
    return ensemble_of_config({"ALLUXIO_JAVA_OPTS": common, "ALLUXIO_MASTER_JAVA_OPTS": own})


def asked(wanted: Settings) -> Ensemble | None:
    return of_release(wanted.namespace, wanted.release, wanted.zookeeper_addresses)


OURS = replace(GOOD, ha="zookeeper", masters=3, journal_shared_path="/mnt/nfs")
THEIRS = replace(OURS, zookeeper_address=("zk1:2181", "zk2:2181", "zk3:2181"))
ELSEWHERE = replace(OURS, zookeeper_address=("other:2181",))
NAMED = of_release("n", "r", ["zk1:2181"])


@pytest.mark.parametrize("same", [OURS, THEIRS])
def test_what_was_deployed_is_what_the_same_settings_ask_for(same: Settings) -> None:
    assert said_to_masters(same) == asked(same) is not None


@pytest.mark.parametrize(
    ("running", "wanted"),
    [
        (OURS, replace(OURS, zookeeper_replicas=5)),
        (replace(OURS, zookeeper_replicas=5), OURS),
        (THEIRS, replace(OURS, zookeeper_address=("zk3:2181", "zk4:2181", "zk5:2181"))),
        (THEIRS, replace(OURS, zookeeper_address=("ZK1:2181",))),
    ],
)
def test_an_ensemble_keeps_its_masters_as_long_as_one_server_stays(
    running: Settings, wanted: Settings
) -> None:
    assert apart(said_to_masters(running), asked(wanted), "n") is None


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("zk-0.zk:2181", "zk-0.zk.here.svc.cluster.local:2181", True),
        ("zk-0.zk", "ZK-0.zk.here.svc", True),
        ("zk-0.zk,zk-1.zk", "zk-1.zk.here.svc,zk-0.zk.here.svc.cluster.local.", True),
        ("zk", "zk.here.svc.cluster.local:2181", True),
        ("zk-0.zk.there.svc", "zk-0.zk.there.svc.cluster.local", True),
        ("zk-0.zk", "zk-0.zk.there.svc.cluster.local", False),
        ("zk-0.zk:2181", "zk-0.zk.here.svc:2182", False),
        # A pod of a Service here, or a Service there.
        ("zk.there", "zk.there.svc.cluster.local", False),
        ("zk.here", "zk.here.svc", False),
        # Of another domain nothing is known, nor of what a resolver tries with a name that is long already.
        ("zk", "zk.here.svc.example.com", False),
        ("zk1.example.com", "zk1.example.com.", False),
    ],
)
def test_a_server_by_its_short_and_by_its_full_name_is_one(
    one: str, other: str, *, are_same: bool
) -> None:
    found = [of_release("here", "r", name.split(",")) for name in (one, other)]
    assert (apart(found[0], found[1], "here") is None) is are_same
    assert (apart(found[1], found[0], "here") is None) is are_same


@pytest.mark.parametrize(
    ("running", "wanted"), [(OURS, THEIRS), (THEIRS, OURS), (THEIRS, ELSEWHERE)]
)
def test_masters_are_not_led_to_another_ensemble(running: Settings, wanted: Settings) -> None:
    cluster = {"masters": {"replicas": 3, "ensemble": said_to_masters(running)}, "pods": []}
    found = ensemble_check(
        cluster, asked(wanted), {"alluxio_zookeeper_address": "cache.yml:7"}, "n"
    )
    assert not found.ok
    assert f"elect through {','.join(running.zookeeper_addresses)}; the settings say" in found.value
    assert f"{','.join(wanted.zookeeper_addresses)} (cache.yml:7)" in found.value
    assert "Two leaders on one journal" in found.cause
    assert "`alluxops uninstall`" in found.fix
    assert ensemble_check(cluster, asked(running), {}, "n").ok


@pytest.mark.parametrize("name", ["election", "leader"])
def test_the_same_servers_with_another_path_are_another_election(name: str) -> None:
    own = f"-Xmx1g -Dalluxio.zookeeper.{name}.path=/mine"
    found = apart(said_to_masters(THEIRS, own), asked(THEIRS), "n")
    assert found == (f"{name} path /mine", f"{name} path /alluxio/alluxio/alluxio/{name}")


def test_the_last_of_the_masters_options_counts() -> None:
    enabled = "-Dalluxio.zookeeper.enabled=true -Dalluxio.zookeeper.address=a:1"
    found = said_to_masters(enabled, "-Dalluxio.zookeeper.address=b,c:3/up/")
    assert found == Ensemble(("b:2181", "c:3"), "/up/alluxio/election", "/up/alluxio/leader")
    assert said_to_masters(enabled, "-Dalluxio.zookeeper.enabled=false") is None
    assert said_to_masters("-Dalluxio.zookeeper.address=a:1") is None


@pytest.mark.parametrize(
    ("masters", "wanted"),
    [
        (None, NAMED),
        ({"replicas": 0, "ensemble": said_to_masters(THEIRS)}, NAMED),
        ({"replicas": 3, "ensemble": None}, NAMED),
        ({"replicas": 3, "ensemble": said_to_masters(THEIRS)}, None),
    ],
)
def test_where_no_master_runs_or_elects_so_nothing_is_in_the_way(
    masters: Json | None, wanted: Ensemble | None
) -> None:
    assert ensemble_check({"masters": masters, "pods": []}, wanted, {}, "n").ok


def test_a_stopped_master_whose_pod_does_not_go_away_may_lead_yet() -> None:
    pods = [{"role": "alluxio-master"}]
    masters = {"replicas": 0, "ensemble": said_to_masters(THEIRS)}
    assert not ensemble_check({"masters": masters, "pods": pods}, NAMED, {}, "n").ok


def test_preflight_asks_for_the_ensemble_of_the_settings() -> None:
    """Of scale-masters too, which may change all else of the masters."""
    text = (
        Path(__file__).parents[3].joinpath("roles/preflight/tasks/cluster.yml").read_text("utf-8")
    )
    (task,) = [one for one in yaml.safe_load(text) if "alluxops.cache.cluster_check" in one]
    given = task["alluxops.cache.cluster_check"]["zookeeper_addresses"]
    assert given == "{{ __preflight_settings.settings.zookeeper_addresses }}"
    kube: Any = Kube()
    kube.options = "-Dalluxio.zookeeper.enabled=true -Dalluxio.zookeeper.address=zk1:2181"
    options = {
        "namespace": "cache", "release": "alluxio", "masters": [], "workers": [], "master_count": 1,
        "ha": "zookeeper", "scaling": True, "places": {}, "worker_quota_bytes": 0, "secret": "",
        "secret_is_given": False, "claims": [], "version": "", "version_change": "refused",
        "zookeeper_nodes": [], "zookeeper_addresses": ["zk9:2181"], "worker_selector": {},
        "tolerations": {}, "restores": True,
    }  # fmt: skip
    action: Any = cluster_check.ActionModule.__new__(cluster_check.ActionModule)
    action._task = SimpleNamespace(check_mode=True)
    checks = {item["check"]: item for item in action.act(kube, options)["checks"]}
    assert "elect through zk1:2181" in checks["running ensemble"]["value"]
