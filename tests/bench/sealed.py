"""A bench in a world of its own: no network but loopback, and mounts and processes that end with it, also when killed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.repository import ROOT, tool_environment

# The first process of a process namespace: when it ends, by itself or killed, the kernel ends all others, and with
# the last of them go the mounts and the network.
NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


def run(module: str, arguments: Sequence[str]) -> str:
    """Run `python -m MODULE ARGUMENTS... FILE` in there; the text that it has put into FILE.

    Raises:
        RuntimeError: it failed; it has said why itself. Or this is not root, who alone may do this.
    """
    if os.geteuid() != 0:
        raise RuntimeError("simulated hosts and clusters need root, for namespaces and mounts")
    with tempfile.TemporaryDirectory(prefix="alluxops-bench-") as folder:
        answer = Path(folder) / "answer"
        command = [sys.executable, "-m", module, *arguments, str(answer)]
        script = f"ip link set lo up && exec {shlex.join(command)}"
        done = subprocess.run(
            [*NAMESPACES, "bash", "-c", script],
            cwd=ROOT,
            env=tool_environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{module} ended with exit code {done.returncode}")
        return answer.read_text(encoding="utf-8")
