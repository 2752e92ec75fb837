"""What of the kernel's modules and settings is missing, and that it is made once and lasts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_files,
    kubernetes_node,
    node_kernel,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

FORWARD = "net.ipv4.ip_forward"


class Module:
    """An AnsibleModule, as far as it is used. lacks: modules that modprobe does not find."""

    def __init__(self, *lacks: str) -> None:
        self.lacks = lacks
        self.commands: list[list[str]] = []

    def get_bin_path(self, name: str, **_: Any) -> str:
        return name

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        self.commands.append(command)
        return (1, "", f"{command[-1]} not found") if command[-1] in self.lacks else (0, "", "")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose kernel has overlay and does not forward."""
    for name, text in {
        "proc/modules": "loop 1 0 - Live\n",
        "proc/filesystems": "nodev\toverlay\n",
        "proc/sys/net/ipv4/ip_forward": "0\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    read = host_files.read_text
    monkeypatch.setattr(
        host_files,
        "read_text",
        lambda path: read(path if path.startswith(str(tmp_path)) else f"{tmp_path}{path}"),
    )
    for name in ("MODULES_LOAD", "SYSCTL"):
        monkeypatch.setattr(kubernetes_node, name, f"{tmp_path}{getattr(kubernetes_node, name)}")
    monkeypatch.setattr(
        kubernetes_node,
        "sysctl_path",
        lambda name: f"{tmp_path}/proc/sys/{name.replace('.', '/')}",
    )
    monkeypatch.setattr(
        kubernetes_node, "module_path", lambda name: f"{tmp_path}/sys/module/{name}"
    )
    return tmp_path


def test_values_of_several_numbers_are_compared_by_these(host: Path) -> None:
    """The kernel writes tabs between them."""
    path = host / "proc/sys/net/ipv4/tcp_rmem"
    path.write_text("4096\t87380\t6291456\n")
    wanted = {"net.ipv4.tcp_rmem": "4096 87380 6291456"}
    assert node_kernel.Kernel(Module(), [], wanted).other == {}
    assert node_kernel.Kernel(Module(), [], {"net.ipv4.tcp_rmem": "4096 87380"}).other


def test_a_module_that_is_built_in_is_not_loaded(host: Path) -> None:
    names = ["br_netfilter", "nf-conntrack", "vxlan"]
    builtin = host / f"lib/modules/{os.uname().release}/modules.builtin"
    builtin.parent.mkdir(parents=True)
    builtin.write_text("kernel/net/netfilter/nf_conntrack.ko\n")
    (host / "sys/module/br_netfilter").mkdir(parents=True)
    assert node_kernel.Kernel(Module(*names[:2]), names, {}).missing == ["vxlan"]


def test_what_is_missing_is_made_once_and_lasts(host: Path) -> None:
    module = Module()
    kernel = node_kernel.Kernel(module, ["overlay", "br_netfilter"], {FORWARD: 1})
    assert module.commands == [["modprobe", "--dry-run", "br_netfilter"]]
    assert kernel.told()[:2] == [
        "the kernel's module br_netfilter was loaded",
        f"{FORWARD} was set to 1",
    ]
    assert {entry["before"] for entry in kernel.diff() if entry["after_header"] == FORWARD} == {
        "0\n"
    }
    kernel.take()
    assert module.commands[-1] == ["modprobe", "br_netfilter"]
    assert (host / "proc/sys/net/ipv4/ip_forward").read_text() == "1\n"
    assert Path(kubernetes_node.MODULES_LOAD).read_text().endswith("overlay\nbr_netfilter\n")
    (host / "proc/modules").write_text("br_netfilter 1 0 - Live\n")
    again = node_kernel.Kernel(module, ["overlay", "br_netfilter"], {FORWARD: 1})
    assert (again.told(), again.diff()) == ([], [])


def test_a_module_that_there_is_none_of_is_refused_before_anything_changes(host: Path) -> None:
    with pytest.raises(SettingsError, match="has no module br_netfilter: br_netfilter not found"):
        node_kernel.Kernel(Module("br_netfilter"), ["br_netfilter"], {})
    release = host / "etc/os-release"
    release.parent.mkdir()
    for system, fix in (("debian", "boot the kernel"), ("ubuntu", "linux-modules-extra-")):
        release.write_text(f"ID={system}\n")
        with pytest.raises(SettingsError, match=fix):
            node_kernel.Kernel(Module("br_netfilter"), ["br_netfilter"], {})
    assert not Path(kubernetes_node.MODULES_LOAD).exists()


def test_a_setting_that_the_kernel_does_not_have_is_told(host: Path) -> None:
    kernel = node_kernel.Kernel(Module(), [], {"net.bridge.none": 1})
    with pytest.raises(CacheError, match=r"net\.bridge\.none cannot be set"):
        kernel.take()
