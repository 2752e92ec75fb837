"""A machine that cannot run a lab is told so in one sentence, with the way out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lab import machine
from lab.errors import LabError
from lab.progress import Reporter

GIB = 1 << 30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which everything is there."""
    monkeypatch.setenv("ALLUXOPS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("ALLUXOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "has_overlayfs", lambda _: True)
    monkeypatch.setattr(machine, "available_memory_bytes", lambda _: 24 * GIB)
    monkeypatch.setattr(machine, "run", lambda _: "ext2/ext3\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GIB, 0, 100 * GIB))


def test_an_able_machine_has_no_problem(able: None) -> None:
    assert list(machine.problems(3)) == []


CASES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "not root": (
        lambda patch: patch.setattr(os, "geteuid", lambda: 1000),
        "which only root may do; you are user 1000",
        "sudo",
    ),
    "no overlayfs": (
        lambda patch: patch.setattr(machine, "has_overlayfs", lambda _: False),
        "no overlayfs",
        "CONFIG_OVERLAY_FS",
    ),
    "little memory": (
        lambda patch: patch.setattr(machine, "available_memory_bytes", lambda _: 2 * GIB),
        "3 nodes need 5.0 GiB of memory; 2.0 GiB is available",
        "fewer nodes",
    ),
    "little disk": (
        lambda patch: patch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, GIB)),
        "needs 6.0 GiB of disk; 1.0 GiB is free",
        "ALLUXOPS_STATE",
    ),
    "state on an overlay": (
        lambda patch: patch.setattr(machine, "run", lambda _: "overlayfs\n"),
        "is on overlayfs",
        "ext4",
    ),
    "no x86": (
        lambda patch: patch.setattr("platform.machine", lambda: "riscv64"),
        "Linux on riscv64",
        "such a machine",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_named_with_the_fix_and_the_own_cluster(
    able: None, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    change, what, fix = CASES[case]
    change(monkeypatch)
    problem = str(next(machine.problems(3)))
    assert what in problem
    assert fix in problem
    assert "inventory/example" in problem
    assert problem.count("\n") == 1, "one sentence, one fix"


def test_a_missing_program_that_cannot_be_installed_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(LabError, match="systemd-container is not installed"):
        machine.install({"systemd-nspawn": "systemd-container"}, Reporter())


def test_limits_are_raised_and_never_lowered(tmp_path: Path) -> None:
    for index, name in enumerate(machine.LIMITS):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("128\n" if index else "99999999\n")
    machine.raise_limits(tmp_path)
    first, *others = (int((tmp_path / name).read_text()) for name in machine.LIMITS)
    assert first == 99999999
    assert others == list(machine.LIMITS.values())[1:]


def test_memory_that_is_available_is_read_not_what_is_free() -> None:
    text = "MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 50 kB\n"
    assert machine.available_memory_bytes(text) == 50 * 1024


def test_overlayfs_is_found_in_the_kernels_list() -> None:
    assert machine.has_overlayfs("nodev\ttmpfs\nnodev\toverlay\n\text4\n")
