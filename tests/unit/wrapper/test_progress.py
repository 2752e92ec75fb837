from __future__ import annotations

import io
import os
import re
import threading
from pathlib import Path

import pytest
from rich.console import Console

from alluxops.events import (
    DiffShown,
    Event,
    HostEnded,
    HostStarted,
    Message,
    Output,
    PlayStarted,
    RunStarted,
    Stats,
    Status,
    TaskStarted,
    Waiting,
)
from alluxops.progress import LiveProgress, PlainProgress, progress_for
from alluxops.progress.live import frame
from alluxops.progress.tracker import Tracker
from alluxops.redact import Redactor
from alluxops.text import clock, duration


def host_ended(host: str, status: Status) -> HostEnded:
    return HostEnded(host, "Make it", "volumes", "f:1", status)


EVENTS: list[Event] = [
    RunStarted(),
    PlayStarted("Deploy"),
    TaskStarted("Make it", "volumes", "f:1"),
    HostStarted("n1"),
    HostStarted("n2"),
    Waiting("a worker on n2 (5 s)"),
    Message("[WARNING]: odd", is_warning=True),
    DiffShown("n2", "-old secret-word\n+new"),
    host_ended("n1", Status.OK),
    host_ended("n2", Status.CHANGED),
    Output("changed: [n2]"),
    TaskStarted("Break it", "", "f:2"),
    HostEnded("n1", "Break it", "", "f:2", Status.FAILED),
    Stats(("n1", "n2"), {"n2": 1}, {}),
]


class Clock:
    """A second later at each look."""

    def __init__(self) -> None:
        self.seconds = -1.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


def plain(events: list[Event], *, verbose: bool = False) -> str:
    stream = io.StringIO()
    progress = PlainProgress(stream, Redactor(frozenset({"secret-word"})), verbose=verbose)
    for event in events:
        progress(event)
    progress.note("Stopping")
    progress.close()
    return stream.getvalue()


def test_a_pipe_gets_plain_lines() -> None:
    text = plain(EVENTS)
    assert "\x1b" not in text
    assert "\r" not in text
    lines = [re.sub(r"^\[ *\d+:\d\d\] ", "", line) for line in text.splitlines()]
    assert lines == [
        "PLAY Deploy",
        "  volumes : Make it",
        "    waiting: a worker on n2 (5 s)",
        "[WARNING]: odd",
        "    diff on n2:",
        "-old ********",
        "+new",
        "    changed: n2",
        "  Break it",
        "    failed: n1",
        "Stopping",
    ]


def test_checks_that_ansible_adds_are_told_only_when_they_fail() -> None:
    name = "Validating arguments against arg spec 'main' - Install Helm"
    begun: list[Event] = [PlayStarted("p"), TaskStarted(name, "helm", "f:1"), HostStarted("n1")]
    assert plain([*begun, HostEnded("n1", name, "helm", "f:1", Status.OK)]).count("\n") == 2
    failed = plain([*begun, HostEnded("n1", name, "helm", "f:1", Status.FAILED)])
    assert "helm : Check the arguments: failed: n1" in failed


def test_every_line_of_progress_has_the_elapsed_time() -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream, Redactor(), now=Clock())
    progress(PlayStarted("Deploy"))
    progress(TaskStarted("T", "", ""))
    progress.close()
    assert [line[:7] for line in stream.getvalue().splitlines()] == ["[ 0:02]", "[ 0:04]"]


def test_ansibles_own_output_comes_with_verbose_only() -> None:
    assert "changed: [n2]" not in plain(EVENTS)
    assert "changed: [n2]" in plain(EVENTS, verbose=True)


def test_a_warning_is_told_once() -> None:
    assert plain([EVENTS[6], EVENTS[6]]).count("odd") == 1


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        progress = PlainProgress(stream, Redactor())
        for number in range(3000):
            progress(PlayStarted(f"{number} " + "x" * 100))  # far more than a pipe holds
        received: list[int] = []

        def read() -> None:
            while chunk := os.read(reading, 65536):
                received.append(chunk.count(b"\n"))

        reader = threading.Thread(target=read)
        reader.start()
        progress.close()
    reader.join()
    os.close(reading)
    assert sum(received) == 3000


def test_a_reader_that_went_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    progress = PlainProgress(stream, Redactor())
    for event in EVENTS:
        progress(event)
    progress.close()
    with pytest.raises(BrokenPipeError):
        stream.close()


def shown(events: list[Event], *, width: int = 80) -> str:
    stepping = Clock()
    tracker = Tracker(0.0)
    for event in events:
        tracker.add(event, stepping())
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(frame(tracker, 75.0, Redactor(frozenset({"secret-word"}))))
    return console.export_text()


def test_the_terminal_shows_task_hosts_reason_and_totals() -> None:
    text = shown(EVENTS[:9])
    assert "volumes : Make it  n2" in text  # n1 has ended
    assert "1:13" in text  # since the task's start
    assert "waiting     a worker on n2 (5 s)" in text
    assert "1:15  1 task, 0 changed, 0 failed  Deploy" in text


def test_the_terminals_width_is_kept() -> None:
    long = TaskStarted("word " * 40, "", "")
    assert all(len(line) <= 40 for line in shown([PlayStarted("p"), long], width=40).splitlines())


def test_before_the_first_play_it_says_what_ansible_does() -> None:
    assert "reading the inventory" in shown([RunStarted()])


def test_totals_count_hosts_and_tasks() -> None:
    assert "2 tasks, 1 changed, 1 failed" in shown(EVENTS)


def test_live_lines_stay_after_the_end() -> None:
    stream = io.StringIO()
    progress = LiveProgress(stream, Redactor(frozenset({"secret-word"})))
    progress.console = Console(file=stream, force_terminal=True, width=80, color_system=None)
    for event in EVENTS:
        progress(event)
    progress.close()
    text = stream.getvalue()
    for expected in ("changed     volumes : Make it  n2", "failed      Break it  n1", "+new"):
        assert expected in text
    assert "secret-word" not in text


def test_the_stream_decides_the_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with (tmp_path / "log").open("w") as file:
        assert isinstance(progress_for(file, Redactor(), verbose=False), PlainProgress)
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        assert isinstance(progress_for(terminal, Redactor(), verbose=False), LiveProgress)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(progress_for(terminal, Redactor(), verbose=False), PlainProgress)
    os.close(master)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (12.4, "12 s"), (132, "2 min 12 s"), (3780, "1 h 3 min")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_clock_reads_well(seconds: float, text: str) -> None:
    assert clock(seconds) == text
