"""etcd or the API server hangs for some seconds and is then killed; the kubelet starts it anew."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from lab import cgroups, kubeadm
from lab.commands import wait_for
from lab.errors import LabError
from tests.chaos.faults.fault import Fault, MissedError


class _StoppedServer(Fault):
    program = ""

    def inject(self) -> str:
        """Stop the process: connections stay open and nobody answers, which is worse than a refusal."""
        if not (found := self._processes()):
            raise MissedError(f"{self.program} did not run")
        for pid in found:
            _signal(pid, signal.SIGSTOP)
        return f"{self.program} on {self.scene.state.control.name}"

    def heal(self) -> None:
        """Kill it and wait until the API is ready again."""
        for pid in self._processes():
            _signal(pid, signal.SIGKILL)
        wait_for(f"{self.program} serves again", self._is_ready, timeout_s=300, every_s=1)
        kubeadm.wait_ready(self.scene.state)

    def _processes(self) -> list[int]:
        group = cgroups.node_group(self.scene.state, self.scene.state.control)
        found = []
        for pid in cgroups.processes(group):
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == self.program:
                    found.append(pid)
        return found

    def _is_ready(self) -> bool:
        try:
            return (
                kubeadm.kubectl(self.scene.state, "get", "--raw", "/readyz", timeout_s=10) == "ok"
            )
        except LabError:
            return False


class StoppedEtcd(_StoppedServer):
    """The only member, which is the leader."""

    program = "etcd"


class StoppedApiServer(_StoppedServer):
    """The only API server."""

    program = "kube-apiserver"


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
