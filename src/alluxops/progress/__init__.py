"""What is shown while a run goes on: live on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from alluxops.progress.live import LiveProgress
from alluxops.progress.plain import PlainProgress

if TYPE_CHECKING:
    from typing import TextIO

    from alluxops.events import Event
    from alluxops.redact import Redactor

__all__ = ["LiveProgress", "PlainProgress", "Progress", "SilentProgress", "progress_for"]

# Terminals that cannot rewrite a line.
UNMOVABLE = frozenset({"dumb", "unknown", ""})


class Progress(Protocol):
    """Shows the events of a run. Called from the thread that reads Ansible's output, so it must be quick."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def note(self, text: str) -> None:
        """Show a line of the wrapper's own, such as that the run is being stopped."""

    def close(self) -> None:
        """Show what is left and stop. Nothing is shown afterwards."""


class SilentProgress:
    """Shows nothing: for programs that read a report as JSON, whichever streams they collect."""

    def __call__(self, event: Event) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing is left to show."""


def progress_for(stream: TextIO, redact: Redactor, *, verbose: bool) -> Progress:
    """The progress that suits the stream. verbose: with Ansible's own output of each result."""
    if stream.isatty() and os.environ.get("TERM", "dumb") not in UNMOVABLE:
        return LiveProgress(stream, redact, verbose=verbose)
    return PlainProgress(stream, redact, verbose=verbose)
