"""SIGKILL of the run itself: wrapper, supervisor, ansible-playbook and its workers at once."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault


class KilledRun(Fault):
    """The controller's power goes, as far as the run can tell."""

    lasts = False

    def inject(self) -> str:
        """Kill all of it."""
        killed = self.scene.release.cache.kill(self.scene.run)
        return f"the run and its {killed - 1} processes"
