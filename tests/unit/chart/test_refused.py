"""Settings that cannot work end before anything reaches the cluster, with what is wrong and its fix."""

from __future__ import annotations

import pytest

from tests.unit.chart.rendering import Chart, Values

MEMORY_JOURNAL = {"volumeType": "emptyDir", "format": {"runFormat": False}}
ZOOKEEPER = {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": "zk:2181"}

CASES: dict[str, tuple[Values, str]] = {
    "a manifest": ({"apiVersion": "v1", "kind": "ConfigMap", "data": {}}, "manifest"),
    "the guide's --set": ({"alluxio": {"zookeeper": {"enabled": True}}}, "properties: {"),
    "two masters": ({"master": {"count": 2}, "journal": {"type": "EMBEDDED"}}, "odd number"),
    "four masters": ({"master": {"count": 4}, "journal": {"type": "EMBEDDED"}}, "odd number"),
    "masters apart": ({"master": {"count": 3}}, "a cache of its own"),
    "more running than known": (
        {"master": {"count": 1, "running": 2}},
        "Fix: set master.count to the number of masters",
    ),
    "replicas": ({"master": {"replicas": 3}}, "Fix: set master.count to 3"),
    "two elections": (
        {"journal": {"type": "EMBEDDED"}, "properties": ZOOKEEPER},
        "either way, not both",
    ),
    "no master": ({"master": {"enabled": False}}, "nothing says where the master is"),
    "format HDFS": (
        {
            "journal": {
                "ufsType": "HDFS",
                "folder": "hdfs://nn:8020/journal",
                "format": {"runFormat": True},
            }
        },
        "would erase it",
    ),
    "HDFS in a directory": ({"journal": {"ufsType": "HDFS"}}, "a local directory"),
    "relative journal": ({"journal": {"folder": "journal"}}, "absolute path"),
    "journal never formatted": ({"journal": MEMORY_JOURNAL}, "formats empty journals only"),
    "CSI": ({"csi": {"enabled": True}}, "no CSI driver"),
    "CSI client": ({"csi": {"clientEnabled": True}}, "no CSI driver"),
    "hub": ({"hub": {"enabled": True}}, "not part of 2.8"),
    "FUSE in the worker": ({"worker": {"fuseEnabled": True}}, "fuse.enabled"),
    "two mount points": (
        {"fuse": {"enabled": True, "mountPath": "/mnt/a", "mountPoint": "/mnt/b"}},
        "two names of one setting",
    ),
    "FUSE under the root": ({"fuse": {"enabled": True, "mountPoint": "/alluxio"}}, "two levels"),
    "a blank in a property": (
        {"properties": {"alluxio.x": "a b"}},
        'properties.alluxio.x is "a b"',
    ),
    "a command in a property": ({"worker": {"properties": {"alluxio.x": "$(id)"}}}, "worker."),
    "a nested property": (
        {"properties": {"alluxio": {"user": {"x": 1}}}},
        "properties",
    ),
    "another port by property": (
        {"properties": {"alluxio.master.rpc.port": 1}},
        "Fix: set master.ports.rpc",
    ),
    "another quota by property": (
        {"worker": {"properties": {"alluxio.worker.tieredstore.level0.dirs.quota": "2G"}}},
        "Fix: set tieredstore.levels",
    ),
    "another master by property": (
        {"properties": {"alluxio.master.hostname": "here"}},
        "the release's name",
    ),
}


@pytest.mark.parametrize(("values", "said"), CASES.values(), ids=CASES.keys())
def test_is_refused_with_its_reason(chart: Chart, values: Values, said: str) -> None:
    assert said in chart.refused(values)


def test_the_guides_set_flag_is_refused(chart: Chart) -> None:
    error = chart.refused({}, "--set", "alluxio.zookeeper.enabled=true")
    assert "names with dots are Alluxio's properties" in error


def test_all_mistakes_are_named_at_once(chart: Chart) -> None:
    error = chart.refused({"csi": {"enabled": True}, "master": {"replicas": 3}})
    assert "no CSI driver" in error
    assert "master.count" in error


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"masters": {"count": 3}}, "masters"),
        ({"master": {"replica": 3}}, "replica"),
        ({"worker": {"ramdisk": {"size": "1G"}}}, "ramdisk"),
        ({"journal": {"typ": "UFS"}}, "typ"),
        ({"tieredstore": {"levels": [{"quota": "1G", "sice": 1}]}}, "sice"),
        ({"shortCircuit": {"path": "/x"}}, "path"),
        ({"fuse": {"mountpoint": "/mnt/x"}}, "mountpoint"),
        ({"master": {"readinessProbe": {"httpGet": {}}}}, "httpGet"),
        ({"secrets": {"masters": {}}}, "masters"),
        ({"metrics": {"StdoutSink": {}}}, "StdoutSink"),
    ],
)
def test_an_unknown_key_is_refused_by_name(chart: Chart, values: Values, key: str) -> None:
    error = chart.refused(values)
    assert "additional properties" in error
    assert f"'{key}'" in error


@pytest.mark.parametrize(
    "values",
    [
        {"master": {"count": "3"}},
        {"journal": {"type": "LOCAL"}},
        {"journal": {"volumeType": "hostPath"}},
        {"shortCircuit": {"policy": "none"}},
        {"tieredstore": {"levels": []}},
        {"worker": {"ports": {"rpc": 99999}}},
        {"properties": ["alluxio.x=1"]},
        {"worker": {"env": {"NAME": {"valueFrom": {}}}}},
    ],
)
def test_a_wrong_type_or_choice_is_refused(chart: Chart, values: Values) -> None:
    assert "values don't meet the specifications of the schema" in chart.refused(values)
