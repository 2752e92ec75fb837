"""Progress of long work: live lines on a terminal, plain lines in a pipe or a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from lab.progress_live import LiveView

PLAIN_INTERVAL_S = 15.0
"""In a pipe, a running step says how far it is at most this often."""


class Step:
    """One piece of running work; `update` may be called from any thread, as often as one likes."""

    def __init__(self, name: str, view: View) -> None:
        self.name = name
        self.text = ""
        self.started = time.monotonic()
        self._view = view

    def update(self, text: str) -> None:
        """Say how far the step is, in a few words (`412 of 1805 packages`)."""
        self.text = text
        self._view.changed(self)

    @property
    def seconds(self) -> float:
        """How long the step has been running."""
        return time.monotonic() - self.started


class View(Protocol):
    """Where steps are shown."""

    def began(self, step: Step) -> None:
        """`step` starts."""

    def changed(self, step: Step) -> None:
        """`step.text` is new."""

    def ended(self, step: Step, error: BaseException | None) -> None:
        """`step` is over; `error` is what ended it, or None when it went well."""

    def note(self, text: str) -> None:
        """A line that belongs to no step."""


class Reporter:
    """Shows steps on `stream` (standard error unless told); safe to use from several threads."""

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        out = stream if stream is not None else sys.stderr
        show_live = out.isatty() if live is None else live
        self._view: View = LiveView(out) if show_live else PlainView(out)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show `name` as running until the block ends, then how long it took and how it went."""
        step = Step(name, self._view)
        self._view.began(step)
        try:
            yield step
        except BaseException as error:
            self._view.ended(step, error)
            raise
        self._view.ended(step, None)

    def note(self, text: str) -> None:
        """Show one line that stays."""
        self._view.note(text)


class PlainView:
    """A line when a step starts, one every 15 s while it goes on, one when it ends."""

    def __init__(self, out: TextIO, interval_s: float = PLAIN_INTERVAL_S) -> None:
        self._out = out
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._said: dict[Step, float] = {}

    def began(self, step: Step) -> None:
        """Print that the step starts."""
        self._said[step] = time.monotonic()
        self.note(f"{step.name} ...")

    def changed(self, step: Step) -> None:
        """Print how far the step is, unless a line about it is fresh."""
        now = time.monotonic()
        if now - self._said.get(step, now) >= self._interval_s:
            self._said[step] = now
            self.note(f"{step.name}: {step.text} ({step.seconds:.0f} s)")

    def ended(self, step: Step, error: BaseException | None) -> None:
        """Print how the step ended and how long it took."""
        self._said.pop(step, None)
        self.note(f"{step.name}: {_outcome(step, error)}")

    def note(self, text: str) -> None:
        """Print one line."""
        with self._lock:
            print(text, file=self._out, flush=True)


def _outcome(step: Step, error: BaseException | None) -> str:
    verb = "done" if error is None else "failed"
    return f"{verb} in {step.seconds:.1f} s"
