"""Names, labels, selectors and ports: what users, other tools and Kubernetes hold on to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.chart.rendering import CHART, Chart, Rendered, Values

EVERYTHING = {
    "fuse": {"enabled": True},
    "proxy": {"enabled": True},
    "logserver": {"enabled": True},
    "metrics": {"enabled": True},
    "shortCircuit": {"volumeType": "persistentVolumeClaim"},
    "master": {"count": 3},
    "journal": {"type": "EMBEDDED"},
}


def test_helm_finds_nothing_to_lint(helm: Path) -> None:
    done = subprocess.run(
        [helm, "lint", "--strict", CHART], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_a_release_called_alluxio_has_the_names_that_guides_use(chart: Chart) -> None:
    rendered = chart.render(EVERYTHING)
    assert rendered.names("StatefulSet") == ["alluxio-master"]
    assert sorted(rendered.names("DaemonSet")) == [
        "alluxio-fuse",
        "alluxio-proxy",
        "alluxio-worker",
    ]
    assert sorted(rendered.names("ConfigMap")) == ["alluxio-config", "alluxio-metrics"]
    assert rendered.names("Deployment") == ["alluxio-logserver"]
    assert "alluxio-worker-domain-socket" in rendered.names("PersistentVolumeClaim")
    assert {f"alluxio-master-{n}" for n in range(3)} <= set(rendered.names("Service"))


@pytest.mark.parametrize(
    ("release", "values", "prefix"),
    [("tryme", {}, "tryme"), ("tryme", {"fullnameOverride": "cache"}, "cache")],
)
def test_names_begin_with_the_release_or_its_override(
    chart: Chart, release: str, values: dict[str, object], prefix: str
) -> None:
    rendered = chart.render(EVERYTHING | values, release)
    names = [each["metadata"]["name"] for each in rendered.manifests]
    assert [name for name in names if not name.startswith(f"{prefix}-")] == []
    assert (
        f"{prefix}-master-0"
        in rendered.properties("WORKER")["alluxio.master.embedded.journal.addresses"]
    )


def test_the_journal_claim_is_named_as_the_volumes_expect(default: Rendered) -> None:
    [claim] = default.get("StatefulSet", "alluxio-master")["spec"]["volumeClaimTemplates"]
    # With the StatefulSet's name and the ordinal: alluxio-journal-alluxio-master-0.
    assert claim["metadata"]["name"] == "alluxio-journal"


def test_every_object_carries_the_labels(chart: Chart) -> None:
    for each in chart.render(EVERYTHING).manifests:
        labels = each["metadata"]["labels"]
        assert {"app", "chart", "release", "heritage"} <= set(labels), each["metadata"]["name"]


@pytest.mark.parametrize(
    ("kind", "name", "role"),
    [
        ("StatefulSet", "alluxio-master", "alluxio-master"),
        ("DaemonSet", "alluxio-worker", "alluxio-worker"),
        ("DaemonSet", "alluxio-fuse", "alluxio-fuse"),
        ("DaemonSet", "alluxio-proxy", "alluxio-proxy"),
    ],
)
def test_pods_are_found_by_app_release_and_role(
    chart: Chart, kind: str, name: str, role: str
) -> None:
    labels = chart.render(EVERYTHING).pod(kind, name)["metadata"]["labels"]
    assert labels == {"app": "alluxio", "release": "alluxio", "heritage": "Helm", "role": role}


def test_a_new_chart_version_restarts_nothing_and_keeps_every_immutable_field(
    chart: Chart, tmp_path: Path
) -> None:
    newer = tmp_path / "alluxio"
    shutil.copytree(CHART, newer)
    described = yaml.safe_load((newer / "Chart.yaml").read_text(encoding="utf-8"))
    described["version"] = "99.0.0"
    (newer / "Chart.yaml").write_text(yaml.safe_dump(described), encoding="utf-8")

    before = chart.render(EVERYTHING)
    after = Chart(chart.helm, newer).render(EVERYTHING)
    assert after.text() != before.text()
    for kind in ("StatefulSet", "DaemonSet", "Deployment"):
        for name in before.names(kind):
            assert after.get(kind, name)["spec"] == before.get(kind, name)["spec"]


@pytest.mark.parametrize("values", [{}, EVERYTHING])
def test_each_masters_name_has_an_address_that_outlives_its_pod(
    chart: Chart, values: Values
) -> None:
    rendered = chart.render(values)
    for ordinal in range(3 if values else 1):
        spec = rendered.get("Service", f"alluxio-master-{ordinal}")["spec"]
        assert spec["type"] == "ClusterIP"
        assert "clusterIP" not in spec
        assert spec["selector"]["statefulset.kubernetes.io/pod-name"] == f"alluxio-master-{ordinal}"


def test_the_masters_set_has_the_headless_service_that_it_needs(chart: Chart) -> None:
    rendered = chart.render(EVERYTHING)
    governing = rendered.get("StatefulSet", "alluxio-master")["spec"]["serviceName"]
    assert rendered.get("Service", governing)["spec"]["clusterIP"] == "None"


def test_a_master_finds_itself_among_its_peers_by_name(chart: Chart) -> None:
    rendered = chart.render(EVERYTHING)
    peers = rendered.properties("MASTER")["alluxio.master.embedded.journal.addresses"].split(",")
    assert peers == [f"alluxio-master-{ordinal}:19200" for ordinal in range(3)]
    assert rendered.properties("MASTER")["alluxio.master.hostname"] == "${ALLUXIO_MASTER_HOSTNAME}"


def test_masters_find_each_other_before_they_are_ready(chart: Chart) -> None:
    rendered = chart.render(EVERYTHING)
    for ordinal in range(3):
        spec = rendered.get("Service", f"alluxio-master-{ordinal}")["spec"]
        assert spec["publishNotReadyAddresses"] is True


def test_a_masters_service_has_every_port_by_name(default: Rendered) -> None:
    ports = default.get("Service", "alluxio-master-0")["spec"]["ports"]
    assert {each["name"]: each["port"] for each in ports} == {
        "rpc": 19998,
        "web": 19999,
        "embedded": 19200,
        "job-rpc": 20001,
        "job-web": 20002,
        "job-embedded": 20003,
    }


def test_a_changed_port_changes_service_probe_and_process_alike(chart: Chart) -> None:
    rendered = chart.render({"master": {"ports": {"rpc": 1998, "web": 1999}}})
    ports = rendered.get("Service", "alluxio-master-0")["spec"]["ports"]
    assert {"name": "rpc", "port": 1998} in ports
    master = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")
    assert master["livenessProbe"]["tcpSocket"]["port"] == 1998
    assert master["readinessProbe"]["httpGet"]["port"] == 1999
    assert rendered.properties("WORKER")["alluxio.master.rpc.port"] == "1998"


def test_no_service_leaves_the_cluster(chart: Chart) -> None:
    rendered = chart.render(EVERYTHING)
    for name in rendered.names("Service"):
        assert rendered.get("Service", name)["spec"].get("type", "ClusterIP") == "ClusterIP"
