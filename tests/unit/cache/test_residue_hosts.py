"""A purge deletes on the inventory's hosts what the kubeconfig's cluster says is not in use: they must be the same."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import residue as action
from ansible_collections.alluxops.cache.plugins.module_utils import residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.kube_objects import node

Json = dict[str, Any]


class Cluster:
    """Cluster B: n1 and n2, and no release."""

    def get(self, path: str) -> Json | None:
        del path
        return None

    def list_objects(self, path: str, selector: str = "") -> list[Json]:
        del selector
        return [node("n1"), node("n2")] if path == "/api/v1/nodes" else []


def read(hosts: list[str], *, purge: bool) -> Json:
    one = action.ActionModule.__new__(action.ActionModule)
    whose = residue.Whose("cache", "alluxio")
    cluster: Any = Cluster()
    result: Json = one._read(cluster, whose, {"purge": purge, "cache_nodes": hosts})
    return result


def test_a_purge_of_another_cluster_s_hosts_is_refused() -> None:
    with pytest.raises(SettingsError) as error:
        read(["n2", "a1", "a2"], purge=True)
    told = str(error.value)
    assert "a1, a2 are no nodes of the cluster" in told
    assert "n1, n2" in told
    assert "alluxops_kubeconfig" in told
    assert "take it out of the inventory's groups" in told


def test_hosts_of_the_cluster_are_purged_and_nothing_else_is_asked() -> None:
    assert read(["n1", "n2"], purge=True)["something"] is False
    assert read(["a1"], purge=False)["something"] is False
