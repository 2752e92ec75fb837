"""What cannot be measured is refused before a pod is made; what can be is told without one in check mode."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action import network
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from tests.unit.cache.kube_objects import container, node, pod

Json = dict[str, Any]

OPTIONS: Json = {
    "namespace": "alluxio", "release": "alluxio", "image": "toolbox:1", "compute_nodes": [], "pairs": 50,
    "seconds": 2, "streams": 4, "seed": 0, "host_network": False, "root_ufs": "s3://b/p/",
    "root_ufs_options": {}, "secret": "lab-s3", "store_object": "", "report": "", "wait_timeout_s": 5,
}  # fmt: skip


class Api:
    """A release with a worker on each of some nodes; making anything fails."""

    def __init__(self, *workers: str) -> None:
        self.workers = [pod(f"w-{name}", "alluxio-worker", name) for name in workers]
        self.nodes = [node("n1"), node("n2"), node("gpu1"), node("gpu2", ready=False)]
        self.secrets = ["lab-s3"]

    def list_objects(self, path: str, *_: Any, fields: str = "", **__: Any) -> list[Json]:
        if path.endswith("/nodes"):
            return self.nodes
        if path.endswith("/secrets"):
            return [{} for name in self.secrets if fields == f"metadata.name={name}"]
        return self.workers

    def get(self, path: str) -> Json | None:
        if not path.endswith("/daemonsets/alluxio-worker"):
            return None
        template = {"spec": {"containers": [{"name": "alluxio-worker", "image": "alluxio:2.9.6"}]}}
        return {
            "metadata": {"name": "alluxio-worker"},
            "spec": {"template": template},
            "status": {},
        }

    def pod_http(self, *_: Any) -> str | None:
        return None


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


def act(api: Api, **options: Any) -> str:
    """The summary of a check."""
    made: Any = network.ActionModule.__new__(network.ActionModule)
    made._task = SimpleNamespace(check_mode=True)
    found = made.act(cast("Kube", api), {**OPTIONS, **options})
    assert found["changed"] is False
    return "\n".join(found["summary"])


def test_a_check_says_what_would_be_measured() -> None:
    told = act(Api("n1", "n2"), compute_nodes=["gpu1", "n1"])
    assert "workers    n1 n2" in told
    assert "compute    gpu1" in told
    assert "measure 3 of 3 pairs" in told
    assert "store      s3://b/p/" in told


def test_one_node_is_measured_as_far_as_one_can_be() -> None:
    told = act(Api("n1"))
    assert "measure no pair of nodes" in told
    assert "n1 is the only one, and a link takes two" in told


def test_a_root_that_is_no_s3_is_told() -> None:
    assert "/data is not read by S3, so it is not measured" in act(
        Api("n1", "n2"), root_ufs="/data", secret="no-such"
    )


REFUSED: list[tuple[Json, str]] = [
    ({"compute_nodes": ["gpu7"]}, "network_compute_nodes has 'gpu7', no node of the cluster"),
    ({"compute_nodes": ["gpu2"]}, "network_compute_nodes has gpu2, which is not ready"),
    ({"pairs": 0}, "network_pairs is 0"),
    ({"seconds": 3600}, "network_seconds is 3600"),
    ({"streams": -1}, "network_streams is -1"),
    ({"secret": "other"}, "there is no Secret other in alluxio"),
    ({"report": "relative.json"}, "network_report is 'relative.json'"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_what_cannot_be_measured_is_refused(options: Json, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        act(Api("n1", "n2"), **options)
    assert words in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        act(Api("n1"), compute_nodes=["gpu7"], secret="other")
    assert "gpu7" in str(caught.value)
    assert "Secret other" in str(caught.value)


def test_a_cache_without_workers_is_refused() -> None:
    api = Api("n1")
    api.workers = [pod("w", "alluxio-worker", "n1", [container("alluxio-worker")])]
    api.workers[0]["status"]["phase"] = "Pending"
    with pytest.raises(SettingsError, match="no worker of alluxio/alluxio runs"):
        act(api)
