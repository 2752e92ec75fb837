"""Packages of a signed repository: what is refused changes nothing, and whose fault a failure is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_commands,
    apt_install,
    apt_source,
    host_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

WANTED = apt_install.Wanted(
    purpose=apt_source.KUBERNETES,
    version="1.34.4",
    repository="https://packages.invalid/deb/ ./",
    key_url="https://packages.invalid/key",
    fingerprint="0" * 40,
    packages={"kubelet": "/nowhere/kubelet"},
    others=("containerd",),
    held=True,
)


class Module:
    """An AnsibleModule on a host. fails: a word of the command that fails, and what apt says then."""

    def __init__(self, fails: str = "", says: str = "", *, check_mode: bool = False) -> None:
        self.check_mode = check_mode
        self.fails, self.says = fails, says
        self.commands: list[list[str]] = []

    def run_command(self, command: list[str], **_: Any) -> tuple[int, str, str]:
        self.commands.append(command)
        failed = (
            self.fails
            and self.fails in command
            and "Dir::Etc::SourceParts=/dev/null" not in command
        )
        return (100, "", self.says) if failed else (0, "", "")


@pytest.fixture(autouse=True)
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done, in its order; a run below a directory is told, and refused where `refused` is among it."""
    done: list[str] = []

    def run(_: Any, directory: str, prepare: Any) -> apt_install.Diff:
        del directory
        done.append("verified")
        if "refused" in done:
            raise SettingsError("the repository was refused.")
        prepare()
        done.append("installed")
        return [{"before": "", "after": "x"}]

    monkeypatch.setattr(apt_install.Install, "run", run)
    monkeypatch.setattr(apt_install.Install, "is_done", lambda _: "there" in done)
    monkeypatch.setattr(apt_commands, "trial_directory", lambda: contextlib.nullcontext("/nowhere"))
    return done


def have(done: list[str], *, check_mode: bool = False) -> apt_install.Diff:
    module = Module(check_mode=check_mode)
    return apt_install.have(module, WANTED, lambda: done.append("prepared"))[1]


def test_the_host_is_prepared_once_the_repository_is_verified(done: list[str]) -> None:
    assert have(done)
    assert done == ["verified", "prepared", "installed"]


def test_a_repository_that_is_refused_leaves_the_host_as_it_was(done: list[str]) -> None:
    done.append("refused")
    with pytest.raises(SettingsError):
        have(done)
    assert "prepared" not in done


@pytest.mark.parametrize(("check_mode", "more"), [(False, ["prepared"]), (True, [])])
def test_where_the_packages_are_there_only_the_rest_is_seen_to(
    done: list[str], check_mode: bool, more: Sequence[str]
) -> None:
    done.append("there")
    assert have(done, check_mode=check_mode) == []
    assert done == ["there", *more]


@pytest.mark.parametrize(
    ("fails", "what"),
    [
        ("update", "the host's own apt sources cannot be read."),
        ("install", "kubelet 1.34.4-1.1, containerd cannot be installed."),
    ],
)
def test_what_fails_with_the_hosts_own_sources_is_not_blamed_on_the_repository(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: str, what: str
) -> None:
    written: dict[str, bytes] = {}
    monkeypatch.setattr(host_files, "write_bytes", lambda path, data: written.update({path: data}))
    monkeypatch.setattr(host_files, "restore", lambda path, _: written.pop(path))
    module = Module(fails, "E: Could not resolve 'deb.invalid'")
    with pytest.raises(CacheError) as told:
        apt_install.Install(module, WANTED).take(b"key", {"kubelet": "1.34.4-1.1"}, str(tmp_path))
    assert told.value.what == what
    assert "check the host's network" in told.value.fix
    assert "bootstrap_workers_install_method: files" in told.value.fix
    assert not written, "what was there is put back"
