"""Which batches bootstrap-workers begins after hosts failed, each host's line and the exit code.

The role's own tasks and the playbook's own plays run; in the place of the modules that work on hosts and cluster
stands one action, which fails where it is told.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cache.own_command import ansible_playbook
from tools.repository import ROOT

LEFT_OUT = """
- hosts: new_workers
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - import_role: {name: bootstrap_workers, tasks_from: leave_out, rolespec_validate: false}
"""
STAND_IN = '''
import time

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):
    """Any module: `broken` has, by its name, the hosts or nodes that fail, `lost` those whose connection breaks."""

    def run(self, tmp=None, task_vars=None):
        name = self._task.action.rsplit(".", 1)[-1]
        broken, host = task_vars["broken"].get(name, []), task_vars["inventory_hostname"]
        nodes = {
            node: {
                "took_s": 1.0,
                "registered_s": 1.0,
                "registered_at": time.time(),
                "problem": f"Error: {node} has no worker." if node in broken else "",
            }
            for node in self._task.args.get("nodes", [])
        }
        if nodes:
            Display().display(f"{name} of {' '.join(nodes)}.")
        return {
            "failed": host in broken,
            "msg": f"Error: {name} fails on {host}.",
            "unreachable": host in task_vars["lost"].get(name, []),
            "nodes": nodes,
            "writer": "n1",
        }
'''
STOOD_FOR = (
    *("lease", "node_packages", "node_device", "node_worker", "node_join"),
    *("worker_arrival", "worker_canary"),
)
NOT_BEGUN = "not begun, as too many before it failed: run again, it goes on"
FAILED = "failed, see its error: run again, it goes on"
ALL = "abcdef"


class Run:
    """What was told at the end: `lines` by host; `output` is all that Ansible wrote."""

    def __init__(self, code: int, output: str) -> None:
        self.code, self.output = code, output
        found = output.partition(": Summary]")[2].partition("TASK [")[0].partition("PLAY")[0]
        lines = [line.strip(" -'").split(maxsplit=1) for line in found.splitlines()]
        self.lines = {line[0]: line[1] for line in lines if len(line) == 2 and line[0] in ALL}

    def with_line(self, text: str) -> str:
        """The hosts whose lines have this text."""
        return "".join(host for host, line in self.lines.items() if text in line)


def run(folder: Path, share: int, serial: int = 2, *, left_out: str = "", **given: Any) -> Run:
    """Hosts a to f. broken, lost: by module, hosts on which it fails, or finds no connection."""
    plugins = folder / "collections/ansible_collections/alluxops/cache/plugins"
    (plugins / "action").mkdir(parents=True)
    own = ROOT / "collections/ansible_collections/alluxops/cache"
    for name in ("modules", "module_utils", "plugin_utils", "doc_fragments"):
        (plugins / name).symlink_to(own / "plugins" / name)
    (plugins.parent / "meta").symlink_to(own / "meta")
    report = own / "plugins/action/bootstrap_report.py"
    (plugins / "action/bootstrap_report.py").symlink_to(report)
    for name in STOOD_FOR:
        (plugins / f"action/{name}.py").write_text(STAND_IN)
    plays = yaml.safe_load((ROOT / "playbooks/bootstrap_workers.yml").read_text())
    work = [play for play in plays if play["name"] in {"Make them workers", "Say what was done"}]
    (folder / "site.yml").write_text(LEFT_OUT + yaml.safe_dump(work, sort_keys=False))
    hosts = [host for host in ALL if host not in left_out]
    plan = {
        "plans": {
            host: {"node": f"n{host}", "is_worker": False, "step": "join", "taints": []}
            for host in hosts
        },
        "offers": {host: [] for host in hosts},
        "left_out": dict.fromkeys(left_out, "Error: it could not be looked at."),
        "version": "1.34.4",
        "cgroup_driver": "systemd",
        "mount_points": [],
    }
    values = {
        "__bootstrap_workers_plan": plan,
        "broken": {},
        "lost": {},
        "bootstrap_workers_max_fail_percentage": share,
        "bootstrap_workers_serial": serial,
        "bootstrap_workers_install_method": "apt",
        **given,
    }
    (folder / "vars.json").write_text(json.dumps(values))
    inventory = "[new_workers]\n" + "".join(f"{host} ansible_connection=local\n" for host in ALL)
    done = ansible_playbook(
        folder,
        inventory,
        "site.yml",
        *("-e", "@vars.json"),
        collections=folder / "collections",
    )
    return Run(done.returncode, done.stdout + done.stderr)


def test_all_batches_are_begun_where_nothing_fails(tmp_path: Path) -> None:
    done = run(tmp_path, 10)
    assert done.code == 0, done.output
    assert done.with_line("worker in") == ALL
    assert "Fail with what failed" not in done.output


def test_no_batch_is_begun_after_one_with_too_many_failures(tmp_path: Path) -> None:
    """Not the third one either: with the two that were not begun, the share would be 25 %."""
    done = run(tmp_path, 30, broken={"node_join": ["a"]})
    assert done.code == 2
    assert done.lines["a"] == FAILED
    assert "worker in" in done.lines["b"]
    assert done.with_line(NOT_BEGUN) == "cdef"


@pytest.mark.parametrize(("share", "begun"), [(25, "ef"), (24, "")])
def test_the_share_is_that_of_the_hosts_that_were_begun(
    tmp_path: Path, share: int, begun: str
) -> None:
    """One of four is 25 %: the last two are begun with that and not with less."""
    done = run(tmp_path, share, broken={"node_worker": ["c"]})
    assert done.with_line("worker in") == f"abd{begun}"
    assert done.with_line(FAILED) == "c"


def test_a_share_is_looked_at_when_a_batch_is_over(tmp_path: Path) -> None:
    done = run(tmp_path, 50, broken={"node_join": ["a", "c"]})
    assert done.with_line(NOT_BEGUN) == ""


@pytest.mark.parametrize("left_out", ["a", "cd"])
def test_hosts_that_were_left_out_do_not_count(tmp_path: Path, left_out: str) -> None:
    done = run(tmp_path, 40, left_out=left_out)
    assert done.code == 2
    assert done.with_line(FAILED) == left_out
    assert done.with_line("worker in") == "".join(host for host in ALL if host not in left_out)


def test_hosts_that_were_left_out_make_no_share_smaller(tmp_path: Path) -> None:
    """One of b, c and d is a third."""
    done = run(tmp_path, 30, left_out="a", broken={"node_join": ["c"]})
    assert done.with_line(NOT_BEGUN) == "ef"


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ("node_worker", "ab"),
        ("worker_arrival", ["na", "nb"]),
        ("worker_canary", ["na", "nb"]),
    ],
)
def test_all_hosts_have_a_line_where_a_whole_batch_fails(
    tmp_path: Path, where: str, broken: str | list[str]
) -> None:
    done = run(tmp_path, 10, broken={where: list(broken)})
    assert done.code == 2
    assert done.with_line(FAILED) == "ab"
    assert done.with_line(NOT_BEGUN) == "cdef"


@pytest.mark.parametrize("where", ["lease", "worker_arrival"])
def test_all_hosts_have_a_line_where_a_task_for_the_whole_batch_fails(
    tmp_path: Path, where: str
) -> None:
    done = run(tmp_path, 10, broken={where: ["a"]})
    assert done.code == 2
    assert done.with_line(FAILED) == "ab"
    assert done.with_line(NOT_BEGUN) == "cdef"


def test_one_at_a_time_the_share_counts_too(tmp_path: Path) -> None:
    done = run(tmp_path, 50, serial=1, broken={"node_join": ["b", "d", "e"]})
    assert done.code == 2
    assert done.with_line("worker in") == "ac"
    assert done.with_line(FAILED) == "bde"
    assert done.with_line(NOT_BEGUN) == "f"


def test_a_last_host_that_fails_ends_the_run_with_its_error_and_the_lines(tmp_path: Path) -> None:
    done = run(tmp_path, 50, serial=5, broken={"node_join": ["f"]})
    assert done.code == 2
    assert (done.with_line("worker in"), done.with_line(FAILED)) == ("abcde", "f")
    assert "node_join fails on f" in done.output.partition(": Summary]")[2]


def test_what_failed_on_a_host_is_not_waited_for_and_not_read_through(tmp_path: Path) -> None:
    broken = {"node_packages": ["a"], "node_join": ["b"], "worker_arrival": ["nc"]}
    done = run(tmp_path, 50, serial=6, broken=broken)
    assert (done.with_line("worker in"), done.with_line(FAILED)) == ("def", "abc")
    assert "worker_arrival of nc nd ne nf." in done.output
    assert "worker_canary of nd ne nf." in done.output


def test_a_host_whose_connection_breaks_counts_as_failed(tmp_path: Path) -> None:
    done = run(tmp_path, 10, lost={"node_worker": ["b"]})
    assert done.code == 4
    assert (done.with_line("worker in"), done.with_line(FAILED)) == ("a", "b")
    assert done.with_line(NOT_BEGUN) == "cdef"
