"""One run of a verb's playbook as a command: progress, errors, summary, history, exit code."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import alluxops
from alluxops import history
from alluxops.collection import make_importable, summary
from alluxops.failure import explain
from alluxops.machine import told_as_json
from alluxops.progress import SilentProgress, progress_for
from alluxops.project import Project, find_project
from alluxops.run import Run, here, prepare
from alluxops.text import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import TextIO

    from alluxops.outcome import Outcome
    from alluxops.progress import Progress
    from alluxops.request import RunRequest

CANCEL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPING = "Stopping: Ansible ends what it is doing, then this command ends (up to 30 s)."


def this_project() -> Project:
    """The project that the installed package belongs to."""
    surroundings = here()
    site_packages = [Path(path) for path in sys.path if path.endswith("-packages")]
    return find_project(Path(alluxops.__file__).parent, surroundings.environ, site_packages)


def run_verb(request: RunRequest, *, as_json: bool = False) -> int:
    """Run the verb and tell of it. Returns the exit code. Raises UsageError.

    With as_json standard output holds one JSON object and nothing else; progress goes to standard error if that is a
    terminal, else nowhere.
    """
    project = this_project()
    make_importable(project)
    started = datetime.now(UTC).astimezone()
    with prepare(request, project, here()) as run:
        progress = _progress(run, as_json=as_json)
        try:
            with cancelled_by_signals(run, progress):
                outcome = run.execute(progress)
        finally:
            progress.close()
        code = exit_code(outcome, request)
        with suppress(OSError):  # a full or read-only disk is no reason to fail a run that is over
            history.append(history.default_path(), history.entry(request, outcome, code, started))
        if outcome.exit_code:
            write(
                sys.stderr, run.redact("\n".join(explain(outcome, request, run.plan.inventories)))
            )
        if as_json:
            write(sys.stdout, run.redact(told_as_json(outcome, request, code)))
        else:
            write(sys.stdout, run.redact("\n".join(closing_lines(outcome, request))))
    return code


def exit_code(outcome: Outcome, request: RunRequest) -> int:
    """The process's exit code: the run's, and 1 where the run went well and found the cache unhealthy."""
    # A check changes nothing, so what it finds unhealthy (nothing yet, before a first run) is no failure of its own.
    return outcome.exit_code or (0 if request.check or _is_healthy(outcome) else 1)


def _progress(run: Run, *, as_json: bool) -> Progress:
    if as_json and not sys.stderr.isatty():
        return SilentProgress()
    stream = sys.stderr if as_json else sys.stdout
    return progress_for(stream, run.redact, verbose=run.plan.request.verbosity > 0)


def closing_lines(outcome: Outcome, request: RunRequest) -> list[str]:
    """What stands at the very end: the verb's own words, the summary of the report or one line on the run, notes."""
    own = ["", *outcome.summary] if outcome.summary else []
    noted = [
        f"  {word:<9} {rest}" for word, _, rest in (note.partition(" ") for note in outcome.notes)
    ]
    if request.limit is not None:
        noted += [
            f"  skipped   {play}: no host of it is in --limit {request.limit}"
            for play in outcome.plays_without_hosts
        ]
    if outcome.report is not None:
        lines = [*own, "", *summary(outcome.report, outcome), *noted]
        if request.check:
            lines.append("  check     nothing was changed; the count says what would be")
        return lines
    if outcome.no_hosts or outcome.no_tasks:
        return []
    verb = "would change" if request.check else "changed"
    return [
        *own,
        f"{request.verb}: {outcome.result} in {duration(outcome.duration_s)}, {outcome.changed_total} {verb}",
        *noted,
    ]


def write(stream: TextIO, text: str) -> None:
    """Write lines to a stream whose reader may be gone."""
    if text:
        with suppress(OSError, ValueError):
            stream.write(text + "\n")
            stream.flush()


@contextmanager
def cancelled_by_signals(run: Run, progress: Progress) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal ask the run to stop; a signal that was ignored stays ignored (nohup)."""

    def cancel(_number: int, _frame: FrameType | None) -> None:
        if not run.cancelled:
            run.cancel()
            with suppress(OSError, RuntimeError):
                progress.note(STOPPING)

    before = {number: signal.getsignal(number) for number in CANCEL_SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, cancel)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_healthy(outcome: Outcome) -> bool:
    """False only where a report says that the cache does not serve as it should."""
    return outcome.report is None or outcome.report.get("healthy") is not False
