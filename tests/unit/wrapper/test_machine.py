"""A script reads what a run came to: who changed how much, what was made, what went wrong."""

from __future__ import annotations

import json
from typing import Any

from alluxops.machine import told_as_json
from alluxops.outcome import Failure, Outcome
from alluxops.request import RunRequest

MADE = {"where": "s3://datasets/x.gz", "entries": 7}


def told(verb: str, code: int = 0, **fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"changed": {"n1": 1}, **fields}
    outcome = Outcome(code, "failed" if code else "done", 3.04, tasks=5, **given)
    found: dict[str, Any] = json.loads(told_as_json(outcome, RunRequest(verb=verb), code))
    return found


def test_what_a_backup_made_is_told() -> None:
    custom = {"alluxops_backup": MADE, "alluxops_notes": ["backup s3://datasets/x.gz"]}
    assert told("backup", custom=custom) == {
        "backup": MADE,
        "problems": [],
        "notes": ["backup s3://datasets/x.gz"],
        "summary": [],
        "verb": "backup",
        "check": False,
        "result": "done",
        "duration_s": 3.0,
        "changed": {"n1": 1},
        "exit_code": 0,
    }


def test_a_report_keeps_its_fields_and_the_run_adds_its_own() -> None:
    report = {"healthy": True, "problems": [], "notes": ["a"], "version": "2.9.6"}
    custom = {"alluxops_report": report, "alluxops_notes": ["b"], "alluxops_summary": ["c"]}
    found = told("site", custom=custom)
    assert (found["healthy"], found["version"]) == (True, "2.9.6")
    assert (found["notes"], found["summary"]) == (["a", "b"], ["c"])
    assert "report" not in found


def test_what_went_wrong_is_told_whether_or_not_there_is_a_report() -> None:
    failure = Failure("n1", "t", "r", "p", "It is broken.", refused=False, unreachable=False)
    assert told("site", 1, failures=(failure,))["problems"] == ["It is broken."]
    report = {"healthy": False, "problems": ["masters 0/1 ready."], "notes": []}
    found = told("site", 1, failures=(failure,), custom={"alluxops_report": report})
    assert found["problems"] == ["masters 0/1 ready."]


def test_status_and_verify_answer_with_the_report_alone() -> None:
    report = {"healthy": True, "problems": []}
    for verb in ("status", "verify"):
        assert told(verb, custom={"alluxops_report": report}) == {**report, "exit_code": 0}
        assert told(verb, 2) == {"healthy": False, "problems": [], "exit_code": 2}
