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

LATE = """
import multiprocessing, os, sys, time
sys.path.insert(0, {collections!r})
from ansible_collections.alluxops.cache.plugins.plugin_utils import parent
def task():
    playbook = os.getppid()
    print(os.getpid(), flush=True)
    while os.getppid() == playbook:
        time.sleep(0.01)
    parent.end_with_it()
    open({mark!r}, "w").close()
multiprocessing.get_context("fork").Process(target=task).start()
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
    wait_for_the_end(task)


def test_a_task_whose_playbook_is_dead_already_does_not_begin(tmp_path: Path) -> None:
    mark = tmp_path / "went on"
    code = LATE.format(collections=str(Path(__file__).parents[3] / "collections"), mark=str(mark))
    playbook = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert playbook.stdout is not None
    task = int(playbook.stdout.readline())
    playbook.kill()
    playbook.wait()
    playbook.stdout.close()
    wait_for_the_end(task)
    assert not mark.exists()


def wait_for_the_end(task: int) -> None:
    """Until a process is dead; who reaps it is not ours."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{task}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"process {task} goes on")
