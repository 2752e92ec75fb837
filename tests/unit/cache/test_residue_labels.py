"""An uninstall takes the label of the workers' nodes away, or says who has to."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.action import residue as action
from ansible_collections.alluxops.cache.plugins.module_utils.residue import Whose
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError
from tests.unit.cache.kube_objects import node

Json = dict[str, Any]

KEY = "alluxops.io/cache.alluxio"
WHOSE = Whose("cache", "alluxio")


class Cluster:
    """n1 carries the release's label, n2 that of another."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.nodes = [node("n1"), node("n2")]
        self.nodes[0]["metadata"]["labels"][KEY] = "worker"
        self.nodes[1]["metadata"]["labels"]["alluxops.io/cache.other"] = "worker"

    def list_objects(self, path: str) -> list[Json]:
        assert path == "/api/v1/nodes"
        return self.nodes

    def merge(self, path: str, patch: Json) -> Json:
        if self.status:
            raise ApiError(f"PATCH {path}", self.status, "forbidden")
        assert (path, patch) == ("/api/v1/nodes/n1", {"metadata": {"labels": {KEY: None}}})
        del self.nodes[0]["metadata"]["labels"][KEY]
        return {}


def test_the_label_of_this_release_goes_and_no_other() -> None:
    cluster: Any = Cluster()
    assert action._unlabel(cluster, WHOSE, check_mode=True) == [f"label {KEY} of Node n1"]
    assert action._unlabel(cluster, WHOSE, check_mode=False) == [f"label {KEY} of Node n1"]
    assert action._unlabel(cluster, WHOSE, check_mode=False) == []
    assert action._labels_left(cluster, WHOSE) == []


def test_a_label_that_we_may_not_remove_is_told() -> None:
    cluster: Any = Cluster(403)
    assert action._unlabel(cluster, WHOSE, check_mode=False) == []
    (line,) = action._labels_left(cluster, WHOSE)
    assert f"`kubectl label node n1 {KEY}-`" in line
