"""A run that is stopped or killed, in every way, leaves no process, no secret and no lock behind."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import lease
from ansible_collections.alluxops.cache.plugins.plugin_utils import lease_renewer
from tests.unit.wrapper.conftest import (
    PATIENCE_S,
    Playground,
    Process,
    below,
    is_alive,
    kill,
    living,
    until,
)

pytestmark = pytest.mark.timeout(600)

# A task on the controller with a child of its own, as helm under a module would be.
PLAY = """\
- name: Long play
  hosts: n1
  gather_facts: false
  tasks:
    - name: Change something
      ansible.builtin.debug: {msg: x}
      changed_when: true
    - name: Take long
      ansible.builtin.command: sleep 600
    - name: Never reached
      ansible.builtin.debug: {msg: never}
"""


def find(processes: list[Process], word: str) -> int | None:
    """The process whose command's first words hold this."""
    return next((p.pid for p in processes if word in " ".join(p.command.split()[:2])), None)


def started(playground: Playground) -> tuple[subprocess.Popen[str], list[int]]:
    """A run in the middle of its long task, and all its processes."""
    playground.playbook("site", PLAY)
    process = playground.start("site", "-e", "a_secret=very-secret")
    until(lambda: find(below(process.pid), "sleep 600"))
    return process, [p.pid for p in below(process.pid)]


def all_gone(pids: list[int]) -> bool:
    return not [pid for pid in pids if is_alive(pid)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_says_what_remains(
    playground: Playground, number: signal.Signals
) -> None:
    process, pids = started(playground)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert all_gone(pids)
    assert "Stopping" in stdout
    assert "Never reached" not in stdout
    assert "Stopped after 1 change" in stderr
    assert "run `alluxops site` again: it converges" in stderr
    assert playground.run_directories() == []
    assert json.loads(playground.history().read_text())["result"] == "cancelled"


def test_a_killed_wrapper_takes_the_run_with_it(playground: Playground) -> None:
    process, pids = started(playground)
    process.kill()
    process.wait()
    until(lambda: all_gone(pids))
    until(lambda: not playground.run_directories())


def test_a_killed_ansible_playbook_is_told_and_leaves_nothing(playground: Playground) -> None:
    process, pids = started(playground)
    ansible = [p.pid for p in below(process.pid) if "ansible-playbook" in p.command][1]
    kill(ansible)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "was killed from outside" in stderr
    assert all_gone(pids)
    assert playground.run_directories() == []


def test_a_run_that_lost_its_lease_says_so(playground: Playground) -> None:
    process, pids = started(playground)
    ansible = [p.pid for p in below(process.pid) if "ansible-playbook" in p.command][1]
    why = "[ERROR]: another run is at work on x/y: z. This one is ended.\nCause: it slept.\n"
    lease_renewer._end(lease.here(ansible), why)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "another run is at work on x/y: z. This one is ended.\n  Cause: it slept." in stderr
    assert "Not finished after 1 change" in stderr
    assert all_gone(pids)


def test_everything_killed_at_once_leaves_only_what_the_next_run_removes(
    playground: Playground,
) -> None:
    process, pids = started(playground)
    doomed = [
        p.pid
        for p in living()
        if p.pid in pids and ("supervisor.py" in p.command or "ansible-playbook" in p.command)
    ]
    for pid in [*doomed, process.pid]:
        kill(pid)
    process.wait()
    for pid in pids:
        if is_alive(pid) and pid not in doomed:
            kill(pid)  # the task's own processes; a machine that loses power has none either
    assert len(playground.run_directories()) == 1
    playground.playbook("site", "- {hosts: n1, gather_facts: false, tasks: [{debug: {msg: x}}]}\n")
    assert playground.run("site").returncode == 0
    assert playground.run_directories() == []


def test_a_second_signal_does_not_cut_the_stop_short(playground: Playground) -> None:
    process, pids = started(playground)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert all_gone(pids)
