"""`--limit` with hosts that bootstrap-workers does not work on: told by the playbook, which would do nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cache.own_command import ansible_playbook
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
    playbook = ROOT / "playbooks/bootstrap_workers.yml"
    done = ansible_playbook(tmp_path, INVENTORY, playbook, "--limit", limit)
    assert done.returncode != 0, done.stdout
    assert f"--limit {limit}" in done.stdout
    assert "in new_workers nor in cache_workers" in done.stdout
