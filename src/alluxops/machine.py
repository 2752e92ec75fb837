"""What a run came to, for scripts: one JSON object on standard output. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alluxops.outcome import Outcome
    from alluxops.request import RunRequest

REPORTING = ("status", "verify")
"""Verbs whose answer is the report."""
PUBLISHED = "alluxops_"
TOLD_OTHERWISE = ("report", "summary", "notes")


def told_as_json(outcome: Outcome, request: RunRequest, code: int) -> str:
    """The report, or what the run did with the report's fields where there is one. code: the process's exit code."""
    tell = _report if request.verb in REPORTING else _run
    told = {**tell(outcome, request), "exit_code": code}
    return json.dumps(told, indent=2, ensure_ascii=False)


def _report(outcome: Outcome, _request: RunRequest) -> Mapping[str, Any]:
    return outcome.report or {"healthy": False, "problems": _errors(outcome)}


def _run(outcome: Outcome, request: RunRequest) -> Mapping[str, Any]:
    """Fields of the report keep their names; its problems and notes are joined by the run's own."""
    report = outcome.report or {}
    published = {
        name.removeprefix(PUBLISHED): value
        for name, value in outcome.custom.items()
        if name.startswith(PUBLISHED)
    }
    return {
        **{name: value for name, value in published.items() if name not in TOLD_OTHERWISE},
        **report,
        "problems": report.get("problems") or _errors(outcome),
        "notes": [*(report.get("notes") or []), *outcome.notes],
        "summary": list(outcome.summary),
        "verb": request.verb,
        "check": request.check,
        "result": outcome.result,
        "duration_s": round(outcome.duration_s, 1),
        "changed": dict(outcome.changed),
    }


def _errors(outcome: Outcome) -> list[str]:
    """What stands on standard error too; what several hosts failed with, once."""
    found = [failure.message for failure in outcome.failures] or outcome.messages
    return list(dict.fromkeys(found))
