"""Live progress on a terminal: one line per running step, with what it does and for how long."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from lab.progress import Step


class LiveView:
    """Running steps at the bottom, finished ones above them."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out)
        self._lock = threading.Lock()
        self._tasks: dict[Step, TaskID] = {}
        self._progress: Progress | None = None

    def began(self, step: Step) -> None:
        """Add the step's line; the first running step starts the display."""
        with self._lock:
            if self._progress is None:
                self._progress = Progress(
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    TextColumn("[dim]{task.fields[text]}"),
                    TimeElapsedColumn(),
                    console=self._console,
                    transient=True,
                )
                self._progress.start()
            self._tasks[step] = self._progress.add_task(step.name, total=None, text="")

    def changed(self, step: Step) -> None:
        """Show the step's new text."""
        with self._lock:
            if self._progress is not None and step in self._tasks:
                self._progress.update(self._tasks[step], text=step.text)

    def ended(self, step: Step, error: BaseException | None) -> None:
        """Move the step's line above the running ones; the last one stops the display."""
        mark = "[green]ok[/]" if error is None else "[red]failed[/]"
        with self._lock:
            task = self._tasks.pop(step, None)
            if self._progress is None or task is None:
                return
            self._progress.remove_task(task)
            self._progress.console.print(f"{mark} {step.name} [dim]{step.seconds:.1f} s[/]")
            if not self._tasks:
                self._progress.stop()
                self._progress = None

    def note(self, text: str) -> None:
        """Print one line above the running steps."""
        with self._lock:
            self._console.print(text, markup=False, highlight=False)
