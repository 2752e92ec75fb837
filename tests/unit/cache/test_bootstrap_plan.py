"""What a run may not begin with is refused for all hosts at once, and what it may do is planned with a few lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import bootstrap_plan as action
from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import (
    cluster_trust,
    kubelet_settings,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.cluster_trust import Trust
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from tests.unit.cache.kube_objects import node
from tests.unit.cache.test_bootstrap import facts
from tests.unit.cache.test_package_files import elf, put

Json = dict[str, Any]

CHECKED: Json = {"checks": [], "problems": [], "membership": facts(), "failed": False}
SETTINGS: Json = {}
OF_HOST: Json = {}
"""Variables of one host alone."""
FUSE = {"containers": [{"env": [{"name": "MOUNT_POINT", "value": "/mnt/alluxio-fuse"}]}]}


class Cluster:
    """A Kube with a release, and n1 alone in it."""

    version = "1.34.4"

    def __init__(self) -> None:
        self.is_installed = True

    def get(self, path: str) -> Json | None:
        if path.endswith("/kubelet-config"):
            return {"data": {"kubelet": "cgroupDriver: cgroupfs\nfailSwapOn: false\n"}}
        if path.endswith("-fuse"):
            return {"spec": {"template": {"spec": FUSE}}}
        if path == "/nowhere":
            return None
        return {"spec": {"template": {"spec": {}}}} if self.is_installed else None

    def list_objects(self, _path: str) -> list[Json]:
        return [node("n1")]


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(Kube, "open", lambda _path: found)
    monkeypatch.setattr(cluster_trust, "read", lambda *_: Trust("10.0.0.1:6443", ""))
    monkeypatch.setattr(objects, "look", lambda *_: health.Seen([], None))
    return found


def plan(limit: str = "", **results: Json) -> Json:
    options: Json = {
        "kubeconfig": "",
        "namespace": "alluxio",
        "release": "alluxio",
        "results": results,
        "max_fail_percentage": 10,
    }
    task_vars: Json = {
        "groups": {"all": ["n4"], "new_workers": ["n4"]},
        "ansible_play_hosts_all": list(results),
        "hostvars": {
            host: {"bootstrap_workers_join": True, **SETTINGS, **OF_HOST.get(host, {})}
            for host in results
        },
    }
    if limit:
        task_vars["ansible_limit"] = limit
    return dict(
        action.ActionModule.__new__(action.ActionModule).act_on_controller(options, task_vars)
    )


def test_a_host_is_planned_with_where_fuse_mounts(kube: Cluster) -> None:
    found = plan(n4=CHECKED)
    assert found["plans"]["n4"]["step"] == "join"
    assert found["mount_points"] == ["/mnt/alluxio-fuse"]
    assert found["shown"] == ["n4: joins the cluster and becomes a worker"]


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({"unreachable": True, "msg": "no route"}, "the host n4 cannot be reached"),
        # What failed_when made of a task that could not become root.
        ({"failed": False, "msg": "Incorrect sudo password"}, "Incorrect sudo password"),
        (
            {"failed": False, "msg": "Missing sudo password"},
            "set the right ansible_become_password",
        ),
        (
            {
                "failed": False,
                "msg": "Task failed: Premature end of stream waiting for become success.\n",
            },
            "set the right ansible_become_password",
        ),
        ({"failed": False, "msg": "SyntaxError"}, "Python 3.9 or newer is needed there"),
        (
            {**CHECKED, "problems": [{"what": "no space", "value": "1 B", "fix": "free some"}]},
            "no space on n4: 1 B",
        ),
    ],
)
def test_a_host_that_could_not_be_looked_at_is_refused_with_the_reason(
    kube: Cluster, result: Json, says: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        plan(n4=result)
    assert says in str(refusal.value)
    assert "Fix:" in str(refusal.value)


def test_how_the_clusters_kubelets_are_is_handed_on(kube: Cluster) -> None:
    swapping = {**CHECKED, "membership": facts(swaps=["/dev/sda2"])}
    found = plan(n4=swapping)
    assert (found["version"], found["cgroup_driver"]) == ("1.34.4", "cgroupfs")
    assert found["offers"] == {"n4": []}


def test_without_a_published_configuration_kubeadms_defaults_are_taken(
    kube: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubelet_settings, "PUBLISHED", "/nowhere")
    assert plan(n4=CHECKED)["cgroup_driver"] == "systemd"
    with pytest.raises(SettingsError, match="swaps to"):
        plan(n4={**CHECKED, "membership": facts(swaps=["/dev/sda2"])})


def test_a_hosts_own_files_are_looked_at(
    kube: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, checksum = put(tmp_path / "kubelet", elf())
    files = [{"path": path, "checksum": checksum}]
    monkeypatch.setitem(SETTINGS, "bootstrap_workers_install_method", "files")
    monkeypatch.setitem(SETTINGS, "bootstrap_workers_files", files)
    monkeypatch.setattr(action.ActionModule, "_find_needle", lambda _self, _folder, name: name)
    kept = facts(machine="x86_64", programs={**facts()["programs"], "runc": "1.1.5"})
    [offer] = plan(n4={**CHECKED, "membership": kept})["offers"]["n4"]
    assert (offer["path"], offer["programs"]) == (path, ["kubelet"])


def test_each_host_is_planned_by_its_own_wishes(
    kube: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an inventory in INI has them, texts among them; n1 is a worker that is mended."""
    kubelet = {"server": "https://10.0.0.1:6443", "authorities": []}
    worker = {**CHECKED, "membership": facts(machine_id="", kubelet=kubelet)}
    own: Json = {"bootstrap_workers_labels": {"pool": 1}, "bootstrap_workers_join": "yes"}
    monkeypatch.setitem(OF_HOST, "n4", own)
    monkeypatch.setitem(OF_HOST, "n1", {"bootstrap_workers_join": "false"})
    found = plan(n4=CHECKED, n1=worker)["plans"]
    assert found["n4"]["labels"] == {"pool": "1"}
    assert (found["n1"]["step"], found["n1"]["labels"], found["n1"]["taints"]) == ("member", {}, [])
    monkeypatch.setitem(OF_HOST, "n4", {"bootstrap_workers_join": "false"})
    with pytest.raises(SettingsError, match="n4 has not joined the cluster"):
        plan(n1=worker, n4=CHECKED)
    monkeypatch.setitem(OF_HOST, "n4", {"bootstrap_workers_taints": "own"})
    with pytest.raises(SettingsError, match=r"bootstrap_workers_taints is 'own' \(n4\)"):
        plan(n1=worker, n4=CHECKED)


def test_all_faults_are_told_at_once(kube: Cluster) -> None:
    kube.is_installed = False
    with pytest.raises(SettingsError) as refusal:
        plan("n4,n9", n4={"unreachable": True, "msg": ""})
    said = str(refusal.value)
    assert "n9 of --limit" in said
    assert "cannot be reached" in said
    assert "the cache alluxio/alluxio is not installed" in said
