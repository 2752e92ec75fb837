"""What a run came to: events folded into an outcome, and the outcome's exit code. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from alluxops.events import (
    ERROR_MARK,
    Event,
    HostEnded,
    Message,
    NoHosts,
    PlayStarted,
    Stats,
    Status,
    TaskStarted,
)
from alluxops.progress.tracker import is_routine

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE, FAILED, REFUSED = 0, 1, 2
# The supervisor's exit codes for a run that a signal ended: 128 + its number.
FIRST_SIGNAL_CODE, LAST_SIGNAL_CODE = 129, 192
MESSAGE_LINES = 60
# The play with which the verbs that change something begin: it only reads.
CHECKING_PLAY = "Refuse what cannot work"

# How Ansible's connections say that a user could not become root: ssh, and local, which quotes what sudo said.
# The collection's node_report has the same; it cannot be imported before a project is known.
NO_ROOT = re.compile(r"(?:Incorrect|Missing) \S+ password$|waiting for become success")

Result = Literal["done", "failed", "refused", "cancelled"]


@dataclass(frozen=True)
class Failure:
    """One host's failure. message: the whole text of the error. refused: found before anything was changed.

    no_root: Ansible's user could not become root.
    """

    host: str
    task: str
    role: str
    path: str
    message: str
    refused: bool
    unreachable: bool
    no_root: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    changed: number of tasks that changed something, by host (in check mode: that would). custom: everything that
    set_stats published. messages: Ansible's lines about errors outside of tasks. no_hosts, no_tasks: nothing ran, for
    want of hosts, or of tasks with the tags. plays_without_hosts: by name. only_checked: it ended before the first play
    that may change something.
    """

    exit_code: int
    result: Result
    duration_s: float
    changed: Mapping[str, int]
    tasks: int
    failures: tuple[Failure, ...] = ()
    messages: tuple[str, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    no_hosts: bool = False
    no_tasks: bool = False
    plays_without_hosts: tuple[str, ...] = ()
    only_checked: bool = False
    was_killed: bool = False

    @property
    def report(self) -> Mapping[str, Any] | None:
        """The report of verify or status, if the run got that far."""
        report = self.custom.get("alluxops_report")
        return report if isinstance(report, dict) else None

    @property
    def summary(self) -> tuple[str, ...]:
        """What a verb says above the result, however it ended: a plan, or a list of what went and what stays."""
        return self._lines("alluxops_summary")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a verb that was done adds below the result, a line each, beginning with a word that names it."""
        return self._lines("alluxops_notes") if self.exit_code == DONE else ()

    def _lines(self, name: str) -> tuple[str, ...]:
        lines = self.custom.get(name)
        return tuple(map(str, lines)) if isinstance(lines, list) else ()

    @property
    def changed_total(self) -> int:
        """Changed tasks over all hosts."""
        return sum(self.changed.values())


class Recorder:
    """Folds the events of one run."""

    def __init__(self, *, check: bool) -> None:
        self.check = check
        self.changed: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.tasks = 0
        self._touched = False
        self._ended = 0
        self._is_working = False
        self._only_checked = True
        self._without_hosts: list[str] = []
        self._custom: dict[str, Any] = {}
        self._messages: list[str] = []
        self._in_error = False
        self._stats: Stats | None = None

    def add(self, event: Event) -> None:
        """Take one event into account."""
        match event:
            case TaskStarted():
                self.tasks += 1
                self._in_error = False
            case HostEnded():
                self._add_ended(event)
            case Stats():
                self._stats = event
                self._custom |= event.custom
            case PlayStarted(name):
                self._only_checked &= name == CHECKING_PLAY
            case NoHosts(play):
                self._without_hosts.append(play)
            case Message():
                self._add_message(event)
            case _:
                pass

    def _add_ended(self, event: HostEnded) -> None:
        self._ended += 1
        self._is_working |= not is_routine(event.task)
        if event.status in {Status.FAILED, Status.UNREACHABLE}:
            self._add_failure(failure_of(event, anything_changed=self._anything_changed))
        if event.result.get("changed") is True:
            # A task that failed may have changed something too; Ansible does not count it as changed.
            self._touched = True
            self.changed[event.host] += event.status is not Status.FAILED
        published = event.result.get("ansible_stats")
        if isinstance(published, dict) and not published.get("per_host"):
            self._custom |= published.get("data") or {}

    def _add_failure(self, failure: Failure) -> None:
        """Keep it, unless it only says again at the end what failed on the host before: that is told there."""
        if not any(_says_again(failure, earlier) for earlier in self.failures):
            self.failures.append(failure)

    def _add_message(self, event: Message) -> None:
        if event.is_warning:
            self._in_error = False
        elif event.text.startswith(ERROR_MARK):
            self._in_error = True
        if self._in_error and len(self._messages) < MESSAGE_LINES:
            self._messages.append(event.text.removeprefix(ERROR_MARK))

    @property
    def _anything_changed(self) -> bool:
        return self._touched and not self.check

    def outcome(self, code: int | None, duration_s: float, *, cancelled: bool = False) -> Outcome:
        """The outcome, given ansible-playbook's exit code (None or over 128: killed by a signal)."""
        was_killed = code is None or FIRST_SIGNAL_CODE <= code <= LAST_SIGNAL_CODE
        no_hosts = code == 0 and (self._stats is None or not self._stats.hosts)
        no_tasks = code == 0 and not no_hosts and not self._is_working
        exit_code = FAILED if cancelled else self._exit_code(code, idle=no_hosts or no_tasks)
        result: Result = "done"
        if exit_code:
            result = "refused" if exit_code == REFUSED else "failed"
        if cancelled:
            result = "cancelled"
        return Outcome(
            exit_code=exit_code,
            result=result,
            duration_s=duration_s,
            changed=dict(self._stats.changed if self._stats else self.changed),
            tasks=self.tasks,
            # What a rescue repaired is no failure of the run.
            failures=tuple(self.failures) if code else (),
            messages=tuple(self._messages) if code else (),
            custom=dict(self._custom),
            no_hosts=no_hosts,
            no_tasks=no_tasks,
            plays_without_hosts=tuple(self._without_hosts),
            only_checked=self._only_checked and not self._touched,
            was_killed=was_killed and not cancelled,
        )

    def _exit_code(self, code: int | None, *, idle: bool) -> int:
        if idle:
            return REFUSED
        if code == 0:
            return DONE
        if self._anything_changed or code is None or code >= FIRST_SIGNAL_CODE:
            return FAILED
        if self.failures:
            # The task that ended the run decides; an earlier one was rescued.
            last = self.failures[-1]
            same = [f for f in self.failures if (f.task, f.path) == (last.task, last.path)]
            return REFUSED if all(failure.refused for failure in same) else FAILED
        # It ended before the first task: the playbook, the inventory or an option cannot be read.
        return REFUSED if self._ended == 0 else FAILED


def _says_again(failure: Failure, earlier: Failure) -> bool:
    """Whether it is the earlier one's message, whole or without the output that was told below it."""
    return failure.host == earlier.host and f"{earlier.message}\n".startswith(
        f"{failure.message}\n"
    )


def failure_of(event: HostEnded, *, anything_changed: bool) -> Failure:
    """The failure in an event.

    Refused, before anything was changed: a bad setting, a host that is unreachable or where root cannot be had.
    """
    result = event.result
    unreachable = event.status is Status.UNREACHABLE
    no_root = _has_no_root(result)
    refused = not anything_changed and (
        unreachable
        or no_root
        or result.get("refused") is True
        or bool(result.get("argument_errors"))
    )
    return Failure(
        host=event.host,
        task=event.task,
        role=event.role,
        path=event.path,
        message=message_of(result),
        refused=refused,
        unreachable=unreachable,
        no_root=no_root,
    )


def _has_no_root(result: Mapping[str, Any]) -> bool:
    """Whether the task did not begin, for want of root. Only the first line is Ansible's own."""
    text = str(result.get("msg") or "")
    return bool(text) and NO_ROOT.search(text.splitlines()[0]) is not None


def message_of(result: Mapping[str, Any]) -> str:
    """The whole error of a failed result: its msg, a module's output, and what failed items say."""
    if "censored" in result:
        return str(result["censored"])
    parts = [str(result.get("msg") or "")]
    errors = result.get("argument_errors")
    if isinstance(errors, list):
        parts += [f"- {error}" for error in errors]
    failed_items = [
        item
        for item in result.get("results") or []
        if isinstance(item, dict) and item.get("failed")
    ]
    parts += [f"- {item.get('item', '')}: {message_of(item)}" for item in failed_items]
    # A command's output says why; a module with a message of ours has none.
    for stream in ("stderr", "module_stderr", "stdout", "module_stdout"):
        text = str(result.get(stream) or "").strip()
        if text and text not in parts[0]:
            parts.append(text)
            break
    return "\n".join(part for part in parts if part) or "no message"
