"""The record of a lab, and its lock."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.state import LabState, Node, load, lock_lab, recorded_names, save


@pytest.fixture(autouse=True)
def own_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALLUXOPS_STATE", str(tmp_path))
    return tmp_path / "labs"


LAB = LabState("demo", 3, (Node(1), Node(2), Node(3, spare=True)), inventories=("/a/b",))


def test_a_lab_is_read_back_as_it_was_saved() -> None:
    assert load("demo") is None
    save(LAB)
    assert load("demo") == LAB
    save(replace(LAB, ready=True))
    assert load("demo") == replace(LAB, ready=True)
    assert recorded_names() == ["demo"]


def test_the_record_is_private() -> None:
    save(LAB)
    assert LAB.paths.state.stat().st_mode & 0o777 == 0o600
    assert LAB.paths.root.stat().st_mode & 0o777 == 0o700


def test_joined_nodes_are_those_that_are_not_spare() -> None:
    assert [node.name for node in LAB.joined] == ["n1", "n2"]
    assert LAB.control.name == "n1"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "name": "x"}'])
def test_a_record_that_cannot_be_read_says_where_it_is_and_what_to_do(text: str) -> None:
    save(LAB)
    LAB.paths.state.write_text(text)
    with pytest.raises(LabError, match=r"lab\.json") as caught:
        load("demo")
    assert "make lab-down LAB=demo" in str(caught.value)


def test_a_lock_is_refused_naming_who_holds_it_and_free_again_after() -> None:
    script = (
        "import sys; from lab.state import lock_lab\n"
        "with lock_lab('demo'): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LabError, match=f"process {holder.pid} "), lock_lab("demo"):
            pass
        with lock_lab("other"):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with lock_lab("demo"):
        pass


def test_the_environment_of_a_lab_has_its_tools_and_ours(own_state_directory: Path) -> None:
    save(replace(LAB, ready=True))
    root = Path(__file__).parents[3]
    told = subprocess.run(
        [sys.executable, "-m", "lab", "env", "--name", "demo"],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shown = subprocess.run(
        ["bash", "-c", 'eval "$1"; echo "$PATH"; echo "$KUBECONFIG"', "sh", told],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert shown == [
        f"{own_state_directory}/demo/bin:{root}/.venv/bin:/usr/bin:/bin",
        f"{own_state_directory}/demo/kubeconfig",
    ]
