"""Progress as plain lines: for pipes, logs and CI. No escape codes, no rewriting.

Lines are written by a thread of their own, so that a reader who does not read holds up nobody's deployment.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from alluxops.events import (
    DiffShown,
    Event,
    Message,
    Output,
    PlayStarted,
    Status,
    TaskStarted,
    Waiting,
)
from alluxops.progress.tracker import TaskState, Tracker, is_routine, label_of
from alluxops.text import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from alluxops.redact import Redactor

TOLD = (Status.CHANGED, Status.IGNORED, Status.FAILED, Status.UNREACHABLE)


class LineWriter:
    """Writes lines in order from a thread. A reader that went away ends the writing, not the program."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def write(self, line: str) -> None:
        """Queue a line."""
        if self._thread is None:
            # Not before the first line: ansible-runner forks, which a process does best with one thread.
            self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
            self._thread.start()
        self._lines.put(line)

    def close(self) -> None:
        """Return when everything is written."""
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        with suppress(OSError, ValueError):
            while (line := self._lines.get()) is not None:
                self._stream.write(line + "\n")
                self._stream.flush()


class PlainProgress:
    """One line when a task starts, one for what it changed or failed, one for each new reason to wait."""

    def __init__(
        self,
        stream: TextIO,
        redact: Redactor,
        *,
        verbose: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = LineWriter(stream)
        self._redact = redact
        self._verbose = verbose
        self._now = now
        self._tracker = Tracker(now())
        self._warned: set[str] = set()
        self._awaited = ""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        ended = self._tracker.add(event, self._now())
        if ended is not None:
            self._task_ended(ended)
        match event:
            case PlayStarted(name):
                self._line(f"PLAY {name}")
            case TaskStarted() if not is_routine(event.name):
                self._line(f"  {label_of(event.role, event.name)}")
            case Waiting(reason) if reason != self._awaited:
                self._awaited = reason  # hosts that wait for the same say it once
                self._line(f"    waiting: {reason}")
            case DiffShown(host, text):
                self._line(f"    diff on {host}:")
                self._text(text)
            case Message(text, is_warning) if is_warning:
                if text not in self._warned:
                    self._warned.add(text)
                    self._text(text)
            case Message(text) | Output(text) if self._verbose:
                self._text(text)

    def note(self, text: str) -> None:
        """Show a line of the wrapper's own."""
        self._line(text)

    def close(self) -> None:
        """Show what is left and stop."""
        if self._tracker.task is not None:
            self._task_ended(self._tracker.task)
            self._tracker.task = None
        self._writer.close()

    def _task_ended(self, task: TaskState) -> None:
        for status in TOLD:
            hosts = task.ended.get(status)
            if hosts:
                name = f"{task.label}: " if task.is_routine else ""
                self._line(f"    {name}{status}: {' '.join(sorted(hosts))}")

    def _line(self, text: str) -> None:
        elapsed = clock(self._now() - self._tracker.started_at)
        self._writer.write(self._redact(f"[{elapsed:>5}] {text}"))

    def _text(self, text: str) -> None:
        self._writer.write(self._redact(text))
