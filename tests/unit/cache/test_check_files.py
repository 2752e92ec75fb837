"""What a check leaves on the controller is its owner's, and an interrupted check finds its own again."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import check_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.check_files import Proofs
from tests.unit.cache.check_cases import FILE, file_at


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_same_check_finds_what_is_proven(state: Path) -> None:
    what = {"paths": ["/d"], "content": "all"}
    assert Proofs(what).read() == {}
    Proofs(what).add([FILE])
    Proofs(what).add([file_at("/d/b")])
    assert Proofs(what).read() == {"/d/a": FILE.proof, "/d/b": FILE.proof}
    assert Proofs({**what, "content": "sample"}).read() == {}
    [path] = (state / "alluxops/checks").iterdir()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    Proofs(what).forget()
    Proofs(what).forget()
    assert Proofs(what).read() == {}


def test_a_line_that_a_kill_has_cut_short_costs_no_other() -> None:
    proofs = Proofs({})
    proofs.add([FILE])
    with proofs.path.open("a", encoding="utf-8") as file:
        file.write('{"path": "/d/half')
    proofs.add([file_at("/d/b")])
    assert set(Proofs({}).read()) == {"/d/a", "/d/b"}


def test_what_was_proven_long_ago_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    Proofs({}).add([FILE])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + check_files.VALID_S + 1)
    assert Proofs({}).read() == {}


def test_a_report_is_its_owners(state: Path) -> None:
    path = check_files.report_path("", "ns", "cache", "check")
    assert path == state / "alluxops/checks/ns-cache-check.json"
    check_files.write_report(path, {"findings": []})
    check_files.write_report(path, {"findings": ["é"]})
    assert json.loads(path.read_text("utf-8")) == {"findings": ["é"]}
    assert mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_place_where_no_report_can_be_is_refused(state: Path) -> None:
    good = state / "x.json"
    assert check_files.report_path(str(good), "ns", "cache", "check") == good
    for wrong in ("x.json", str(state), str(state / "none" / "x.json")):
        with pytest.raises(SettingsError, match="check_report is"):
            check_files.report_path(wrong, "ns", "cache", "check")


@pytest.mark.parametrize("given", ["", "x.json"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_read(
    given: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(os, "access", lambda path, _: asked.append(path))
    path = str(state / given) if given else ""
    with pytest.raises(SettingsError, match="cannot be written to"):
        check_files.report_path(path, "ns", "cache", "check")
    assert asked == [state]


def test_a_file_where_the_folder_should_be_is_refused(state: Path) -> None:
    (state / "alluxops").write_text("")
    with pytest.raises(SettingsError, match="cannot be written to"):
        check_files.report_path("", "ns", "cache", "check")


def test_a_name_that_is_no_text_is_in_the_report(state: Path) -> None:
    path = state / "x.json"
    check_files.write_report(path, {"path": "/d/\udcffé"})
    assert json.loads(path.read_text("utf-8")) == {"path": "/d/\udcffé"}
