"""Settings that cannot work end before anything reaches the cluster, with what is wrong and its fix."""

from __future__ import annotations

import pytest

from tests.unit.chart.refused_cases import CASES, UNKNOWN_KEYS, WRONG_VALUES
from tests.unit.chart.rendering import Chart, Values


@pytest.mark.parametrize(("values", "said"), CASES.values(), ids=CASES.keys())
def test_is_refused_with_its_reason(chart: Chart, values: Values, said: str) -> None:
    assert said in chart.refused(values)


@pytest.mark.parametrize(("replicas", "fix"), [(2, "3 (or 5)"), (3, "3"), (5, "5")])
def test_a_number_of_masters_that_is_refused_is_not_advised(
    chart: Chart, replicas: int, fix: str
) -> None:
    assert f"set master.count to {fix} and" in chart.refused({"master": {"replicas": replicas}})


def test_the_guides_set_flag_is_refused(chart: Chart) -> None:
    error = chart.refused({}, "--set", "alluxio.zookeeper.enabled=true")
    assert "names with dots are Alluxio's properties" in error


def test_all_mistakes_are_named_at_once(chart: Chart) -> None:
    error = chart.refused({"csi": {"enabled": True}, "master": {"replicas": 3}})
    assert "no CSI driver" in error
    assert "master.count" in error


@pytest.mark.parametrize(
    ("values", "key"),
    UNKNOWN_KEYS,
)
def test_an_unknown_key_is_refused_by_name(chart: Chart, values: Values, key: str) -> None:
    error = chart.refused(values)
    assert "additional properties" in error
    assert f"'{key}'" in error


@pytest.mark.parametrize(
    "values",
    WRONG_VALUES,
)
def test_a_wrong_type_or_choice_is_refused(chart: Chart, values: Values) -> None:
    assert "values don't meet the specifications of the schema" in chart.refused(values)
