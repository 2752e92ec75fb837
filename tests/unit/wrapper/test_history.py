from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

from alluxops.history import append, entry
from alluxops.outcome import Failure, Outcome
from alluxops.request import RunRequest

WHEN = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_line_for_each_run_readable_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.jsonl"
    request = RunRequest("site", inventory=("inv",), extra_vars=("token=very-secret",))
    for changed in (9, 0):
        append(path, entry(request, Outcome(0, "done", 131.96, {"n1": changed}, 20), 0, WHEN))
    first, second = map(json.loads, path.read_text().splitlines())
    assert (first["changed"], second["changed"]) == (9, 0)
    assert first["verb"] == "site"
    assert first["started"] == "2030-01-02T03:04:05+00:00"
    assert first["duration_s"] == 132.0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_setting_and_no_message_is_kept(tmp_path: Path) -> None:
    failure = Failure("n1", "Break it", "", "f:1", "token very-secret is wrong", False, False)
    request = RunRequest("site", extra_vars=("token=very-secret",))
    new = entry(request, Outcome(1, "failed", 1.0, {}, 1, failures=(failure,)), 1, WHEN)
    append(tmp_path / "history.jsonl", new)
    text = (tmp_path / "history.jsonl").read_text()
    assert "very-secret" not in text
    assert json.loads(text)["failed_at"] == "Break it on n1"
