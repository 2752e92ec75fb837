"""Programs beside a run, in sessions of their own: they see to something when what they watch ends, however it ends.

Nothing in a task's own process can do that: Ansible ends it by signals that no `finally` outlives, or the kernel does.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.lease import start_of

POLL_S = 1.0


def start(program: str, kubeconfig: str, order: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """Start a program of this folder. It reads the order from its standard input, as JSON.

    kubeconfig: a path as connection.kubeconfig_path has it. By path, so that orders hold no secret.
    """
    paths = map(os.path.abspath, kubeconfig.split(os.pathsep))
    whole = {
        **order,
        "kubeconfig": os.pathsep.join(paths),
        "collections": str(Path(__file__).resolve().parents[5]),
    }
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve().with_name(f"{program}.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps(whole).encode())
        process.stdin.close()
    return process


def ends(pid: int, start: int, within_s: float) -> bool:
    """Wait for the end of a process; True once it has ended. start: as lease.start_of told when it was alive."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):  # no such call here, or no such process
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if start_of(pid) != start:
                return True
            time.sleep(POLL_S)
        return False
    try:
        if start_of(pid) != start:
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(within_s * 1000))
    finally:
        os.close(handle)
