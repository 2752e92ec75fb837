"""Which Python and which uv tools/bootstrap takes: the real script, on a PATH and a HOME of stand-ins."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.repository import ROOT

COMMANDS = [
    "bash",
    "cat",
    "chmod",
    "cp",
    "cut",
    "dirname",
    "env",
    "find",
    "grep",
    "id",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "sort",
]

PYTHON = """#!/bin/bash
case "$*" in
    *sys.exit*) exit {too_old} ;;
    *sys.executable*) echo "$0" ;;
    --version) echo "Python {version}" ;;
    *) exit 1 ;;
esac
"""
UV = """#!/bin/bash
if [ "$1" = --version ]; then echo 'uv {version}'; exit; fi
echo "$0 $*" >> {log}
env | grep ^UV_ >> {log}.env
if [ "$1" = venv ]; then
    folder=${{!#}}
    mkdir -p "$folder/bin"
    printf '#!/bin/bash\\nexit 0\\n' > "$folder/bin/python"
    cp "$folder/bin/python" "$folder/bin/ansible-community"
    chmod +x "$folder/bin/"*
fi
"""


@dataclass
class Machine:
    """A repository with nothing but the script, a PATH with nothing but what it calls, and a HOME."""

    base: Path

    def __post_init__(self) -> None:
        for folder in ("repository/tools", "bin", "home"):
            (self.base / folder).mkdir(parents=True)
        shutil.copy(ROOT / "tools/bootstrap", self.base / "repository/tools/bootstrap")
        self.write("pyproject.toml", "[project]\nname = 'x'\n")
        self.write("requirements.txt", "ansible==1\nruff==2\n")
        self.write("tools/uv-requirements.txt", "uv==0.9.0\n")
        for name in COMMANDS:
            (self.base / "bin" / name).symlink_to(shutil.which(name) or name)

    def write(self, name: str, text: str) -> None:
        """Write a file of the repository."""
        (self.base / "repository" / name).write_text(text)

    def program(self, place: str, text: str) -> Path:
        """Put a program somewhere below the machine's folder."""
        path = self.base / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def python(self, place: str, version: str) -> Path:
        """A stand-in that says which Python it is."""
        too_old = int(tuple(map(int, version.split(".")[:2])) < (3, 12))
        return self.program(place, PYTHON.format(version=version, too_old=too_old))

    def uv(self, place: str = "bin/uv", version: str = "0.9.0") -> Path:
        """A stand-in that notes how it is called."""
        return self.program(place, UV.format(version=version, log=self.base / "uv.log"))

    def bootstrap(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(
            [self.base / "repository/tools/bootstrap", *words],
            env={"PATH": str(self.base / "bin"), "HOME": str(self.base / "home"), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """How uv was called, without its own path."""
        log = self.base / "uv.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.partition(" ")[2] for line in lines]

    @property
    def chosen(self) -> str:
        """The Python that uv was asked to make .venv with."""
        (made,) = [call for call in self.calls if call.startswith("venv ")]
        return made.partition("--python ")[2].split()[0]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    found.uv()
    return found


def test_python_comes_from_path(machine: Machine) -> None:
    machine.python("bin/python3", "3.11.2")
    wanted = machine.python("bin/python3.13", "3.13.1")
    machine.python("home/.pyenv/versions/3.14.0/bin/python", "3.14.0")
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    assert machine.chosen == str(wanted)


def test_else_the_newest_that_works_from_pyenvs_folder(machine: Machine) -> None:
    machine.python("bin/python3", "3.11.2")
    for version in ("3.9.18", "3.12.9", "3.12.10"):
        machine.python(f"home/.pyenv/versions/{version}/bin/python", version)
    machine.program("home/.pyenv/versions/3.14.0/bin/python", "#!/bin/bash\nexit 127\n")
    assert machine.bootstrap().returncode == 0
    assert machine.chosen == str(machine.base / "home/.pyenv/versions/3.12.10/bin/python")


def test_pyenv_may_lie_elsewhere(machine: Machine) -> None:
    wanted = machine.python("opt/pyenv/versions/3.12.1/bin/python", "3.12.1")
    assert machine.bootstrap(PYENV_ROOT=str(machine.base / "opt/pyenv")).returncode == 0
    assert machine.chosen == str(wanted)


def test_else_uv_downloads_one(machine: Machine) -> None:
    machine.python("bin/python3", "3.9.2")
    assert machine.bootstrap().returncode == 0
    assert machine.chosen == "3.13"


def test_a_shim_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.program("bin/python3", "#!/bin/bash\necho 'pyenv: version not found' >&2; exit 127\n")
    wanted = machine.python("bin/python3.12", "3.12.0")
    assert machine.bootstrap().returncode == 0
    assert machine.chosen == str(wanted)


def test_what_the_lock_pins_is_installed_once(machine: Machine) -> None:
    machine.python("bin/python3", "3.13.0")
    first = machine.bootstrap()
    assert "installing 2 packages" in first.stderr
    synced = [call for call in machine.calls if call.startswith("pip sync")]
    assert len(synced) == 1
    assert "--require-hashes" in synced[0]
    calls = machine.calls
    assert machine.bootstrap().stderr == ""
    assert machine.calls == calls


def test_another_lock_renews_what_is_installed_and_keeps_the_python(machine: Machine) -> None:
    machine.python("bin/python3", "3.13.0")
    machine.bootstrap()
    machine.write("requirements.txt", "ansible==2\n")
    assert "installing 1 packages" in machine.bootstrap().stderr
    kinds = [" ".join(call.split()[:2]) for call in machine.calls]
    assert [kind for kind in kinds if kind.startswith("pip")] == ["pip sync", "pip install"] * 2
    assert sum(call.startswith("venv ") for call in machine.calls) == 1


def test_the_tools_settings_ask_for_no_new_installation(machine: Machine) -> None:
    machine.python("bin/python3", "3.13.0")
    machine.bootstrap()
    calls = machine.calls
    machine.write("pyproject.toml", "[project]\nname = 'x'\n[tool.ruff]\nline-length = 1\n")
    machine.bootstrap()
    assert machine.calls == calls


def test_uv_of_the_cache_stands_in_for_one_that_is_missing_or_too_old(machine: Machine) -> None:
    machine.python("bin/python3", "3.13.0")
    machine.uv(version="0.4.30")
    pinned = hashlib.sha256(b"uv==0.9.0\n").hexdigest()[:16]
    mine = machine.uv(f"cache/uv/{pinned}/bin/uv")
    assert machine.bootstrap(ALLUXOPS_CACHE=str(machine.base / "cache")).returncode == 0
    assert (machine.base / "uv.log").read_text().startswith(f"{mine} venv ")


def test_pips_package_settings_hold_for_uv(machine: Machine) -> None:
    machine.python("bin/python3", "3.13.0")
    (machine.base / "wheels").mkdir()
    machine.bootstrap(
        PIP_INDEX_URL="https://packages.example/simple",
        PIP_FIND_LINKS=f"{machine.base}/wheels {machine.base}/missing https://wheels.example/",
        UV_INDEX="https://uvs.own.example/",
        PIP_EXTRA_INDEX_URL="https://pips.example/",
    )
    settings = set((machine.base / "uv.log.env").read_text().splitlines())
    assert settings == {
        "UV_DEFAULT_INDEX=https://packages.example/simple",
        f"UV_FIND_LINKS={machine.base}/wheels,https://wheels.example/",
        "UV_INDEX=https://uvs.own.example/",
    }


def test_an_unknown_option_is_refused_with_the_ones_there_are(machine: Machine) -> None:
    done = machine.bootstrap("--look")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: unknown option --look\n"
        "Fix: tools/bootstrap, tools/bootstrap --lock, or tools/bootstrap --environment LOCK FOLDER\n"
    )
    assert machine.calls == []


def test_without_any_python_or_uv_it_says_what_to_install(machine: Machine) -> None:
    (machine.base / "bin/uv").unlink()
    (machine.base / "bin/id").unlink()
    machine.program("bin/id", "#!/bin/bash\necho 1000\n")
    done = machine.bootstrap()
    assert done.returncode == 1
    assert "neither uv nor a Python" in done.stderr
    assert "Fix: install uv, or Debian's package python3-venv" in done.stderr
