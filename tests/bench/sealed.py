"""A bench in a world of its own: no network but loopback; mounts and processes end with it, also when it is killed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile

from lab.paths import cache_root
from tools.repository import ROOT, tool_environment

# The first process of a process namespace: when it ends, by itself or killed, the kernel ends all others, and with
# the last of them go the mounts and the network. setpriv: it is killed when the one who started it is.
NAMESPACES = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
)


def run(module: str, plan: str) -> str:
    """Run `python -m MODULE PLAN ANSWER` in there, with files in memory; the text that it has put into ANSWER.

    Raises:
        RuntimeError: it failed; it has said why itself. Or this is not root, who alone may do this.
    """
    if os.geteuid() != 0:
        raise RuntimeError("simulated hosts and clusters need root, for namespaces and mounts")
    # An empty folder for everybody else, also for a second run at the same time.
    folder = cache_root() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as answer:
        place = f"/proc/self/fd/{answer.fileno()}"
        inner = shlex.join([sys.executable, "-m", module, plan, place])
        script = (
            f"ip link set lo up && mount -t tmpfs bench {shlex.quote(str(folder))} && exec {inner}"
        )
        done = subprocess.run(
            [*NAMESPACES, "bash", "-c", script],
            cwd=ROOT,
            env=tool_environment(TMPDIR=str(folder)),
            stdin=subprocess.DEVNULL,
            pass_fds=[answer.fileno()],
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{module} ended with exit code {done.returncode}")
        answer.seek(0)
        return answer.read().decode()
