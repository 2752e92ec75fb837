"""Modules that go to hosts without Ansible's library, run by a Python of their own as on a host."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import piped_module
from ansible_collections.alluxops.cache.plugins.plugin_utils import piped_action
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec

PIPED = ("node_check", "node_worker", "node_directories")
PLUGINS = "ansible_collections.alluxops.cache.plugins"


def run_here(command: str, in_data: bytes) -> dict[str, Any]:
    """What the connection does on a host: a shell runs the command."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], input=in_data, capture_output=True, check=False
    )
    return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


def action(
    name: str,
    arguments: dict[str, Any],
    *,
    python: str = sys.executable,
    check: bool = False,
    environment: str = "",
    **task: Any,
) -> Any:
    """An action of a module on a host that is this machine; with the variables of its task."""
    made = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    one = made.__new__(made)
    given = {"args": arguments, "check_mode": check, "async_val": 0, "delegate_to": None, **task}
    one._task = SimpleNamespace(**given)
    one._connection = SimpleNamespace(is_pipelining_enabled=lambda _: True)
    one._templar = SimpleNamespace(template=lambda value: value)
    one._load_name = name
    one._compute_environment_string = lambda: environment
    one._low_level_execute_command = run_here
    one.variables = {"ansible_python_interpreter": python}
    return one


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what Ansible's own classes do; where its way is taken, that is said."""
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_: {})
    monkeypatch.setattr("ansible.plugins.action.normal.ActionModule.run", lambda *_: {"own": True})


def directories(path: Path, mode: str = "0750") -> dict[str, Any]:
    return {
        "directories": [
            {"path": str(path), "owner": os.getuid(), "group": os.getgid(), "mode": mode}
        ]
    }


def test_a_module_does_its_work_and_nothing_the_second_time(tmp_path: Path) -> None:
    place = tmp_path / "tier0"
    checked = action("node_directories", directories(place), check=True)
    assert checked.run(None, checked.variables)["changed"]
    assert not place.exists()

    one = action("node_directories", directories(place))
    first, second = (one.run(None, one.variables) for _ in range(2))
    assert first["made"] == [str(place)]
    assert first["diff"]["before"] == f"{place} absent\n"
    assert place.stat().st_mode & 0o7777 == 0o750
    assert second["changed"] is False
    assert second["made"] == []
    assert second["invocation"]["module_args"] == directories(place)


def test_what_a_module_refuses_is_told(tmp_path: Path) -> None:
    one = action("node_directories", directories(tmp_path / "tier0", "0777"))
    result = one.run(None, one.variables)
    assert result["failed"]
    assert result["refused"]
    assert "leave the last digit without write permission" in result["msg"]


def test_a_check_of_a_node_has_its_defaults(tmp_path: Path) -> None:
    one = action("node_check", {"path": str(tmp_path), "membership": True})
    result = one.run(None, one.variables)
    assert result["node"]["storage"]["path"] == str(tmp_path)
    assert {check["check"] for check in result["checks"]} >= {"memory", "storage_free"}
    assert result["membership"]["machine"] == os.uname().machine
    assert result["invocation"]["module_args"]["min_free_bytes"] == 1 << 30


def test_a_worker_is_looked_at_in_check_mode(tmp_path: Path) -> None:
    arguments = {"root": str(tmp_path), "namespace": "alluxio", "release": "cache"}
    one = action("node_worker", {**arguments, **directories(tmp_path / "a")}, check=True)
    result = one.run(None, one.variables)
    assert result["made"] == [str(tmp_path / "a")]
    assert len(result["diff"]) == 2
    assert not (tmp_path / "a").exists()


def test_the_environment_of_the_task_reaches_the_module(tmp_path: Path) -> None:
    program = tmp_path / "containerd"
    program.write_text("#!/bin/sh\necho containerd v9.8.7\n")
    program.chmod(0o755)
    arguments = {"path": str(tmp_path), "membership": True}
    one = action("node_check", arguments, environment=f"PATH={tmp_path}:$PATH")
    assert one.run(None, one.variables)["membership"]["programs"]["containerd"] == "9.8.7"


@pytest.mark.parametrize("name", PIPED)
def test_what_the_controller_checks_is_what_the_module_takes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Taken(Exception):  # noqa: N818 - it ends main() here
        pass

    def take(*, argument_spec: dict[str, Any], **_: Any) -> None:
        raise Taken(argument_spec)

    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    monkeypatch.setattr(module, "AnsibleModule", take)
    with pytest.raises(Taken) as taken:
        module.main()
    assert argument_spec(name) == taken.value.args[0]


@pytest.mark.parametrize(
    ("task", "variables"),
    [
        ({"async_val": 5}, {}),
        ({"delegate_to": "other"}, {}),
        ({}, {"ansible_python_interpreter": "auto_silent"}),
    ],
)
def test_ansible_runs_it_where_a_pipe_will_not_do(
    task: dict[str, Any], variables: dict[str, Any], tmp_path: Path
) -> None:
    one = action("node_check", {"path": str(tmp_path)}, **task)
    assert one.run(None, {**one.variables, **variables}) == {"own": True}


def test_ansible_runs_it_without_pipelining(tmp_path: Path) -> None:
    one = action("node_check", {"path": str(tmp_path)})
    one._connection = SimpleNamespace(is_pipelining_enabled=lambda _: False)
    assert one.run(None, one.variables) == {"own": True}


def test_the_python_that_ansible_has_found_is_used(tmp_path: Path) -> None:
    one = action("node_check", {"path": str(tmp_path)}, python="auto")
    facts = {"discovered_interpreter_python": sys.executable}
    assert "checks" in one.run(None, {**one.variables, "ansible_facts": facts})


def test_a_host_without_that_python_says_so(tmp_path: Path) -> None:
    one = action("node_check", {"path": str(tmp_path)}, python="/no/python3")
    result = one.run(None, one.variables)
    assert result["failed"]
    assert result["rc"] == 127
    assert "/no/python3 has not run the module" in result["msg"]
    assert "not found" in result["msg"]


def test_what_a_login_prints_is_passed_over() -> None:
    text = f"Welcome {{to}} n1\n{json.dumps({'changed': True})}\n{{goodbye\n"
    done = {"rc": 0, "stdout": text, "stderr": ""}
    assert piped_action.answer(done, "python3") == {"changed": True}


def ended(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> piped_module.AnsibleModule:
    monkeypatch.setattr(piped_module, "given", {"params": {}, "check_mode": False})
    return piped_module.AnsibleModule({}, supports_check_mode=True)


def test_a_command_is_run_without_a_shell(module: piped_module.AnsibleModule) -> None:
    shell = module.get_bin_path("sh", required=True)
    code, out, err = module.run_command(
        [str(shell), "-c", "echo $SAID; echo bad >&2; exit 3"], environ_update={"SAID": "$HOME"}
    )
    assert (code, out, err) == (3, "$HOME\n", "bad\n")


def test_a_program_that_is_not_there_ends_the_module(
    module: piped_module.AnsibleModule, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module.get_bin_path("no-such-program") is None
    with pytest.raises(SystemExit):
        module.get_bin_path("no-such-program", required=True)
    assert "no-such-program is not on this host" in ended(capsys)["msg"]
    with pytest.raises(SystemExit):
        module.run_command(["/no/such/program", "word"])
    told = ended(capsys)
    assert told["failed"]
    assert told["msg"] == "/no/such/program cannot be run: No such file or directory."
