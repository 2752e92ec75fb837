"""Emptying nodes, and deleting them: what is evicted, what stays, and what keeps it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.alluxops.cache.plugins.action import cluster_node
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import evictions
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError
from tests.unit.cache.kube_objects import Json, node
from tools.repository import ROOT


def running(name: str, owner: str = "ReplicaSet", **metadata: Any) -> Json:
    owners = [{"kind": owner, "controller": True}] if owner else []
    return {
        "metadata": {"namespace": "web", "name": name, "ownerReferences": owners, **metadata},
        "spec": {"nodeName": "n3"},
        "status": {"phase": "Running"},
    }


class Api:
    """One node, n3, and the pods on it. budget: evictions that are refused before one is granted."""

    def __init__(self, *pods: Json, budget: int = 0) -> None:
        self.nodes = {"n3": node("n3")}
        self.pods = list(pods)
        self.budget = budget
        self.merged: list[Json] = []

    def list_objects(self, path: str, fields: str = "") -> list[Json]:
        if path == objects.node():
            return list(self.nodes.values())
        assert fields == "spec.nodeName=n3"
        return list(self.pods)

    def merge(self, _path: str, patch: Json) -> Json:
        self.merged.append(patch)
        self.nodes["n3"]["spec"].update(patch["spec"])
        return patch

    def create(self, path: str, body: Json) -> Json:
        assert path.endswith(f"/pods/{body['metadata']['name']}/eviction")
        if self.budget:
            self.budget -= 1
            raise ApiError("POST", 429, "Cannot evict pod as it would violate its budget")
        self.pods = [
            one for one in self.pods if one["metadata"]["name"] != body["metadata"]["name"]
        ]
        return body

    def delete(self, path: str, **_: Any) -> bool:
        del self.nodes[path.rpartition("/")[2]]
        return True


class Action(cluster_node.ActionModule):
    """The action without a task around it."""

    def __init__(self, *, check: bool = False) -> None:
        self.check = check

    @property
    def check_mode(self) -> bool:
        return self.check

    def on(self, api: Any, state: str = "drained", timeout_s: int = 5, **resets: Json) -> Json:
        given = {"nodes": ["n3", "n4"], "resets": resets, "wait_timeout_s": timeout_s}
        return self.act(api, {"state": state, **given})


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: None)


def pods() -> tuple[Json, ...]:
    return (
        running("server"),
        running("agent", "DaemonSet"),
        running("static", "Node", annotations={evictions.MIRROR: "x"}),
        {**running("done"), "status": {"phase": "Succeeded"}},
    )


def test_a_drain_evicts_what_would_start_elsewhere_and_nothing_else() -> None:
    api = Api(*pods(), budget=2)
    done = Action().on(api)
    assert done["went"] == ["n3: schedulable", "pod web/server"]
    assert [one["metadata"]["name"] for one in api.pods] == ["agent", "static", "done"]
    assert api.merged == [{"spec": {"unschedulable": True}}]
    assert not Action().on(api)["changed"]


def test_check_mode_says_what_would_go() -> None:
    api = Api(*pods())
    assert Action(check=True).on(api)["went"] == ["n3: schedulable", "pod web/server"]
    assert (len(api.pods), api.merged) == (4, [])


def test_a_budget_is_kept_to_until_the_time_is_over() -> None:
    with pytest.raises(CacheError, match="web/server: Cannot evict pod") as error:
        Action().on(Api(*pods(), budget=1000), timeout_s=0)
    assert "budget" in error.value.cause


def test_a_node_is_deleted_once() -> None:
    api = Api()
    assert Action(check=True).on(api, "absent", n3={"rc": 0})["went"] == ["node n3"]
    assert Action().on(api, "absent", n3={"rc": 0})["went"] == ["node n3"]
    assert not Action().on(api, "absent", n3={"rc": 0})["changed"]


@pytest.mark.parametrize("reset", [{"unreachable": True}, {"skipped": True}, {}])
def test_a_node_stays_whose_host_was_not_reset(reset: Json) -> None:
    api = Api()
    done = Action().on(api, "absent", n3=reset)
    assert (done["changed"], done["kept"]) == (False, ["n3"])
    assert "n3" in api.nodes


def test_what_belongs_to_no_controller_or_to_this_node_is_known() -> None:
    lonely = running("lonely", "")
    master = running("alluxio-master-0", "StatefulSet", labels={"role": "alluxio-master"})
    assert evictions.unmanaged([lonely, master, *pods()]) == ["web/lonely"]
    assert evictions.bound_here([lonely, master]) == ["web/alluxio-master-0"]


def test_workers_of_other_caches_are_known() -> None:
    labels = {"role": "alluxio-worker", "release": "b"}
    other = running("b-worker-x", "DaemonSet", labels=labels)
    assert evictions.names(evictions.other_workers([other, *pods()], "web", "a")) == [
        "web/b-worker-x"
    ]
    assert evictions.names(evictions.other_workers([other], "elsewhere", "b")) == ["web/b-worker-x"]
    assert evictions.other_workers([other], "web", "b") == []


@pytest.mark.parametrize(
    ("look", "more"),
    [
        ({"stat": {"exists": True}}, ["--cri-socket", "unix:///run/own.sock"]),
        ({"stat": {"exists": False}}, []),
        ({"unreachable": True}, []),
    ],
)
def test_kubeadm_is_told_the_runtime_that_the_host_has(look: Json, more: list[str]) -> None:
    """Of several it takes none by itself; one that is not there would hide from it the one that is."""
    tasks = yaml.safe_load((ROOT / "roles/remove_workers/tasks/leave.yml").read_text())
    [reset] = [one for one in tasks if "ansible.builtin.command" in one]
    variables = {
        "bootstrap_workers_cri_socket": "unix:///run/own.sock",
        "__remove_workers_runtime": look,
    }
    argv = trust_as_template(reset["ansible.builtin.command"]["argv"])
    found = Templar(DataLoader(), variables=variables).template(argv)
    assert found == ["kubeadm", "reset", "--force", *more]
