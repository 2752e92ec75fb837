"""Typed events of a run, made from what ansible-runner hands over.

parse_event() knows ansible-runner's dictionaries; nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WAITING = "waiting: "
# Written by Ansible at the start of a line that tells of an error; later lines belong to it.
ERROR_MARK = "[ERROR]: "


class Status(StrEnum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    IGNORED = "ignored"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class RunStarted:
    """ansible-playbook was started; it reads the inventory and the playbook now."""


@dataclass(frozen=True)
class PlayStarted:
    """A play begins."""

    name: str


@dataclass(frozen=True)
class TaskStarted:
    """A task begins, on all hosts of its play. role: empty outside roles. path: file:line."""

    name: str
    role: str
    path: str
    is_handler: bool = False


@dataclass(frozen=True)
class HostStarted:
    """A host begins the current task."""

    host: str


@dataclass(frozen=True)
class HostEnded:
    """A host ended the current task. result: what the module returned, censored where the task says no_log."""

    host: str
    task: str
    role: str
    path: str
    status: Status
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DiffShown:
    """What a task changed on a host, as unified text."""

    host: str
    text: str


@dataclass(frozen=True)
class Waiting:
    """What the current task waits for, without the word itself."""

    reason: str


@dataclass(frozen=True)
class Message:
    """A line of Ansible's own: before the first play, or a warning."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class NoHosts:
    """A play's pattern matched no host."""

    play: str


@dataclass(frozen=True)
class Stats:
    """The end of the playbook. hosts: all that ran a task. changed: tasks changed, by host. custom: from set_stats."""

    hosts: tuple[str, ...]
    changed: Mapping[str, int]
    custom: Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """Text that Ansible would have shown for another event; printed with -v."""

    text: str


Event = (
    RunStarted
    | PlayStarted
    | TaskStarted
    | HostStarted
    | HostEnded
    | DiffShown
    | Waiting
    | Message
    | NoHosts
    | Stats
    | Output
)

_ENDED = {
    "runner_on_ok": Status.OK,
    "runner_on_skipped": Status.SKIPPED,
    "runner_on_failed": Status.FAILED,
    "runner_on_async_failed": Status.FAILED,
    "runner_on_unreachable": Status.UNREACHABLE,
}
_LINES = frozenset({"verbose", "warning", "system_warning", "deprecated", "error", "debug"})


def parse_event(raw: Mapping[str, Any]) -> list[Event]:
    """The typed events in one event of ansible-runner; none for those of no use here."""
    kind = str(raw.get("event", ""))
    data: Mapping[str, Any] = raw.get("event_data") or {}
    text = str(raw.get("stdout") or "").replace("\r\n", "\n").strip("\n")
    if kind in _LINES:
        return _line(kind, text)
    if kind in _ENDED:
        return [_ended(_ENDED[kind], data), *_output(text)]
    if kind == "runner_on_file_diff":
        return [DiffShown(str(data.get("host", "")), text)] if text.strip() else []
    make = _SIMPLE.get(kind)
    return [make(data)] if make else _output(text)


def _output(text: str) -> list[Event]:
    return [Output(text)] if text else []


def _line(kind: str, text: str) -> list[Event]:
    if text.startswith(WAITING):
        return [Waiting(text.removeprefix(WAITING).strip())]
    if kind == "deprecated" or (kind == "debug" and not text):
        return _output(text)
    is_warning = kind in {"warning", "system_warning"} or text.startswith("[WARNING]")
    return [Message(text, is_warning=is_warning)]


def _task(data: Mapping[str, Any]) -> TaskStarted:
    name = str(data.get("task") or data.get("name") or data.get("task_action") or "")
    # is_conditional is how ansible-runner marks a handler.
    return TaskStarted(
        name, _role(data), str(data.get("task_path") or ""), bool(data.get("is_conditional"))
    )


def _role(data: Mapping[str, Any]) -> str:
    # Inside a collection the role's full name is alluxops.cache.volumes; the last word says enough.
    return str(data.get("role") or "").rpartition(".")[2]


def _ended(status: Status, data: Mapping[str, Any]) -> HostEnded:
    result = data.get("res") or {}
    if status is Status.FAILED and data.get("ignore_errors"):
        status = Status.IGNORED
    elif status is Status.OK and result.get("changed") is True:
        status = Status.CHANGED
    return HostEnded(
        host=str(data.get("host", "")),
        task=str(data.get("task") or data.get("task_action") or ""),
        role=_role(data),
        path=str(data.get("task_path") or ""),
        status=status,
        result=result,
    )


def _stats(data: Mapping[str, Any]) -> Stats:
    return Stats(
        hosts=tuple(sorted(data.get("processed") or {})),
        changed={host: int(count) for host, count in (data.get("changed") or {}).items() if count},
        custom=data.get("artifact_data") or {},
    )


_SIMPLE: Mapping[str, Callable[[Mapping[str, Any]], Event]] = {
    "playbook_on_play_start": lambda data: PlayStarted(
        str(data.get("name") or data.get("pattern") or "")
    ),
    "playbook_on_task_start": _task,
    "playbook_on_no_hosts_matched": lambda data: NoHosts(str(data.get("play", ""))),
    "playbook_on_stats": _stats,
    "runner_on_start": lambda data: HostStarted(str(data.get("host", ""))),
}
