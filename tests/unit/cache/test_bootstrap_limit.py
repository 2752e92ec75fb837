"""`--limit` with hosts that bootstrap-workers does not work on: told by the playbook, which would do nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.repository import ROOT

INVENTORY = """
[new_workers]
n4
[cache_masters]
m1
[all:vars]
ansible_connection=local
"""


@pytest.mark.parametrize("limit", ["m1", "m*", "cache_masters"])
def test_a_limit_without_a_host_of_ours_is_refused_with_ansibles_own_command(
    tmp_path: Path, limit: str
) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(INVENTORY)
    playbook = ROOT / "playbooks/bootstrap_workers.yml"
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", str(inventory), str(playbook), "--limit", limit],
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        },
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    assert f"--limit {limit}" in done.stdout
    assert "in new_workers nor in cache_workers" in done.stdout
