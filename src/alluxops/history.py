"""What was run: one JSON line for each run in the user's state directory, readable by the user only.

No settings and no messages are kept, so no secret can be.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from platformdirs import user_state_path

from alluxops import __version__

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from alluxops.outcome import Outcome
    from alluxops.request import RunRequest

FILE_NAME = "history.jsonl"


@dataclass(frozen=True)
class Entry:
    """One run. started: ISO 8601 with offset. result: done, failed, refused or cancelled. failed_at: task and hosts."""

    started: str
    verb: str
    result: str
    exit_code: int
    changed: int
    duration_s: float
    check: bool
    inventory: list[str]
    limit: str | None
    release: str | None
    namespace: str | None
    failed_at: str | None
    version: str


def entry(request: RunRequest, outcome: Outcome, exit_code: int, started: datetime) -> Entry:
    """The entry for a run that ended. exit_code: the process's."""
    report = outcome.report or {}
    failed_at = None
    if outcome.failures:
        last = outcome.failures[-1]
        hosts = [failure.host for failure in outcome.failures if failure.task == last.task]
        failed_at = f"{last.task} on {' '.join(hosts)}"
    return Entry(
        started=started.isoformat(timespec="seconds"),
        verb=request.verb,
        result=outcome.result,
        exit_code=exit_code,
        changed=outcome.changed_total,
        duration_s=round(outcome.duration_s, 1),
        check=request.check,
        inventory=list(request.inventory),
        limit=request.limit,
        release=report.get("release"),
        namespace=report.get("namespace"),
        failed_at=failed_at,
        version=__version__,
    )


def default_path() -> Path:
    """$XDG_STATE_HOME/alluxops/history.jsonl."""
    return user_state_path("alluxops") / FILE_NAME


def append(path: Path, new: Entry) -> None:
    """Add an entry. Raises OSError where it cannot be written; runs side by side do not mix their lines."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps(asdict(new), ensure_ascii=False) + "\n"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line)
