"""A secret given to a run is in no command line while it runs, in nothing it prints, on no disk afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.unit.wrapper.conftest import PATIENCE_S, Playground, below, until

pytestmark = pytest.mark.timeout(600)

SECRET = "s3cr3t-Zx81-of-this-test"

PLAY = """\
- hosts: n1
  gather_facts: false
  tasks:
    - name: Leak it
      ansible.builtin.debug: {msg: "the key is {{ ufs.secretKey }}"}
    - name: Hold on
      hold: {file: "{{ release }}"}
    - name: Break with it
      ansible.builtin.fail: {msg: "cannot log in with {{ ufs.secretKey }}"}
"""
HOLD = """
import os
while not os.path.exists(self._task.args['file']):
    time.sleep(0.05)
return {'changed': False}
"""


def test_a_secret_stays_one(playground: Playground) -> None:
    playground.playbook("site", PLAY)
    playground.action("hold", HOLD)
    release = playground.work / "release"
    variables = f'{{"ufs": {{"secretKey": "{SECRET}"}}, "release": "{release}"}}'
    # Given to the wrapper in a file: what the user types on a command line is theirs to judge.
    (playground.work / "vars.yml").write_text(variables)
    process = playground.start("site", "-v", "-e", "@vars.yml", "-e", f"also_secret={SECRET[::-1]}")
    until(lambda: any("ansible-playbook" in p.command for p in below(process.pid)))
    directory = until(playground.run_directories)[0]
    until((directory / "supervisor.pid").exists)

    commands = [p.command for p in below(process.pid) if p.pid != process.pid]
    assert commands
    assert not [command for command in commands if SECRET in command or SECRET[::-1] in command]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    holding = [
        file for file in directory.rglob("*") if file.is_file() and SECRET[::-1] in text(file)
    ]
    assert [stat.S_IMODE(file.stat().st_mode) for file in holding] == [0o600]

    release.touch()
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "cannot log in with ********" in stderr
    assert SECRET not in stdout + stderr
    left = [file for file in playground.base.rglob("*") if file.is_file() and SECRET in text(file)]
    assert left == [playground.work / "vars.yml"]
    assert not [f for f in playground.base.rglob("*") if f.is_file() and SECRET[::-1] in text(f)]


def text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
