"""An upgrade by hand does not lead running masters to another ZooKeeper, nor add some to a quorum all at once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cache.small_api import Server, kubeconfig, serving
from tests.unit.chart.rendering import Chart, Rendered

Json = dict[str, Any]
SPACE = "namespaces/cache"


def values(address: str, master: Json | None = None, **properties: str) -> Json:
    named = {f"alluxio.zookeeper.{name}.path": value for name, value in properties.items()}
    zookeeper = {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": address}
    return {"master": {"count": 3, **(master or {})}, "properties": {**zookeeper, **named}}


RUNNING = values("zk1:2181,zk2:2181", election="/e", leader="/l")


@pytest.fixture
def api() -> Iterator[Server]:
    with serving() as made:
        yield made


def resources(group: str, *kinds: str) -> tuple[int, Json]:
    found = [
        {"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": ["get"]}
        for kind in kinds
    ]
    return 200, {"kind": "APIResourceList", "groupVersion": group, "resources": found}


def told(
    api: Server, chart: Chart, folder: Path, after: Json, before: Rendered, *, stopped: bool = False
) -> str:
    """What `helm upgrade` of a release that was made so would say, from the same rendering of the chart."""
    masters = before.get("StatefulSet", "alluxio-master")
    if stopped:
        masters["spec"]["replicas"] = 0
    apps = {"groupVersion": "apps/v1", "version": "v1"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "alluxio-config"}}
    api.answers |= {
        "/api": (200, {"kind": "APIVersions", "versions": ["v1"]}),
        "/apis": (200, {"kind": "APIGroupList", "groups": [{"name": "apps", "versions": [apps]}]}),
        "/api/v1": resources("v1", "ConfigMap"),
        "/apis/apps/v1": resources("apps/v1", "StatefulSet"),
        f"/apis/apps/v1/{SPACE}/statefulsets/alluxio-master": (200, masters),
        f"/api/v1/{SPACE}/configmaps/alluxio-config": (200, {**config, "data": before.config()}),
    }
    config_file = kubeconfig(folder, f"http://127.0.0.1:{api.server_address[1]}")
    command = [str(chart.helm), "template", "alluxio", str(chart.path), "-n", "cache"]
    options = ["--values", "-", "--is-upgrade", "--dry-run=server", "--kubeconfig", config_file]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*command, *options],
        input=yaml.safe_dump(after),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"/apis/apps/v1/{SPACE}/statefulsets/alluxio-master" in [
        path for _, path, *_ in api.asked
    ]
    return done.stderr


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (values("zk3:2181", election="/e", leader="/l"), "the values say zk3:2181 (paths /e, /l)"),
        (values("zk1:2181", election="/x", leader="/l"), "(paths /x, /l)"),
        (values("zk1:2181", election="/e"), "(paths /e, /alluxio/leader)"),
        (values("zk1:2181/up", election="/e", leader="/l"), "(paths /up/e, /up/l)"),
        (
            values("zk1", {"properties": {"alluxio.zookeeper.election.path": "/m"}}, leader="/l"),
            "zk1:2181 (paths /m, /l)",
        ),
        (
            values("zk1.other.svc,zk1.cache,zk2.cache.svc:1", election="/e", leader="/l"),
            "the values say zk1.other.svc:2181",
        ),
        (
            values("zk3", {"running": 0}, election="/e", leader="/l"),
            "zk3:2181 (paths /e, /l)",
        ),
    ],
)
def test_running_masters_are_not_led_to_another_ensemble(
    api: Server, chart: Chart, tmp_path: Path, after: Json, said: str
) -> None:
    found = told(api, chart, tmp_path, after, chart.render(RUNNING))
    assert "The running masters elect through zk1:2181,zk2:2181 (paths /e, /l)" in found
    assert said in found
    assert "`alluxops uninstall` keeps the journal" in found


@pytest.mark.parametrize(
    ("after", "stopped"),
    [
        (RUNNING, False),
        (values("ZK2:2181,zk3:2181", election="/e", leader="/l"), False),
        (values("zk3:2181"), True),
        (values("zk9,ZK2.cache.svc.cluster.local.:2181", election="/e", leader="/l"), False),
        (values("zk1.cache.svc", election="/e", leader="/l"), False),
    ],
)
def test_the_same_ensemble_or_stopped_masters_are_no_reason(
    api: Server, chart: Chart, tmp_path: Path, after: Json, *, stopped: bool
) -> None:
    before = chart.render(RUNNING)
    assert "elect through" not in told(api, chart, tmp_path, after, before, stopped=stopped)


def test_what_is_rendered_without_a_cluster_is_not_refused(chart: Chart) -> None:
    chart.render(RUNNING)


EMBEDDED: Json = {"master": {"count": 3}, "journal": {"type": "EMBEDDED"}}


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (RUNNING, {**RUNNING, "master": {"count": 5}}, False),
        (EMBEDDED, {**EMBEDDED, "master": {"count": 5}}, True),
        (EMBEDDED, EMBEDDED, False),
        ({"master": {"count": 1}}, RUNNING, True),
    ],
    ids=["zookeeper-3-5", "embedded-3-5", "embedded-3", "none-to-zookeeper"],
)
def test_masters_come_and_go_all_at_once_only_where_they_share_a_journal(
    api: Server, chart: Chart, tmp_path: Path, before: Json, after: Json, *, refused: bool
) -> None:
    found = told(api, chart, tmp_path, after, chart.render(before))
    assert ("masters that come or go all at once" in found) == refused
