"""What must not stay is deleted, however a run ends: a run of ansible-playbook is ended in each way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.unit.cache.small_api import Server, kubeconfig, serving
from tools.repository import ROOT

SECRETS = "/api/v1/namespaces/kube-system/secrets"
PATH = f"{SECRETS}/bootstrap-token-abcdef"
LIMIT_S = 60.0
ACTION = f"""
import time
from ansible.plugins.action import ActionBase
from ansible_collections.alluxops.cache.plugins.plugin_utils import parent
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import deleted_at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        parent.end_with_it()
        given = self._task.args
        kube = Kube.open(given["kubeconfig"])
        with deleted_at_the_end(kube, given["kubeconfig"], {PATH!r}):
            kube.create({SECRETS!r}, {{}})
            time.sleep(given["for_s"])
        return {{}}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        made.answers[SECRETS] = (201, {})
        made.answers[PATH] = (200, {})
        yield made


@pytest.fixture
def run(server: Server, tmp_path: Path) -> Callable[[float], subprocess.Popen[bytes]]:
    """Starts a run whose task makes a Secret, and works for so many seconds with it."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "works.py").write_text(ACTION)
    config = kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}")
    own: Mapping[str, str] = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "ANSIBLE_ACTION_PLUGINS": str(plugins),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
    }

    def start(for_s: float) -> subprocess.Popen[bytes]:
        task = {"works": {"kubeconfig": config, "for_s": for_s}}
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
        program = Path(sys.executable).with_name("ansible-playbook")
        return subprocess.Popen(
            [program, "-i", "localhost,", "-c", "local", tmp_path / "play.yml"],
            cwd=tmp_path,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    return start


def asked(server: Server, method: str, path: str) -> int:
    return sum(one[:2] == (method, path) for one in server.asked)


def wait_for(condition: Callable[[], bool], playbook: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            playbook.kill()
            raise AssertionError((playbook.communicate()[0] or b"").decode())
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(
    server: Server, run: Callable[[float], subprocess.Popen[bytes]], how: signal.Signals
) -> None:
    playbook = run(LIMIT_S * 2)
    wait_for(lambda: asked(server, "POST", SECRETS) == 1, playbook)
    assert asked(server, "DELETE", PATH) == 0
    playbook.send_signal(how)
    playbook.communicate(timeout=LIMIT_S)
    assert playbook.returncode != 0
    wait_for(lambda: asked(server, "DELETE", PATH) == 1, playbook)


def test_a_run_that_ends_by_itself_deletes_it_and_nobody_else_has_to(
    server: Server, run: Callable[[float], subprocess.Popen[bytes]]
) -> None:
    playbook = run(0)
    said, _ = playbook.communicate(timeout=LIMIT_S)
    assert playbook.returncode == 0, said.decode()
    assert asked(server, "DELETE", PATH) == 1
    time.sleep(2)  # for as long as the other would take
    assert asked(server, "DELETE", PATH) == 1
