"""SIGKILL of the run itself: wrapper, supervisor, ansible-playbook and its workers at once."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault, MissedError


class KilledRun(Fault):
    """The controller's power goes, as far as the run can tell."""

    lasts = False

    def inject(self) -> str:
        """Kill all of it."""
        killed = self.scene.release.cache.kill(self.scene.run)
        if self.scene.run.returncode >= 0:
            raise MissedError("the run had ended")
        return f"the run and its {killed - 1} processes"
