"""A pod deleted by force: gone from the API at once, killed on its node."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault
from tests.chaos.release import MASTER, WORKER


class _DeletedPod(Fault):
    role = MASTER
    lasts = False

    def inject(self) -> str:
        """Delete one that is there; in the middle of a restart it may be a new one, or none."""
        release = self.scene.release
        names = [str(pod["metadata"]["name"]) for pod in release.pods(self.role)]
        if not names:
            return f"no pod of {self.role} is there"
        name = self.chance.choice(names)
        where = ("-n", release.name, name, "--ignore-not-found", "--wait=false")
        release.lab.kubectl("delete", "pod", *where, "--grace-period=0", "--force")
        return name


class DeletedMaster(_DeletedPod):
    """One master's pod, the leader's as likely as another's."""


class DeletedWorker(_DeletedPod):
    """One worker's pod."""

    role = WORKER
