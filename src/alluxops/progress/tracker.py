"""Where a run stands, as both forms of progress show it. Pure: events and times in, state out."""

from __future__ import annotations

from dataclasses import dataclass, field

from alluxops.events import (
    Event,
    HostEnded,
    HostStarted,
    PlayStarted,
    Stats,
    Status,
    TaskStarted,
    Waiting,
)

WORST_FIRST = (
    Status.UNREACHABLE,
    Status.FAILED,
    Status.CHANGED,
    Status.IGNORED,
    Status.OK,
    Status.SKIPPED,
)


# The task that Ansible itself puts before a role with an argument specification; its own name fills a line.
ARGUMENTS_TASK = "Validating arguments against arg spec"


@dataclass
class TaskState:
    """One task on its hosts. Times are in seconds, as the caller's clock gives them.

    is_routine: not worth a line when it goes well.
    """

    label: str
    started_at: float
    is_routine: bool = False
    running: list[str] = field(default_factory=list)
    ended: dict[Status, list[str]] = field(default_factory=dict)
    waiting: str = ""

    @property
    def worst(self) -> Status | None:
        """The status that matters most among the hosts; None when no host ended it."""
        return next((status for status in WORST_FIRST if status in self.ended), None)


@dataclass
class Totals:
    """Counts over the run: tasks started; results by kind, one for each host and task."""

    tasks: int = 0
    changed: int = 0
    failed: int = 0


class Tracker:
    """Follows a run. add() returns the task that an event ended, for the line that tells of it."""

    def __init__(self, now: float) -> None:
        self.started_at = now
        self.play = "reading the inventory and the playbook"
        self.task: TaskState | None = None
        self.totals = Totals()

    def add(self, event: Event, now: float) -> TaskState | None:
        """Take an event into account."""
        match event:
            case PlayStarted(name):
                self.play = name
                return self._end_task()
            case TaskStarted():
                before = self._end_task()
                self.task = TaskState(label_of(event.role, event.name), now, is_routine(event.name))
                self.totals.tasks += 1
                return before
            case Stats():
                return self._end_task()
            case HostStarted(host) if self.task and host not in self.task.running:
                self.task.running.append(host)
            case Waiting(reason) if self.task:
                self.task.waiting = reason
            case HostEnded():
                self._end_host(event)
        return None

    def _end_host(self, event: HostEnded) -> None:
        self.totals.changed += event.status is Status.CHANGED
        self.totals.failed += event.status in {Status.FAILED, Status.UNREACHABLE}
        if self.task is None:
            return
        if event.host in self.task.running:
            self.task.running.remove(event.host)
        self.task.ended.setdefault(event.status, []).append(event.host)

    def _end_task(self) -> TaskState | None:
        ended, self.task = self.task, None
        return ended


def label_of(role: str, name: str) -> str:
    """A task's name with its role's: 'volumes : Make the volumes'; Ansible may have put the role there already."""
    if is_routine(name):
        name = "Check the arguments"
    return f"{role} : {name}" if role and not name.startswith(f"{role} : ") else name


def is_routine(name: str) -> bool:
    """True for the tasks that Ansible adds by itself."""
    return name.startswith(ARGUMENTS_TASK)
