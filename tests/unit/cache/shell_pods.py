"""Pods whose containers are directories of this machine: what is run in them is run by the real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult


class ShellPods:
    """A Kube as far as exec goes. An absolute path in a script that begins with /journal or /ufs lies in the pod's own.

    breaks: how many of the next commands lose their connection.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.breaks = 0
        self.ran: list[tuple[str, str]] = []

    def path(self, pod: str, inside: str) -> Path:
        """Where a pod's file lies here."""
        return self.folder / pod / inside.lstrip("/")

    def exec(
        self,
        _namespace: str,
        pod: str,
        _container: str,
        command: list[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
    ) -> ExecResult:
        self.ran.append((pod, command[-1]))
        if self.breaks:
            self.breaks -= 1
            raise CacheError("running it broke off")
        home = self.folder / pod
        home.mkdir(exist_ok=True)
        script = (
            command[-1].replace("/journal", f"{home}/journal").replace("/ufs", f"{self.folder}/ufs")
        )
        done = subprocess.run(
            [*command[:-1], script],
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            cwd=home,
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "POD": pod, "HERE": str(self.folder)},
        )
        return ExecResult(done.returncode, done.stdout.decode(), done.stderr.decode())

    def pod_http(self, *_: Any) -> str | None:
        """Nothing answers; see who derives from this."""
        return None
