"""Values files written for Alluxio's own charts of 2.8 and 2.9 work unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.chart.rendering import Chart

FILES = sorted((Path(__file__).parent / "values").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_file_with_every_key_of_that_chart_renders(chart: Chart, file: Path) -> None:
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    rendered = chart.render(values)
    assert rendered.names("StatefulSet") == ["alluxio-master"]
    assert "alluxio-worker" in rendered.names("DaemonSet")


def test_there_is_a_file_of_each_line(chart: Chart) -> None:
    assert [file.stem for file in FILES] == ["chart-2.8", "chart-2.9"]


def test_its_probe_times_sizes_and_claims_are_taken_over(chart: Chart) -> None:
    values = yaml.safe_load(FILES[-1].read_text(encoding="utf-8"))
    rendered = chart.render(values)
    master = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")
    assert master["readinessProbe"]["initialDelaySeconds"] == 10
    assert master["resources"]["limits"] == {"cpu": "4", "memory": "8Gi"}
    volumes = rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    [domain] = [each for each in volumes if each["name"] == "domain"]
    claim = {"claimName": "alluxio-worker-domain-socket"}
    assert domain["persistentVolumeClaim"] == claim


def test_the_guides_own_settings_come_out_as_meant(chart: Chart) -> None:
    """A quota of 1G: ten to the ninth in Kubernetes, two to the thirtieth in Alluxio."""
    values = yaml.safe_load(FILES[0].read_text(encoding="utf-8"))
    volumes = chart.render(values).pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    [tier] = [each for each in volumes if each["name"] == "tier0-0"]
    assert tier["emptyDir"]["sizeLimit"] == "1073741824"
