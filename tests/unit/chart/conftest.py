"""Fixtures of the chart's tests."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture
def unhurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give what a probe's script runs under `timeout` half a minute, as a busy machine may stand still for seconds."""
    timeout = shutil.which("timeout")
    assert timeout is not None
    fake = tmp_path / "unhurried" / "timeout"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nshift\nexec {timeout} 30 "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
