"""In which order a host is given what a join takes, and what of it is left as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_install,
    host_files,
    install_files,
    kubernetes_node,
    node_kernel,
    node_membership,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.modules import node_packages

STOP, START = ["systemctl", "stop", "containerd"], ["systemctl", "start", "containerd"]
ENABLE = ["systemctl", "enable", "--now", "containerd"]


class Module:
    """An AnsibleModule on a host. programs: that it has. runs: whether containerd does. says: what programs print."""

    def __init__(self, *programs: str, check_mode: bool = False) -> None:
        self.programs = programs
        self.check_mode = check_mode
        self.params: dict[str, Any] = {
            "method": "files",
            "version": "1.34.4",
            "cgroup_driver": "systemd",
            "cri": {},
            "kernel_modules": [],
            "sysctls": {},
            "offers": [],
        }
        self.runs = "containerd" in programs
        self.says: dict[str, str] = {}
        self.commands: list[list[str]] = []

    def get_bin_path(self, name: str, **_: Any) -> str | None:
        return name if name == "systemctl" or name in self.programs else None

    def run_command(self, command: list[str], **_: Any) -> tuple[int, str, str]:
        self.commands.append(command)
        if "is-active" in command:
            return (0 if self.runs else 3), "", ""
        if command[0] in self.says:
            said = self.says[command[0]]
            return (1, "", "cannot execute") if said == "broken" else (0, said, "")
        return 0, "", ""


class Files(install_files.Files):
    """Files that bring the programs in `bring`, without looking at the host."""

    bring: tuple[str, ...] = ()

    def __init__(self, module: Any, *_: Any) -> None:
        self.module = module
        self.units = {}
        self.todo = []
        self.unheld = []

    def brings(self, program: str) -> bool:
        return program in self.bring

    @contextlib.contextmanager
    def staged(self) -> Iterator[dict[str, dict[str, str]]]:
        yield {"sum": {name: f"staged-{name}" for name in self.bring}}

    def place(self, staged: Any) -> None:
        self.module.commands.append(["place", *staged["sum"]])


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration of containerd lies."""
    path = tmp_path / "config.toml"
    monkeypatch.setattr(kubernetes_node, "CONTAINERD_CONFIG", str(path))
    monkeypatch.setattr(node_membership, "CONTAINERD_SOCKET", str(tmp_path))
    monkeypatch.setattr(install_files, "Files", Files)
    monkeypatch.setattr(
        node_kernel.Kernel, "take", lambda self: self.module.commands.append(["kernel"])
    )
    monkeypatch.setattr(node_kernel.Kernel, "told", lambda _: [])
    monkeypatch.setattr(node_kernel.Kernel, "diff", lambda _: [])
    return path


def installed(module: Module) -> list[str]:
    any_module: Any = module
    return node_packages.Packages(any_module).install()[0]


def done(module: Module) -> list[list[str]]:
    asked = ("is-active", "dpkg-query", "daemon-reload")
    return [one for one in module.commands if not set(one) & set(asked)]


def test_a_bare_host_gets_the_kernel_the_configuration_the_programs_and_then_starts(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Files, "bring", ("containerd",))
    module = Module()
    module.says = {"staged-containerd": "containerd 1.7.24"}
    assert installed(module) == [f"{config} was written", "containerd was started"]
    checked = ["staged-containerd", "--version"]
    assert done(module) == [checked, ["kernel"], ["place", "containerd"], ENABLE]
    assert config.read_text() == kubernetes_node.containerd_config("systemd", {})


def test_a_containerd_that_runs_stands_still_while_its_configuration_changes(config: Path) -> None:
    module = Module("containerd")
    assert installed(module) == [f"{config} was written"]
    assert done(module) == [["kernel"], STOP, START, ["place"], ENABLE]
    again = Module("containerd")
    assert installed(again) == []
    assert STOP not in again.commands


def test_the_configuration_is_roots_alone_and_one_of_an_older_version_is_made_so(
    config: Path,
) -> None:
    installed(Module("containerd"))
    assert config.stat().st_mode & 0o777 == 0o600
    config.chmod(0o644)
    module = Module("containerd")
    assert installed(module) == [f"{config} was made root's alone"]
    assert config.stat().st_mode & 0o777 == 0o600
    assert STOP not in module.commands
    assert installed(Module("containerd")) == []


def test_the_mode_of_a_configuration_of_the_users_own_stays(config: Path) -> None:
    config.write_text("SystemdCgroup = true\n")
    config.chmod(0o644)
    assert installed(Module("containerd")) == []
    assert config.stat().st_mode & 0o777 == 0o644


def test_a_containerd_that_is_replaced_is_stopped_first(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = kubernetes_node.containerd_config("systemd", {}).encode()
    host_files.write_bytes(str(config), wanted, kubernetes_node.CONFIG_MODE)
    monkeypatch.setattr(Files, "bring", ("containerd",))
    module = Module("containerd")
    module.says = {"staged-containerd": "containerd 1.7.24"}
    installed(module)
    assert done(module)[1:] == [["kernel"], STOP, ["place", "containerd"], ENABLE]


def test_a_configuration_of_the_users_own_is_kept_or_refused(config: Path) -> None:
    config.write_text("SystemdCgroup = true\n")
    installed(Module("containerd"))
    assert config.read_text() == "SystemdCgroup = true\n"
    config.write_text("SystemdCgroup = false\n")
    module = Module("containerd")
    with pytest.raises(SettingsError, match="SystemdCgroup not true"):
        installed(module)
    assert done(module) == []


@pytest.mark.parametrize(
    ("said", "refused"),
    [("v1.33.1", "has kubeadm 1.33.1, the cluster is 1.34.4"), ("broken", "does not run here")],
)
def test_a_program_that_does_not_go_with_the_cluster_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, said: str, refused: str
) -> None:
    monkeypatch.setattr(Files, "bring", ("kubeadm",))
    module = Module()
    module.says = {"staged-kubeadm": said}
    with pytest.raises(SettingsError, match=refused):
        installed(module)
    assert ["kernel"] not in module.commands
    assert not config.exists()


def test_a_repository_that_is_refused_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(module: Module, wanted: apt_install.Wanted, prepare: Any) -> None:
        del module, prepare
        raise SettingsError(f"{wanted.repository} was refused.")

    monkeypatch.setattr(apt_install, "have", refuse)
    module = Module("containerd")
    module.params |= {
        "method": "apt",
        "repository": "https://packages.invalid/v{minor}/ ./",
        "key_url": "https://packages.invalid/v{minor}/key",
        "fingerprint": "",
    }
    with pytest.raises(SettingsError, match=r"/v1\.34/"):
        installed(module)
    assert done(module) == []
    assert not config.exists()


def test_a_check_changes_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Files, "bring", ("containerd",))
    module = Module(check_mode=True)
    assert f"{config} was written" in installed(module)
    assert done(module) == []
    assert not config.exists()


def test_a_containerd_that_does_not_start_is_told(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Module("containerd")
    module.says = {"systemctl": "broken"}
    with pytest.raises(CacheError, match="containerd does not start"):
        installed(module)
