"""How a run of a verb went by: when each line of its output came. So that a moment can be found again in another run.

A part of the time alone would fall on another task when the machine is slower. So a moment is a line, and some time
after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """A point in a run: after so many lines, and then this long."""

    lines: int
    after_s: float


@dataclass(frozen=True)
class Timeline:
    """When lines came in an undisturbed run, in seconds from its start, and when it ended."""

    lines_s: tuple[float, ...]
    end_s: float

    def moment(self, part: float) -> Moment:
        """The point that is this part of the whole time into the run."""
        at = part * self.end_s
        lines = sum(1 for second in self.lines_s if second <= at)
        return Moment(lines, round(at - (self.lines_s[lines - 1] if lines else 0.0), 3))


def watch(output: Callable[[], str], runs: Callable[[], bool]) -> Timeline:
    """Follow a run to its end. output: all that it has printed so far."""
    began = time.monotonic()
    seen: list[float] = []
    while runs():
        now = time.monotonic() - began
        seen += [now] * (output().count("\n") - len(seen))
        time.sleep(0.1)
    return Timeline(tuple(seen), time.monotonic() - began)


def wait_for(moment: Moment, output: Callable[[], str], runs: Callable[[], bool]) -> bool:
    """Wait for a moment in a run. False where the run ended before."""
    while output().count("\n") < moment.lines:
        if not runs():
            return False
        time.sleep(0.05)
    end = time.monotonic() + moment.after_s
    while time.monotonic() < end:
        if not runs():
            return False
        time.sleep(0.05)
    return runs()
