"""Which batches bootstrap-workers begins after hosts failed, and each host's line: by the role's own tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cache.own_command import ansible_playbook

PLAYBOOK = """
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - import_role: {name: bootstrap_workers, tasks_from: budget, rolespec_validate: false}
    - fail: {msg: broken}
      when: inventory_hostname in broken
    - set_fact:
        __bootstrap_workers_done: {plan: {node: "{{ inventory_hostname }}", is_worker: true, step: member}}
- hosts: all
  gather_facts: false
  tasks:
    - include_role: {name: bootstrap_workers, tasks_from: tell, rolespec_validate: false}
      run_once: true
"""
NOT_BEGUN = "not begun, as too many before it failed: run again, it goes on"


def told(folder: Path, share: int, *broken: str) -> dict[str, str]:
    """What became of hosts a to f, two at a time."""
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / "vars.yml").write_text(
        f"{{bootstrap_workers_max_fail_percentage: {share}, broken: {list(broken)}}}"
    )
    inventory = "".join(f"{host} ansible_connection=local\n" for host in "abcdef")
    done = ansible_playbook(folder, inventory, "site.yml", "-e", "@vars.yml")
    assert done.returncode == (2 if broken else 0), done.stdout + done.stderr
    found = done.stdout.partition(": Summary]")[2].partition("PLAY RECAP")[0].splitlines()
    lines = [line.strip(" -'").split(maxsplit=1) for line in found]
    return {line[0]: line[1] for line in lines if len(line) == 2 and line[0] in "abcdef"}


def test_all_batches_are_begun_where_nothing_fails(tmp_path: Path) -> None:
    lines = told(tmp_path, 10)
    assert list(lines) == list("abcdef")
    assert all("is a worker" in line for line in lines.values())


def test_no_batch_is_begun_after_one_with_too_many_failures(tmp_path: Path) -> None:
    lines = told(tmp_path, 10, "a")
    assert lines.pop("a") == "failed, see its error: run again, it goes on"
    assert "is a worker" in lines.pop("b")
    assert lines == dict.fromkeys("cdef", NOT_BEGUN)


@pytest.mark.parametrize(("share", "begun"), [(25, "def"), (24, "d")])
def test_the_share_is_that_of_the_hosts_that_were_begun(
    tmp_path: Path, share: int, begun: str
) -> None:
    """One of four is 25 %: the last two are begun with that and not with less."""
    lines = told(tmp_path, share, "c")
    assert [host for host in "def" if "is a worker" in lines[host]] == list(begun)


def test_a_share_is_looked_at_when_a_batch_is_over(tmp_path: Path) -> None:
    lines = told(tmp_path, 50, "a", "c")
    assert NOT_BEGUN not in lines.values()
