"""What the lab needs of this machine is installed, or named with the way to get it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lab.artifacts import host, toolchain
from lab.artifacts.command import Log
from lab.errors import LabError


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def test_installed_packages_are_told_from_missing_ones() -> None:
    assert host._installed("bash installed\nlibc6:amd64 installed\nvim config-files\n") == {
        "bash", "libc6",
    }  # fmt: skip
    if shutil.which("dpkg-query"):
        assert host.missing_packages(["dpkg", "no-such-package"]) == ["no-such-package"]


def test_nothing_is_asked_of_apt_when_nothing_is_missing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "missing_packages", lambda _names: [])
    monkeypatch.setattr(host, "run", lambda *_, **__: pytest.fail("apt was run"))
    host.ensure_packages(["mmdebstrap"], log)


def test_without_root_the_command_to_run_is_named(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "missing_packages", lambda _names: ["maven", "mmdebstrap"])
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError) as caught:
        host.ensure_packages(["maven", "mmdebstrap"], log)
    assert "sudo apt-get install maven mmdebstrap" in caught.value.fix


def test_another_system_is_pointed_at_its_own_cluster(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "missing_packages", lambda _names: ["maven"])
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(LabError, match="lacks maven, and it has no apt-get") as caught:
        host.ensure_packages(["maven"], log)
    assert "your own cluster" in caught.value.fix


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.19.8 linux/amd64", (1, 19)),
        ("gibberish", (0, 0)),
    ],
)
def test_a_go_is_known_by_what_it_says(said: str, version: tuple[int, int], tmp_path: Path) -> None:
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    assert toolchain.go_version(str(program)) == version
    assert toolchain.go_version(str(tmp_path / "absent")) == (0, 0)


def test_an_old_go_on_the_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLUXOPS_CACHE", str(tmp_path))
    old, new = tmp_path / "old", tmp_path / "go/bin"
    for place, version in ((old, "1.19.8"), (new, "1.26.0")):
        place.mkdir(parents=True)
        (place / "go").write_text(f"#!/bin/sh\necho go version go{version}\n")
        (place / "go").chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(old / "go"))
    monkeypatch.setattr(toolchain, "SYSTEM_GO", ())
    assert toolchain.find_go() == str(new / "go")
