"""Fixtures of the chart's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.chart.rendering import Chart, Rendered, find_helm


@pytest.fixture(scope="session")
def helm() -> Path:
    return find_helm()


@pytest.fixture(scope="session")
def chart(helm: Path) -> Chart:
    return Chart(helm)


@pytest.fixture(scope="session")
def default(chart: Chart) -> Rendered:
    """What the chart makes of its own defaults."""
    return chart.render()
