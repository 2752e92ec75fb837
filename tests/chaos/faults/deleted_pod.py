"""A pod deleted by force: gone from the API at once, killed on its node."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault, MissedError
from tests.chaos.release import MASTER, WORKER


class _DeletedPod(Fault):
    role = MASTER
    lasts = False

    def inject(self) -> str:
        """Delete one that is there; in the middle of a restart it may be a new one."""
        release = self.scene.release
        name, _ = self.one_of(
            lambda: {str(pod["metadata"]["name"]): pod for pod in release.pods(self.role)},
            f"pod of {self.role}",
        )
        where = ("-n", release.name, name, "--ignore-not-found", "--wait=false")
        said = release.lab.kubectl("delete", "pod", *where, "--grace-period=0", "--force")
        if name not in said:
            raise MissedError(f"{name} was gone")
        return name


class DeletedMaster(_DeletedPod):
    """One master's pod, the leader's as likely as another's."""


class DeletedWorker(_DeletedPod):
    """One worker's pod."""

    role = WORKER
