"""What a verb leaves on the controller is its owner's, and a place that takes no report is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import report_files


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_a_report_is_its_owners(state: Path) -> None:
    path = report_files.report_path("", "ns", "cache", "check")
    assert path == state / "alluxops/checks/ns-cache-check.json"
    report_files.write_report(path, {"findings": []})
    report_files.write_report(path, {"findings": ["é"]})
    assert json.loads(path.read_text("utf-8")) == {"findings": ["é"]}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_place_where_no_report_can_be_is_refused(state: Path) -> None:
    good = state / "x.json"
    assert report_files.report_path(str(good), "ns", "cache", "check") == good
    for wrong in ("x.json", str(state), str(state / "none" / "x.json")):
        with pytest.raises(SettingsError, match="check_report is"):
            report_files.report_path(wrong, "ns", "cache", "check")


@pytest.mark.parametrize("given", ["", "x.json"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_read(
    given: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(os, "access", lambda path, _: asked.append(path))
    path = str(state / given) if given else ""
    with pytest.raises(SettingsError, match="cannot be written to"):
        report_files.report_path(path, "ns", "cache", "check")
    assert asked == [state]


def test_a_file_where_the_folder_should_be_is_refused(state: Path) -> None:
    (state / "alluxops").write_text("")
    with pytest.raises(SettingsError, match="cannot be written to"):
        report_files.report_path("", "ns", "cache", "check")


def test_a_name_that_is_no_text_is_in_the_report(state: Path) -> None:
    path = state / "x.json"
    report_files.write_report(path, {"path": "/d/\udcffé"})
    assert json.loads(path.read_text("utf-8")) == {"path": "/d/\udcffé"}
