"""A small repository of its own for each test, with the real package and real playbooks, run by the real Ansible."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import alluxops

PACKAGE = Path(alluxops.__file__).parent
COLLECTION = PACKAGE.parents[1] / "collections" / "ansible_collections" / "alluxops" / "cache"
# Ansible's own Python on the hosts: looking for one takes as long as a whole small run.
THREE_HOSTS = """\
all:
  hosts: {n1: {}, n2: {}, n3: {}}
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
# Real runs on a machine that may be busy with much else; nothing here waits this long by itself.
PATIENCE_S = 240.0


@dataclass
class Playground:
    """A repository, a user's directory beside it, and the command `alluxops` run in that directory."""

    base: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def repository(self) -> Path:
        return self.base / "repository"

    @property
    def work(self) -> Path:
        return self.base / "work"

    @property
    def temporary(self) -> Path:
        return self.base / "tmp"

    @property
    def home(self) -> Path:
        return self.base / "home"

    def playbook(self, verb: str, text: str) -> None:
        path = self.repository / "playbooks" / f"{verb}.yml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def action(self, name: str, body: str) -> None:
        """An action plugin beside the playbooks; body is that of run()."""
        folder = self.repository / "playbooks" / "action_plugins"
        folder.mkdir(exist_ok=True)
        head = (
            "import time\n"
            "from ansible.plugins.action import ActionBase\n"
            "from ansible.utils.display import Display\n\n\n"
            "class ActionModule(ActionBase):\n"
            "    def run(self, tmp=None, task_vars=None):\n"
        )
        code = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
        (folder / f"{name}.py").write_text(head + code + "\n", encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
        return {
            **kept,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(self.repository / "src"),
            **more,
        }

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "alluxops", *words],
            cwd=self.work,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "alluxops", *words],
            cwd=self.work,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run_directories(self) -> list[Path]:
        return sorted(self.temporary.glob("*alluxops-run-*"))

    def history(self) -> Path:
        return self.home / ".local" / "state" / "alluxops" / "history.jsonl"


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[Playground]:
    made = Playground(tmp_path)
    for folder in (made.work, made.temporary, made.home, made.repository / "playbooks"):
        folder.mkdir(parents=True)
    shutil.copytree(
        PACKAGE, made.repository / "src" / "alluxops", ignore=shutil.ignore_patterns("__pycache__")
    )
    collection = made.repository / "collections" / "ansible_collections" / "alluxops" / "cache"
    collection.parent.mkdir(parents=True)
    collection.symlink_to(COLLECTION)
    (made.repository / "ansible.cfg").write_text("[defaults]\ninventory = hosts.yml\n")
    (made.repository / "hosts.yml").write_text(THREE_HOSTS, encoding="utf-8")
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str


def living() -> list[Process]:
    """Every process that has not ended, with its command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            found.append(Process(int(entry.name), int(parent), command.strip()))
    return found


def below(pid: int) -> list[Process]:
    """The process and every living process below it."""
    everything = living()
    pids = {pid}
    while True:
        more = {process.pid for process in everything if process.parent in pids} - pids
        if not more:
            return [process for process in everything if process.pid in pids]
        pids |= more


def until[T](condition: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
    """Wait for a condition to be true; its last value fails the test."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {timeout_s} s"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    return any(process.pid == pid for process in living())


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
