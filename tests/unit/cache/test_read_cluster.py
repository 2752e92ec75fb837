"""What read_cluster asks the leader for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import noted_backup, versions
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from tests.unit.cache.kube_objects import pod

Json = dict[str, Any]


class Kube:
    """A release of one master."""

    version = "1.30.1"

    def __init__(self, image: str = "alluxio:2.9.6") -> None:
        self.image = image
        self.asked = 0
        self.replicas = 1
        self.options = ""
        self.notes: Json = {}

    def platform(self) -> str:
        return ""

    def get(self, path: str) -> Json | None:
        if path.endswith("/configmaps/alluxio-config"):
            return {"data": {"ALLUXIO_JAVA_OPTS": self.options}}
        if not path.endswith("/statefulsets/alluxio-master"):
            return None
        containers = [{"name": "alluxio-master", "image": self.image}]
        spec = {"replicas": self.replicas, "template": {"spec": {"containers": containers}}}
        return {"metadata": {"name": "alluxio-master", "annotations": self.notes}, "spec": spec}

    def list_objects(self, path: str, *_: Any, **__: Any) -> list[Json]:
        if not path.endswith("/pods"):
            return []
        found = pod("alluxio-master-0", "alluxio-master", "n1")
        found["spec"]["containers"][0]["image"] = self.image
        return [found]

    def pod_http(self, *_: Any) -> str:
        self.asked += 1
        return '{"version": "2.9.4", "workers": []}'


@pytest.mark.parametrize("image", ["alluxio:prod", "r:5000/alluxio@sha256:0a1b"])
def test_the_leader_tells_the_version_that_no_tag_names(image: str) -> None:
    found = objects.read_cluster(Kube(image), "cache", "alluxio")  # type: ignore[arg-type]
    assert versions.running(found) == "2.9.4"


def test_it_is_not_asked_for_what_the_tags_name() -> None:
    kube = Kube("alluxio:2.9.6-custom")
    assert versions.running(objects.read_cluster(kube, "cache", "alluxio")) == "2.9.6-custom"  # type: ignore[arg-type]
    assert kube.asked == 0


EMBEDDED = (
    "-Dalluxio.master.journal.type=EMBEDDED"
    " -Dalluxio.master.embedded.journal.addresses=m-0:19200,m-1:19200,m-2:19200"
)
ZOOKEEPER = "-Dalluxio.zookeeper.enabled=true"


def test_the_ensemble_is_what_the_release_tells_its_masters() -> None:
    kube: Any = Kube()
    kube.options = f"{ZOOKEEPER} -Dalluxio.zookeeper.address=zk:2181"
    found = objects.read_cluster(kube, "cache", "alluxio")["masters"]["ensemble"]
    assert found.servers == ("zk:2181",)


@pytest.mark.parametrize(
    ("options", "notes", "count"),
    [
        (EMBEDDED, {}, 3),
        ("", {}, 1),
        (ZOOKEEPER, {noted_backup.MASTERS_BEFORE: "2"}, 2),
        (ZOOKEEPER, {}, 0),
    ],
)
def test_how_many_masters_there_were_is_told_while_all_are_stopped(
    options: str, notes: Json, count: int
) -> None:
    kube: Any = Kube()
    kube.replicas, kube.options, kube.notes = 0, options, notes
    assert objects.read_cluster(kube, "cache", "alluxio")["masters"]["count"] == count
