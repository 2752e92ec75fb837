"""The masters of a release on a lab: which of them leads, whether all take part, and how their leader is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

CONTAINER = "alluxio-master"
FAILED = (RuntimeError, AssertionError)
"""What a lab's `run` raises for a command that failed."""

_KILL_JAVA = """
for process in /proc/[0-9]*; do
  if [[ $(tr '\\0' ' ' < $process/cmdline) == *alluxio.master.AlluxioMaster* ]]; then
    [[ $(readlink $process/exe) != *java* ]] || { echo $EPOCHREALTIME; kill -9 ${process#/proc/}; }
  fi
done
"""

_PAUSE_JAVA = """
for process in /proc/[0-9]*; do
  if [[ $(tr '\\0' ' ' < $process/cmdline) == *alluxio.master.AlluxioMaster* ]]; then
    [[ $(readlink $process/exe) != *java* ]] || stopped+=(${process#/proc/})
  fi
done
kill -STOP "${stopped[@]}" && echo $EPOCHREALTIME
sleep SECONDS
kill -CONT "${stopped[@]}"
"""


@dataclass(frozen=True)
class Masters:
    """The masters of one release.

    run: runs a command in the lab's environment, returns its output. has_quorum: whether their journal is embedded.
    """

    run: Callable[..., str]
    namespace: str
    release: str
    count: int = 3
    has_quorum: bool = True

    def kubectl(self, *argv: str) -> str:
        """Run kubectl in the namespace."""
        return self.run("kubectl", "-n", self.namespace, *argv)

    def names(self) -> list[str]:
        """The masters' pods."""
        return [f"{self.release}-master-{ordinal}" for ordinal in range(self.count)]

    def leader(self) -> str | None:
        """The pod whose web API answers as the leader's does; None when none does."""
        space = f"/api/v1/namespaces/{self.namespace}/pods"
        for pod in self.names():
            path = f"{space}/{pod}:19999/proxy/api/v1/master/info"
            try:
                json.loads(self.kubectl("get", "--raw", path, "--request-timeout=3s"))
            except (*FAILED, ValueError):
                continue
            return pod
        return None

    def are_whole(self) -> bool:
        """Whether every master is Ready, and in the quorum where there is one."""
        found = self.kubectl("get", "pods", "-l", "role=alluxio-master", "-o", "json")
        pods = [
            pod
            for pod in json.loads(found)["items"]
            if "deletionTimestamp" not in pod["metadata"]
            and len(pod["status"].get("containerStatuses", [])) == len(pod["spec"]["containers"])
            and all(item["ready"] for item in pod["status"]["containerStatuses"])
        ]
        leader = self.leader() if len(pods) == self.count else None
        return leader is not None and (not self.has_quorum or self._in_quorum(leader) == self.count)

    def _in_quorum(self, leader: str) -> int:
        """Members that the leader hears of, itself included."""
        ask = ("exec", leader, "-c", CONTAINER, "--", "alluxio", "fsadmin", "journal", "quorum")
        try:
            told = self.kubectl(*ask, "info", "-domain", "MASTER")
        except FAILED:
            return 0
        return sum("AVAILABLE" in line.split() for line in told.splitlines())

    def kill_pod(self, pod: str) -> float:
        """Force-delete a pod; returns when, by this machine's clock."""
        began = time.time()
        self.kubectl("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")
        return began

    def kill_process(self, pod: str) -> float:
        """SIGKILL to the master's process; returns when, by the pod's clock."""
        said = self.kubectl("exec", pod, "-c", CONTAINER, "--", "bash", "-c", _KILL_JAVA)
        return float(said.split()[0])

    def pause_process(self, pod: str, pause_s: float) -> float:
        """Let the master's process stand still for so long, and go on; returns when it stopped, by the pod's clock."""
        script = _PAUSE_JAVA.replace("SECONDS", str(pause_s))
        said = self.kubectl("exec", pod, "-c", CONTAINER, "--", "bash", "-c", script)
        return float(said.split()[0])

    def log(self, pod: str, since: str) -> list[str]:
        """A master's log with Kubernetes' timestamps. since: RFC 3339."""
        words = ("-c", CONTAINER, "--timestamps", f"--since-time={since}")
        return self.kubectl("logs", pod, *words).splitlines()
