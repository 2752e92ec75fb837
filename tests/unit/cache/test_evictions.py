"""What runs on the nodes of a removal is asked for once, however many they are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust
from tests.unit.cache.kube_objects import Json
from tests.unit.cache.test_worker_removal import Action, Cluster


class Counted(Cluster):
    """A Cluster that counts the lists of all pods, which belong to DaemonSets."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = 0
        for one in self.pods:
            owners = [{"kind": "DaemonSet", "controller": True}]
            one["metadata"] |= {"namespace": "alluxio", "ownerReferences": owners}

    def list_objects(self, path: str, selector: str = "", **more: Any) -> list[Json]:
        self.lists += path == "/api/v1/pods"
        return super().list_objects(path, selector, **more)


def test_what_runs_on_the_hosts_is_one_list_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster_trust, "read", lambda *_: cluster_trust.Trust("", ""))
    kube = Counted()
    two = {"hosts": {"n2": "", "n3": ""}, "confirm": "n2,n3", "limit": "n2,n3"}
    assert Action("planned").on(kube, **two, drain=True)["nodes"] == ["n2", "n3"]
    assert kube.lists == 1
