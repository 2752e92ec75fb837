"""SIGKILL of a master's Java process on its node; its container is started anew by the kubelet."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from lab import cgroups
from tests.chaos.faults.fault import Fault, MissedError
from tests.chaos.release import MASTER

MAIN_CLASS = "alluxio.master.AlluxioMaster"


class KilledJava(Fault):
    """One master's process."""

    lasts = False

    def inject(self) -> str:
        """Kill one that runs."""
        name, pid = self.one_of(self._running, "master's process")
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError as gone:
            raise MissedError(f"java of {name} had ended") from gone
        return f"java of {name}"

    def _running(self) -> dict[str, int]:
        found = {}
        for pod in self.scene.release.pods(MASTER):
            node = pod["spec"].get("nodeName")
            pid = self._process(str(pod["metadata"]["uid"]), node) if node else None
            if pid is not None:
                found[str(pod["metadata"]["name"])] = pid
        return found

    def _process(self, uid: str, node: str) -> int | None:
        group = cgroups.node_group(self.scene.state, self.scene.release.node(node))
        for pid in cgroups.processes(group):
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                # A pod's cgroup is named after its uid, with lines under in place of dashes where systemd made it.
                its = Path(f"/proc/{pid}/cgroup").read_text().replace("_", "-")
                if MAIN_CLASS.encode() in command and uid in its:
                    return pid
        return None
