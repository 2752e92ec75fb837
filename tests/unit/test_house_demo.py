"""What `make demo` prints, told from stand-ins for the lab and its commands, and that README shows the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tools import demo
from tools.lab_session import LabFailedError
from tools.repository import ROOT

INVENTORY = "/state/labs/demo/inventory"
COMMANDS = [
    f"$ .venv/bin/alluxops site -i {INVENTORY} -e verify_tests=false",
    f"$ .venv/bin/alluxops verify -i {INVENTORY}",
    "$ kubectl get nodes -o wide",
    "$ kubectl get pods --namespace alluxio -o wide",
]


class Machine:
    """The lab and the commands, as far as the demo sees them. codes: exit codes of commands by their last word."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.lab_calls: list[tuple[str, ...]] = []
        self.environments: list[Mapping[str, str]] = []
        self.lab_fails = False

    def lab(self, *words: str) -> None:
        self.lab_calls.append(words)
        if self.lab_fails:
            raise LabFailedError("lab up ended with exit code 1")

    def run(self, command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        self.environments.append(how["env"])
        return subprocess.CompletedProcess(command, self.codes.get(command[1], 0))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine()
    environment = {"ANSIBLE_INVENTORY": INVENTORY, "KUBECONFIG": "/state/kubeconfig"}
    monkeypatch.setattr(demo, "lab", found.lab)
    monkeypatch.setattr(demo, "lab_environment", lambda _name: environment)
    monkeypatch.setattr(subprocess, "run", found.run)
    monkeypatch.setattr(sys, "executable", f"{ROOT}/.venv/bin/python")
    return found


def shown(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("$ ")]


def test_the_demo_deploys_proves_shows_and_says_what_is_next(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--", "--workers", "3"]) == 0
    output = capsys.readouterr().out
    assert shown(output) == COMMANDS
    assert output.endswith(f"{demo.what_is_next('demo')}\n")
    assert machine.lab_calls == [("up", "demo", "--workers", "3")]
    assert all(env["KUBECONFIG"] == "/state/kubeconfig" for env in machine.environments)


def test_a_step_that_fails_ends_the_demo_with_its_exit_code(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.codes = {"verify": 7}
    assert demo.main([]) == 7
    output = capsys.readouterr().out
    assert shown(output) == COMMANDS[:2]
    assert "Try next" not in output


def test_a_lab_that_does_not_boot_ends_the_demo(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.lab_fails = True
    assert demo.main([]) == 1
    assert shown(capsys.readouterr().out) == []


def test_a_demo_of_another_name_says_how_to_reach_it(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--name", "mine"]) == 0
    assert machine.lab_calls == [("up", "mine")]
    told = capsys.readouterr().out.partition("Try next, in this folder:\n")[2].splitlines()
    assert told[0].startswith('  eval "$(make -s lab-env LAB=mine)" ')
    assert told[-1].startswith("  make lab-down LAB=mine ")


def test_commands_are_shown_as_one_would_type_them() -> None:
    words = [f"{ROOT}/.venv/bin/alluxops", "verify", "-i", str(Path.home() / "state/inventory")]
    assert demo.as_typed(words) == ".venv/bin/alluxops verify -i ~/state/inventory"


def test_what_is_next_names_what_exists() -> None:
    assert "make lab-down " in demo.what_is_next("demo")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}:" in makefile for target in ("lab-down", "lab-env"))


def test_the_readme_shows_what_the_demo_prints_in_its_order() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.partition("What `make demo` ends with")[2].partition("\n## ")[0]
    text = dedent("\n".join(line for line in block.splitlines()[2:]))
    place = "~/.local/state/alluxops/labs/demo/inventory"
    assert shown(text) == [line.replace(INVENTORY, place) for line in COMMANDS[1:]]
    assert text.rstrip().endswith(demo.what_is_next("demo").strip())
