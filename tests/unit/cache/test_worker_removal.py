"""Copying, retiring and waiting, over pods that answer as Alluxio's do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import worker_removal
from ansible_collections.alluxops.cache.plugins.module_utils import cached_blocks, node_labels
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from tests.unit.cache.kube_objects import Json, node, pod

LABEL = node_labels.worker_key("alluxio", "alluxio")
BLOCK = 1000


class Cluster:
    """A Kube of three nodes with a worker each, that copies blocks when told to. files: node -> path -> blocks."""

    def __init__(self, files: dict[str, dict[str, list[int]]] | None = None) -> None:
        self.files = {"n1": {}, "n2": {}, "n3": {}, **(files or {})}
        self.counted = {"n1", "n2", "n3"}
        self.unpersisted: set[str] = set()
        self.scripts: list[str] = []
        self.deaf = False
        self.used = 0
        self.machine = ""
        self.labelled = {"n1", "n2", "n3"}
        self.silent: set[str] = set()
        self.notes: dict[str, str | None] = {}
        self.workers_set: Json | None = None
        self.config: dict[str, str] = {}
        self.pods = [pod("alluxio-master-0", "alluxio-master", "n1")] + [
            pod(f"alluxio-worker-{name}", "alluxio-worker", name) for name in self.files
        ]

    def get(self, path: str) -> Json | None:
        if path.endswith("-worker"):
            return self.workers_set
        if path.endswith("-config"):
            return {"data": self.config}
        return None if path.endswith(("-master", "-fuse", "-zookeeper")) else {}

    def merge(self, path: str, patch: Json) -> None:
        assert path == "/api/v1/nodes/n3"
        self.notes |= patch["metadata"]["annotations"]
        self.notes = {key: value for key, value in self.notes.items() if value is not None}

    def list_objects(self, path: str, selector: str = "", **_: Any) -> list[Json]:
        if path == "/api/v1/nodes":
            nodes = [node(name) for name in self.files]
            for number, one in enumerate(nodes, 1):
                if one["metadata"]["name"] in self.labelled:
                    one["metadata"]["labels"][LABEL] = "worker"
                one["status"]["addresses"][0]["address"] = f"10.0.0.{number}"
            nodes[2]["metadata"]["annotations"] = dict(self.notes)
            nodes[2]["status"].setdefault("nodeInfo", {})["machineID"] = self.machine
            return nodes
        return [] if "zookeeper" in selector or "nodeName" in str(_) else self.pods

    def pod_http(self, _space: str, name: str, _port: int, path: str) -> str | None:
        if path.startswith("/api/v1/master/info"):
            workers = [
                {
                    "address": {"host": f"10.0.0.{one[1:]}", "containerHost": ""},
                    "capacityBytes": 100 * BLOCK,
                    "usedBytes": BLOCK,
                    "lastContactSec": 1,
                    "state": "ACTIVE",
                }
                for one in sorted(self.counted)
            ]
            return json.dumps({"version": "2.9.6", "workers": workers, "lostWorkers": []})
        if name in self.silent:
            return None
        if "operations" in path:
            return '{"operationCount":0,"rpcQueueLength":0}'
        held = self.files[name.rpartition("-")[2]]
        if path == cached_blocks.INFO:
            used = self.used or sum(len(blocks) for blocks in held.values()) * BLOCK
            return json.dumps({"capacity": {"used": used, "total": 100 * BLOCK}})
        offset = int(path.partition("offset=")[2].partition("&")[0])
        entries = [
            {
                "absolutePath": one,
                "pinned": True,
                "persistenceState": "NOT_PERSISTED" if one in self.unpersisted else "PERSISTED",
                "blockIds": blocks,
                "blocksOnTier": {"MEM": [{"id": each, "blockLength": BLOCK} for each in blocks]},
            }
            for one, blocks in sorted(held.items())
        ]
        # One a page, so that there is more than one.
        return json.dumps({"ntotalFile": len(entries), "fileInfos": entries[offset : offset + 1]})

    def exec(self, _space: str, name: str, _box: str, command: list[str], **_: Any) -> ExecResult:
        script = command[-1]
        self.scripts.append(script)
        if "decommissionWorker" in script:
            self.counted -= {"n3"}
            return ExecResult(10, "its web port does not answer", "")
        if "getConf" in script:
            return ExecResult(0, "5sec\n", "Picked up JAVA_TOOL_OPTIONS\n")
        if self.deaf:
            return ExecResult(255, "", "Error: no space\n\tat alluxio.x\n")
        for line in script.splitlines():
            if line.startswith("alluxio fs"):
                path = line.replace(" >/dev/null", "").split()[-3]
                self.files[name.rpartition("-")[2]][path] = self.files["n3"][path]
        return ExecResult(0, "", "")


def options(**over: Any) -> dict[str, Any]:
    return {
        "namespace": "alluxio",
        "release": "alluxio",
        "hosts": {"n3": ""},
        "listed": ["n1", "n2", "n3"],
        "masters": ["n1"],
        "limit": "n3",
        "confirm": "n3",
        "evicts": False,
        "loses": "",
        "drain": False,
        "leave": False,
        "looks": {},
        "found": {},
        "labels": {},
        "taints": [],
        "results": {},
        "kubeconfig": "",
        "wait_timeout_s": 5,
        **over,
    }


class Action(worker_removal.ActionModule):
    """The action without a task around it."""

    def __init__(self, state: str, *, check: bool = False) -> None:
        self.state, self.check = state, check

    @property
    def check_mode(self) -> bool:
        return self.check

    def on(self, kube: Any, **over: Any) -> Json:
        return self.act(kube, {**options(**over), "state": self.state})


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: None)
    monkeypatch.setattr(cluster_trust, "read", lambda *_: cluster_trust.Trust("", ""))


def test_the_plan_names_who_takes_what() -> None:
    kube = Cluster({"n3": {"/a": [1, 2], "/b": [3]}, "n1": {"/b": [3]}})
    plan = Action("planned").on(kube)
    assert plan["copies"] == {"n2": ["/a"]}
    assert plan["nodes"] == plan["present"] == ["n3"]
    assert not plan["changed"]
    assert Action("planned", check=True).on(kube)["changed"]
    assert kube.scripts == []


def test_the_plan_refuses_what_is_not_confirmed() -> None:
    with pytest.raises(SettingsError, match="alluxio_confirm_remove"):
        Action("planned").on(Cluster(), confirm="")
    every = {"hosts": {"n1": "", "n2": "", "n3": ""}, "confirm": "n1,n2,n3"}
    with pytest.raises(SettingsError, match="no worker of alluxio would be left"):
        Action("planned").on(Cluster(), **every)


def test_a_host_that_is_another_machine_is_refused() -> None:
    kube = Cluster()
    kube.machine = "three"
    looks: Json = {"n3": {"checks": [], "membership": {"machine_id": "another"}}}
    with pytest.raises(SettingsError, match="the node n3 is another machine than n3"):
        Action("planned").on(kube, looks=looks)
    looks["n3"]["membership"]["machine_id"] = "three"
    assert Action("planned").on(kube, looks=looks)["nodes"] == ["n3"]


def test_a_host_that_is_there_and_cannot_be_looked_at_is_refused() -> None:
    for said, says in {
        "Incorrect sudo password": "set the right ansible_become_password for n3",
        "/nowhere/python3 has not run the module": "Python 3.9 or newer is needed there",
    }.items():
        with pytest.raises(SettingsError, match="the host n3 could not be checked") as error:
            Action("planned").on(Cluster(), looks={"n3": {"failed": False, "msg": said}})
        assert says in str(error.value)
    problem = {"what": "no space", "value": "1 B", "fix": "free some"}
    looks: list[Json] = [
        {"unreachable": True, "msg": "no route"},
        {"checks": [], "problems": [problem]},
    ]
    for look in looks:
        assert Action("planned").on(Cluster(), looks={"n3": look})["nodes"] == ["n3"]


def test_hosts_that_are_not_named_or_confirmed_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(SettingsError, match="runs without --limit"):
        Action("asked").on(None, limit="")
    with pytest.raises(SettingsError, match="--limit n3 means n3"):
        Action("asked").on(None, confirm="n2")
    assert Action("asked").on(None) == {"changed": False}


@pytest.mark.parametrize(
    "phase", ["Running", "Pending"]
)  # one that crashes again and again is Running
def test_what_a_worker_holds_that_is_down_is_not_deleted_unasked(phase: str) -> None:
    kube = Cluster({"n3": {"/only": [1]}})
    kube.unpersisted = {"/only"}
    kube.silent = {"alluxio-worker-n3"}
    kube.counted -= {"n3"}
    kube.pods[-1]["status"]["phase"] = phase
    for loses in ("", "n2"):
        with pytest.raises(SettingsError, match="no worker answers on n3") as error:
            Action("planned").on(kube, loses=loses)
        assert "-e remove_workers_loses=n3" in error.value.fix
    assert Action("planned").on(kube, loses="n3")["copies"] == {}


def test_blocks_on_the_disk_of_a_node_without_label_are_not_deleted_unasked() -> None:
    kube = Cluster()
    kube.pods.pop()
    kube.counted -= {"n3"}
    kube.labelled -= {"n3"}
    tier: Json = {"path": "/mnt/fuse3/alluxio/alluxio/tier0", "files": 2, "mounted": False}
    found = {
        "n3": {"directories": [tier, {"path": "/mnt/fuse3/alluxio/alluxio/domain", "files": 1}]}
    }
    with pytest.raises(SettingsError, match="no worker answers on n3"):
        Action("planned").on(kube, found=found)
    assert Action("planned").on(kube, found=found, loses="n3")["removed_before"] == ["n3"]
    tier["mounted"] = True  # a purge leaves it
    assert Action("planned").on(kube, found=found)["removed_before"] == ["n3"]
    tier |= {"files": 0, "mounted": False}
    assert Action("planned").on(kube, found=found)["removed_before"] == ["n3"]


def test_a_run_after_one_that_was_stopped_before_it_cleaned_believes_its_note() -> None:
    kube = Cluster()
    kube.pods.pop()
    kube.counted -= {"n3"}
    kube.labelled -= {"n3"}
    kube.notes = {f"uncleaned.{LABEL}": "copied"}
    tier: Json = {"path": "/mnt/ssd/alluxioworker", "files": 2, "mounted": False, "used": ""}
    found = {"n3": {"directories": [], "tiers": [tier]}}
    plan = Action("planned").on(kube, found=found)
    assert plan["shown"] == ["1. clean n3: dead FUSE mounts, the worker's directories"]
    assert (plan["removed_before"], plan["uncleaned"]) == ([], ["n3"])
    results: Json = {"n3": {"mounts": [], "tiers": [{**tier, "used": "java"}]}}
    assert not Action("cleaned").on(kube, results=results)["changed"]
    assert not Action("cleaned").on(kube, results={"n3": {"unreachable": True}})["changed"]
    results["n3"]["tiers"] = []
    assert Action("cleaned", check=True).on(kube, results=results)["changed"]
    assert kube.notes
    assert Action("cleaned").on(kube, results=results)["changed"]
    assert not Action("cleaned").on(kube, results=results)["changed"]
    with pytest.raises(SettingsError, match="no worker answers on n3"):
        Action("planned").on(kube, found=found)


def test_where_workers_keep_blocks_is_read_from_what_runs() -> None:
    kube = Cluster()
    assert Action("tiers").on(kube)["tiers"] == []
    for one in kube.pods:
        one["metadata"]["namespace"] = "alluxio"
    volumes: list[Json] = [
        {"name": f"tier{number}-0", "hostPath": {"path": path}}
        for number, path in enumerate(("/mnt/ssd", "/mnt/hdd"))
    ]
    mounts = [{"name": one["name"], "mountPath": one["hostPath"]["path"]} for one in volumes]
    spec = {"containers": [{"name": "alluxio-worker", "volumeMounts": mounts}], "volumes": volumes}
    kube.workers_set = {"spec": {"template": {"spec": spec}}}
    level = "-Dalluxio.worker.tieredstore.level"
    kube.config = {
        "ALLUXIO_WORKER_JAVA_OPTS": f"{level}0.dirs.path=/mnt/ssd {level}1.dirs.path=/mnt/hdd"
    }
    assert Action("tiers").on(kube)["tiers"] == ["/mnt/ssd", "/mnt/hdd"]
    neighbour = pod("b-worker-x", "alluxio-worker", "n1", namespace="b")
    neighbour["spec"]["volumes"] = [{"name": "tier0-0", "hostPath": {"path": "/mnt/hdd/cache"}}]
    kube.pods.append(neighbour)
    found = Action("tiers").on(kube)
    assert (found["tiers"], found["told"]) == (["/mnt/ssd"], ["/mnt/hdd"])
    kube.config["ALLUXIO_JAVA_OPTS"] = "-Dalluxio.worker.data.folder=/mine"
    found = Action("tiers").on(kube)
    assert (found["tiers"], found["told"]) == ([], ["/mnt/ssd", "/mnt/hdd"])


def test_how_full_workers_are_they_say_themselves() -> None:
    kube = Cluster()
    kube.used = 99 * BLOCK  # the leader has not heard of it yet
    with pytest.raises(SettingsError, match=f"{3 * 99 * BLOCK} bytes are cached"):
        Action("planned").on(kube)
    assert cached_blocks.parse_used("no such page") is None
    assert cached_blocks.parse_used('{"capacity": 1}') is None


def test_copies_are_made_once_and_proven_by_the_workers() -> None:
    kube = Cluster({"n3": {"/a": [1, 2], "/c": [4]}, "n2": {"/c": [4]}})
    done = Action("copied").on(kube)
    assert done["changed"]
    assert done["copied"] == ["/a"]
    assert kube.files["n1"] == {"/a": [1, 2]}
    assert "-Dalluxio.user.hostname=10.0.0.1 load --local /a" in kube.scripts[0]
    again = Action("copied").on(kube)
    assert (again["changed"], len(kube.scripts)) == (False, 1)


def test_what_no_under_store_has_is_read_from_the_worker_that_has_it() -> None:
    kube = Cluster({"n3": {"/a": [1]}})
    kube.unpersisted = {"/a"}
    Action("copied").on(kube)
    assert "passive.cache.enabled=true cat /a" in kube.scripts[0]


def test_a_copy_that_cannot_be_made_stops_the_run_and_says_why() -> None:
    kube = Cluster({"n3": {"/a": [1]}})
    kube.deaf = True
    with pytest.raises(CacheError, match="no space") as error:
        Action("copied").on(kube)
    assert "/a could not be copied" in str(error.value)
    assert not error.value.refused


def test_retired_is_decommissioned_once() -> None:
    kube = Cluster()
    done = Action("retired").on(kube)
    assert (done["changed"], done["retired"], done["method"]) == (True, ["n3"], "decommission")
    assert "decommissionWorker --addresses 10.0.0.3" in kube.scripts[0]
    assert not Action("retired").on(kube)["changed"]
    assert [one for one in kube.scripts if "decommission" in one] == kube.scripts[:1]


def test_a_resumed_removal_waits_and_copies_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[str, float]] = []
    monkeypatch.setattr(
        Patience, "pause", lambda _, awaited, seconds=1.0: waits.append((awaited, seconds))
    )
    kube = Cluster({"n3": {"/late": [1]}})
    kube.counted -= {"n3"}
    assert not Action("retired", check=True).on(kube)["changed"]
    assert waits == []
    Action("retired").on(kube)
    assert waits[0] == ("clients to hear who serves", 5.0)
    assert [what for what, _ in waits].count("quiet workers") == worker_removal.QUIET_LOOKS - 1
    assert "/late" in kube.files["n1"]
    waits.clear()
    kube.silent = {"alluxio-worker-n3"}  # one that is down, and may be lost
    Action("retired").on(kube)
    assert waits == []


def test_gone_waits_for_the_pods_and_for_the_leader() -> None:
    kube = Cluster()
    with pytest.raises(CacheError, match="alluxio-worker-n3 to end"):
        Action("gone").on(kube, wait_timeout_s=0)
    kube.pods = [one for one in kube.pods if one["spec"]["nodeName"] != "n3"]
    with pytest.raises(CacheError, match="the leader to forget n3"):
        Action("gone").on(kube, wait_timeout_s=0)
    kube.counted -= {"n3"}
    assert not Action("gone").on(kube)["changed"]


def test_told_sums_up() -> None:
    told = Action("told").on(
        None,
        results={"n3": {"unreachable": True}},
        devices={},
        removed_before=["n3"],
        leave=True,
        kept=["n3"],
    )
    assert told["lines"] == ["cache_workers: n1, n2"]
    assert told["summary"][1].startswith("  n3  already removed · not reached")
    assert "still a node of the cluster" in told["summary"][1]
