"""A task's process ends with its playbook, even when that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

CODE = """
import os, sys, time
sys.path.insert(0, {collections!r})
from ansible_collections.alluxops.cache.plugins.plugin_utils import parent
child = os.fork()
if child == 0:
    parent.end_with_it()
    print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_a_killed_playbook_takes_its_tasks_with_it() -> None:
    code = CODE.format(collections=str(Path(__file__).parents[3] / "collections"))
    playbook = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert playbook.stdout is not None
    task = int(playbook.stdout.readline())
    os.kill(task, 0)
    playbook.kill()
    playbook.wait()
    playbook.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{task}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{task}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break  # dead; who reaps it is not ours
        time.sleep(0.05)
    assert time.monotonic() < deadline
