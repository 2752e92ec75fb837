"""What ansible-playbook's output says about time: when each play began, and how many tasks it showed."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.repository import ROOT

_PLAY = re.compile(r"^PLAY \[(?P<name>.*?)\] ?\*")
_TASK = re.compile(r"^TASK \[")
_RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(?P<changed>\d+)")


@dataclass(frozen=True)
class PlaybookRun:
    """One run of a playbook.

    Attributes:
        exit_code: ansible-playbook's own.
        seconds: from start to end of the command.
        began: play name -> seconds from start to its headline, in the order of the plays.
        tasks: headlines of tasks.
        changed: sum over all hosts.
        output: everything it printed.
    """

    exit_code: int
    seconds: float
    began: Mapping[str, float]
    tasks: int
    changed: int
    output: str

    @property
    def seconds_before_last_play(self) -> float:
        """What the run took without its last play; all of it where there was none."""
        return max(self.began.values(), default=self.seconds)


def read(lines: Iterable[tuple[float, str]], exit_code: int, seconds: float) -> PlaybookRun:
    """Make a run out of its output: pairs of seconds since its start and a line."""
    began: dict[str, float] = {}
    tasks = changed = 0
    output = []
    for when, line in lines:
        output.append(line)
        if play := _PLAY.match(line):
            began.setdefault(play["name"], when)
        elif _TASK.match(line):
            tasks += 1
        elif recap := _RECAP.match(line):
            changed += int(recap["changed"])
    return PlaybookRun(exit_code, seconds, began, tasks, changed, "\n".join(output))


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> PlaybookRun:
    """Run ansible-playbook with these arguments from the repository's root, and time its lines."""
    began = time.monotonic()
    lines: list[tuple[float, str]] = []
    with subprocess.Popen(
        ["ansible-playbook", *arguments],
        cwd=ROOT,
        env={**environment, "PYTHONUNBUFFERED": "1", "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as playbook:
        assert playbook.stdout is not None
        lines.extend((time.monotonic() - began, line.rstrip("\n")) for line in playbook.stdout)
        exit_code = playbook.wait()
    return read(lines, exit_code, time.monotonic() - began)
