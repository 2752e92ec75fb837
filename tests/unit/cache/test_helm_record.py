"""A revision's own chart and values come back out of what Helm keeps of it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import cluster_check
from ansible_collections.alluxops.cache.plugins.action import helm_release as action
from ansible_collections.alluxops.cache.plugins.module_utils import helm_record, release
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import helm_records

Json = dict[str, Any]
MANIFEST = """---
# Source: alluxio/templates/master.yaml
kind: StatefulSet
metadata: {name: alluxio-master}
spec: {template: {spec: {containers: [{image: "r:5000/alluxio:TAG"}]}}}
"""


def text(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def secret(number: int, tag: str = "2.9.4", **more: Any) -> Json:
    """A Secret as Helm writes it."""
    record: Json = {
        "name": "alluxio",
        "version": number,
        "config": {"imageTag": tag, "master": {"count": 1}},
        "manifest": MANIFEST.replace("TAG", tag),
        "chart": {
            "metadata": {"apiVersion": "v2", "name": "alluxio", "version": "0.1.0"},
            "values": {"quota": 1073741824},
            "schema": text("{}"),
            "templates": [{"name": "templates/master.yaml", "data": text("kind: {{ 1 }}")}],
            "files": [{"name": "files/x.sh", "data": text("echo")}, {"name": "empty", "data": ""}],
        },
        **more,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(record).encode()))
    return {
        "metadata": {
            "name": f"sh.helm.release.v1.alluxio.v{number}",
            "creationTimestamp": f"2026-01-0{number}T12:00:00Z",
        },
        "data": {"release": base64.b64encode(packed).decode()},
    }


class Secrets:
    """Kube, as far as Helm's records go."""

    def __init__(self, *found: Json) -> None:
        self.found = found

    def get(self, path: str) -> Json | None:
        name = path.rpartition("/")[2]
        return next((each for each in self.found if each["metadata"]["name"] == name), None)

    def list_objects(self, _path: str, selector: str) -> list[Json]:
        assert selector == "owner=helm,name=alluxio"
        return list(self.found)


def test_the_chart_of_a_revision_is_whole() -> None:
    record = helm_record.read(secret(3))
    assert (record.number, record.values["imageTag"]) == (3, "2.9.4")
    assert {name: content.decode() for name, content in record.files.items()} == {
        "Chart.yaml": '{"apiVersion": "v2", "name": "alluxio", "version": "0.1.0"}',
        "values.yaml": '{"quota": 1073741824}',
        "values.schema.json": "{}",
        "templates/master.yaml": "kind: {{ 1 }}",
        "files/x.sh": "echo",
        "empty": "",
    }


def test_a_record_that_cannot_be_read_is_told() -> None:
    with pytest.raises(CacheError, match=r"alluxio\.v3 cannot be read"):
        helm_record.read(secret(3, chart=None))
    with pytest.raises(CacheError, match=r"alluxio\.v3 cannot be read"):
        helm_record.read({**secret(3), "data": {"release": "cut"}})


def test_the_eras_are_read_from_the_records() -> None:
    kube: Any = Secrets(secret(4, "2.9.6"), secret(3))
    assert [(era.revision, era.tag) for era in helm_records.eras(kube, "cache", "alluxio")] == [
        (3, "2.9.4"),
        (4, "2.9.6"),
    ]


def test_how_many_masters_there_were_is_told_by_the_newest_record_that_has_any() -> None:
    stopped = secret(
        5, manifest=MANIFEST.replace("spec: {template", "spec: {replicas: 0, template")
    )
    three = secret(4, manifest=MANIFEST.replace("spec: {template", "spec: {replicas: 3, template"))
    kube: Any = Secrets(secret(3), three, stopped)
    assert helm_records.masters(kube, "cache", "alluxio", [3, 4, 5, 6]) == 3
    assert helm_records.masters(kube, "cache", "alluxio", [5]) == 0


def test_stale_lines_are_refused_from_the_records_where_nothing_else_tells() -> None:
    three = secret(4, manifest=MANIFEST.replace("spec: {template", "spec: {replicas: 3, template"))
    kube: Any = Secrets(three)
    found = {
        "revisions": [{"revision": 4}],
        "masters": {"replicas": 0, "ha": "zookeeper", "count": 0},
    }
    names = {"namespace": "cache", "release": "alluxio"}
    assert cluster_check._with_count(kube, found, names)["masters"]["count"] == 3
    found["masters"] = {"replicas": 1, "ha": "zookeeper"}
    assert cluster_check._with_count(kube, found, names) is found


def test_values_are_laid_over_those_of_the_revision() -> None:
    kube: Any = Secrets(secret(3))
    given = {"namespace": "cache", "release": "alluxio", "revision": "3"}
    over = {"master": {"properties": {"a": "b"}}}
    found = action._of_revision(kube, {**given, "values": over})
    assert found["values"] == {
        "imageTag": "2.9.4",
        "master": {"count": 1, "properties": {"a": "b"}},
    }
    assert found["chart_archive"]
    with pytest.raises(SettingsError, match="no record of revision 9"):
        action._of_revision(kube, {**given, "revision": 9})


def test_the_step_of_a_restore_names_where_it_goes() -> None:
    assert release.step_label("restore", 7) == "restore-7"
    assert release.step_label("masters", 7) == "masters"
    assert [release.restore_goal(each) for each in ("restore-7", "masters", "", "restore-x")] == [
        7,
        0,
        0,
        0,
    ]


@pytest.mark.parametrize(("step", "most"), [("whole", "10"), ("restore-7", "0")])
def test_helm_does_not_forget_where_a_restore_goes(step: str, most: str) -> None:
    command = release.upgrade_command(
        "alluxio", ["c"], values="v", timeout_s=1, label="h", step=step
    )
    assert command[command.index("--history-max") + 1] == most
