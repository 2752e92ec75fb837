"""What our chart refuses, preflight refuses: before namespace, directories, volumes and journals are made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils.refuse_options import CHARTS_OWN_ENV
from ansible_collections.alluxops.cache.plugins.module_utils.settings import SECRET_NAME
from ansible_collections.alluxops.cache.plugins.plugin_utils import charts
from tests.unit.cache.settings_cases import with_
from tests.unit.chart.refused_cases import (
    CASES,
    NO_SECRETS,
    SECRET_PROPERTIES,
    SECRET_VARIABLES,
    UNKNOWN_KEYS,
    WRONG_VALUES,
    limit,
    tiers,
)
from tests.unit.chart.rendering import CHART, Values
from tools.repository import ROOT

UPSTREAMS_FILES = sorted((ROOT / "tests/unit/chart/values").glob("*.yaml"))
OURS = charts.read_chart(CHART)


def early(values: Values, **changes: Any) -> list[str]:
    """What preflight says of alluxio_values with our chart."""
    settings = with_(values=dict(values), **changes)
    return [str(fault) for fault in charts.compose_checked(settings, OURS, {})[2]]


@pytest.mark.parametrize("values", [case for case, _ in CASES.values()], ids=CASES.keys())
def test_what_the_chart_refuses_is_refused_before(values: Values) -> None:
    assert early(values)


@pytest.mark.parametrize(("values", "key"), UNKNOWN_KEYS)
def test_a_key_that_the_chart_does_not_know_is_refused_before(values: Values, key: str) -> None:
    assert [fault for fault in early(values) if f"{key} is no key of the chart's values" in fault]


@pytest.mark.parametrize("values", WRONG_VALUES)
def test_what_the_charts_schema_refuses_is_refused_before(values: Values) -> None:
    assert early(values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        limit("1.5Gi") | tiers("1G"),
        limit("2e9"),
        limit(0),
        tiers("100G", mediumtype="SSD", path="/mnt/ssd", type="hostPath"),
        {"worker": {"enabled": False}} | tiers("64Gi"),
        {"fuse": {"enabled": True, "mountPath": "/mnt/a/", "mountPoint": "/mnt/alluxio-fuse"}},
        {"fuse": {"enabled": False, "mountPoint": "/mnt"}},
        {"properties": {"alluxio.master.rpc.port": 19998, "alluxio.x": 0.25, "alluxio.y": True}},
        {"properties": {"alluxio.worker.tieredstore.level0.dirs.quota": 2**30}},
        {"csi": {"enabled": False}, "hub": {"enabled": False}, "journal": {"size": 5}},
        {"master": {"replicas": 1, "affinity": {}, "extraServicePorts": []}},
        {"global": {"registry": "x"}},
        {"properties": {"alluxio.x": None}, "worker": {"properties": {"alluxio.x": None}}},
    ],
)
def test_what_the_chart_takes_passes(values: Values) -> None:
    assert early(values) == []


@pytest.mark.parametrize("file", UPSTREAMS_FILES, ids=[file.stem for file in UPSTREAMS_FILES])
def test_a_file_for_alluxios_own_charts_passes(file: Path) -> None:
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    version = str(values["imageTag"])
    values["journal"].pop("format", None)  # alluxio_journal_format is in its place
    assert early(values, version=version) == []


def test_a_fault_names_place_value_and_fix() -> None:
    (found,) = early({"csi": {"enabled": True}})
    assert "csi.enabled is True (alluxio_values)." in found
    assert "Fix: " in found


@pytest.mark.parametrize(
    ("replicas", "fix"), [(2, "3 (or 5) with"), (3, "3 with"), (5, "5 with"), (7, "3 (or 5) with")]
)
def test_a_number_of_masters_that_would_be_refused_is_not_advised(replicas: int, fix: str) -> None:
    (found,) = early({"master": {"replicas": replicas}})
    assert f"set alluxio_masters: {fix} alluxio_ha" in found


@pytest.mark.parametrize("name", SECRET_PROPERTIES)
def test_a_credential_is_refused_wherever_it_stands(name: str) -> None:
    for values in (
        {"properties": {name: "hunter2"}},
        {"fuse": {"properties": {name: "hunter2"}}},
        {"worker": {"jvmOptions": f"-Xmx1g -D{name}=hunter2"}},
    ):
        (found,) = early(values)
        assert name in found
        assert "hunter2" not in found


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_a_credential_in_the_environment_is_refused_before(name: str) -> None:
    assert early({"fuse": {"env": {name: "hunter2"}}})


def test_what_only_names_a_credential_passes() -> None:
    assert early({"properties": dict.fromkeys(NO_SECRETS, "x")}) == []


def test_the_chart_and_preflight_know_secrets_by_the_same_pattern() -> None:
    template = (CHART / "templates" / "_refuse_options.tpl").read_text(encoding="utf-8")
    assert re.findall(r'\$credential := "(.*?)" -}}', template) == [SECRET_NAME.pattern]


def test_the_chart_and_preflight_know_the_charts_own_variables() -> None:
    template = (CHART / "templates" / "_refuse_options.tpl").read_text(encoding="utf-8")
    listed = template.partition('define "alluxio.ownEnv" -}}')[2].partition("{{- end")[0]
    theirs = {name: sorted(own) for name, own in yaml.safe_load(listed).items()}
    assert {name: sorted(own) for name, own in CHARTS_OWN_ENV.items()} == theirs


def test_an_option_decides_no_port_either() -> None:
    (found,) = early({"master": {"jvmOptions": ["-Dalluxio.master.rpc.port=1"]}})
    assert "master.jvmOptions: -Dalluxio.master.rpc.port is '1' (alluxio_values)." in found
    assert early({"jvmOptions": "-Dalluxio.master.rpc.port=19998"}) == []


def test_each_case_of_a_limit_is_told_once() -> None:
    for memory in ("lots", "1Ei"):
        (found,) = early(limit(memory))
        assert f"worker.resources.limits.memory is {memory!r} (alluxio_values)." in found


def test_the_masters_are_not_taken_out_of_the_release_by_values() -> None:
    (found,) = early({"master": {"enabled": False}})
    assert "master.enabled is False (alluxio_values)." in found


def test_how_many_masters_run_is_told_to_be_scale_masters_business() -> None:
    (found,) = early({"master": {"running": 0}})
    assert "`alluxops scale-masters`" in found
