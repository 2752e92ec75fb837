"""SIGKILL of the run itself: wrapper, supervisor, ansible-playbook and its workers at once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.faults.fault import Fault


class KilledRun(Fault):
    """The controller's power goes, as far as the run can tell."""

    lasts = False

    def inject(self) -> str:
        """Stop every process first, so that none sees another die and ends in order."""
        wrapper = self.scene.run.pid
        found: set[int] = set()
        while new := family(wrapper) - found:  # a process may start another before it is stopped
            for pid in new:
                _signal(pid, signal.SIGSTOP)
            found |= new
        for pid in found:
            _signal(pid, signal.SIGKILL)
        self.scene.run.wait(timeout=30)
        return f"the run and its {len(found) - 1} processes"


def family(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                text = (entry / "stat").read_text()
                parents[int(entry.name)] = int(text.rpartition(")")[2].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
