"""Progress on a terminal: finished tasks scroll up, what is going on stays below, with the time it takes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from alluxops.events import DiffShown, Event, Message, Output, PlayStarted, Status
from alluxops.progress.tracker import TaskState, Tracker
from alluxops.text import clock, count, duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from alluxops.redact import Redactor

REFRESH_PER_SECOND = 8
HOSTS_NAMED = 4
STYLES = {
    Status.OK: "green",
    Status.CHANGED: "yellow",
    Status.SKIPPED: "dim",
    Status.IGNORED: "magenta",
    Status.FAILED: "bold red",
    Status.UNREACHABLE: "bold red",
}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class LiveProgress:
    """Live progress. Drawing happens in rich's own thread; an event only changes what will be drawn."""

    def __init__(
        self,
        stream: TextIO,
        redact: Redactor,
        *,
        verbose: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._redact = redact
        self._verbose = verbose
        self._now = now
        self._tracker = Tracker(now())
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._warned: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            ended = self._tracker.add(event, self._now())
        self._start()
        if ended is not None:
            self._task_ended(ended)
        match event:
            case PlayStarted(name):
                self._print(Text(f"\n{self._redact(name)}", style="bold"))
            case DiffShown(host, text):
                self._print(diff_text(host, self._redact(text)))
            case Message(text, is_warning) if is_warning:
                if text not in self._warned:
                    self._warned.add(text)
                    self._print(Text(self._redact(text), style="magenta"))
            case Message(text) | Output(text) if self._verbose:
                self._print(Text(self._redact(text), style="dim"))

    def note(self, text: str) -> None:
        """Show a line of the wrapper's own."""
        self._print(Text(text, style="bold yellow"))

    def close(self) -> None:
        """Show what is left and stop."""
        with self._lock:
            task, self._tracker.task = self._tracker.task, None
        if task is not None:
            self._task_ended(task)
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        # Not before the first event: rich draws from a thread, and ansible-runner forks before that.
        if self._live is None:
            self._live = Live(
                console=self.console,
                get_renderable=self._frame,
                refresh_per_second=REFRESH_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)

    def _task_ended(self, task: TaskState) -> None:
        worst = task.worst
        if worst is None or worst is Status.SKIPPED or (task.is_routine and worst is Status.OK):
            return
        took = self._now() - task.started_at
        line = Text.assemble(
            (f"  {worst:<12}", STYLES[worst]),
            self._redact(task.label),
            (f"  {hosts_text(task.ended[worst])}", "cyan" if worst is Status.CHANGED else "dim"),
            (f"  {duration(took)}" if took >= 1 else "", "dim"),
        )
        self._print(line)

    def _frame(self) -> RenderableType:
        with self._lock:
            return frame(self._tracker, self._now(), self._redact)


def frame(tracker: Tracker, now: float, redact: Callable[[str], str]) -> RenderableType:
    """The lines below: the task and its hosts, what it waits for, the totals. Each cut to the terminal's width."""
    lines: list[RenderableType] = []
    task = tracker.task
    if task is not None:
        current = Text.assemble(
            ("  now         ", "cyan"),
            redact(task.label),
            (f"  {hosts_text(task.running)}", "dim"),
            (f"  {clock(now - task.started_at)}", "cyan"),
            no_wrap=True,
            overflow="ellipsis",
        )
        lines.append(current)
        if task.waiting:
            # What is awaited may need two lines: it is what the reader looks for.
            lines.append(Text.assemble(("  waiting     ", "yellow"), redact(task.waiting)))
    totals = tracker.totals
    lines.append(
        Text.assemble(
            ("  elapsed     ", "dim"),
            clock(now - tracker.started_at),
            (f"  {count(totals.tasks, 'task')}", "dim"),
            (f", {totals.changed} changed", "yellow" if totals.changed else "dim"),
            (f", {totals.failed} failed", "bold red" if totals.failed else "dim"),
            (f"  {tracker.play}", "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )
    )
    return Group(*lines)


def hosts_text(hosts: list[str]) -> str:
    """A few hosts by name, many by their number."""
    return " ".join(sorted(hosts)) if len(hosts) <= HOSTS_NAMED else f"{len(hosts)} hosts"


def diff_text(host: str, text: str) -> Text:
    """A unified diff with its lines coloured."""
    result = Text(f"  diff on {host}\n", style="dim")
    for line in text.splitlines():
        result.append(line + "\n", style=DIFF_STYLES.get(line[:1], "default"))
    result.rstrip()
    return result
