"""What is known of a file that is to be installed from, before it leaves the controller."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.alluxops.cache.plugins.module_utils import package_files
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.given_files import Files


def elf(machine: int = 0x3E) -> bytes:
    """The begin of a 64-bit little-endian program, and something after it."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + machine.to_bytes(2, "little") + b"rest"


def put(path: Path, data: bytes) -> tuple[str, str]:
    path.write_bytes(data)
    return str(path), f"sha256:{hashlib.sha256(data).hexdigest()}"


def archive(path: Path, files: dict[str, bytes]) -> tuple[str, str]:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return str(path), f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("name", ["kubelet", "runc.amd64", "kubeadm-linux-amd64"])
def test_a_program_is_known_by_its_name_without_the_machine(tmp_path: Path, name: str) -> None:
    found = package_files.look(*put(tmp_path / name, elf()))
    assert found["kind"] == "program"
    assert found["programs"] == [name.split("-", maxsplit=1)[0].split(".", maxsplit=1)[0]]
    assert found["machine"] == "x86_64"


def test_of_an_archive_what_a_node_needs_is_taken_wherever_it_lies(tmp_path: Path) -> None:
    files = {
        "bin/containerd": elf(0xB7),
        "./bin/containerd-shim-runc-v2": elf(0xB7),
        "kubernetes/node/bin/kubelet": elf(0xB7),
        "bin/containerd-stress": elf(0xB7),
        "../../etc/passwd": b"never",
        "portmap": elf(0xB7),
        "LICENSE": b"text",
    }
    given = archive(tmp_path / "all.tar.gz", files)
    found = package_files.look(*given)
    assert found["kind"] == "archive"
    assert found["machine"] == "aarch64"
    assert found["programs"] == ["containerd", "containerd-shim-runc-v2", "kubelet", "portmap"]
    assert {name: file.read() for name, file in package_files.opened(given[0])} == dict.fromkeys(
        found["programs"], elf(0xB7)
    )


@pytest.mark.parametrize(
    ("name", "package", "version", "programs", "machine"),
    [
        ("kubelet_1.34.4-1.1_amd64.deb", "kubelet", "1.34.4-1.1", ["kubelet"], "x86_64"),
        (
            "containerd.io_2.1.4-1_arm64.deb",
            "containerd.io",
            "2.1.4-1",
            ["containerd", "runc"],
            "aarch64",
        ),
        ("conntrack_1%3a1.4.7-1_all.deb", "conntrack", "1:1.4.7-1", [], ""),
    ],
)
def test_a_package_is_known_by_its_name(
    tmp_path: Path, name: str, package: str, version: str, programs: list[str], machine: str
) -> None:
    found = package_files.look(*put(tmp_path / name, b"!<arch>"))
    assert found["kind"] == "deb"
    assert (found["package"], found["version"]) == (package, version)
    assert (found["programs"], found["machine"]) == (programs, machine)


@pytest.mark.parametrize(
    ("name", "data", "checksum", "says"),
    [
        ("kubelet", elf(), "", "has the checksum ''"),
        ("kubelet", elf(), "sha256:12", "64 hexadecimal digits"),
        ("kubelet", elf(), "0" * 64, "is not the file whose checksum"),
        ("kubelet", b"#!/bin/sh\necho v1.34.4\n", None, "no programs of one machine: none runs"),
        ("notes.txt", b"text", None, "has nothing in it that a node needs"),
        ("kubelet.deb", b"!<arch>", None, "no name as packages have it"),
    ],
)
def test_what_cannot_be_installed_is_refused(
    tmp_path: Path, name: str, data: bytes, checksum: str | None, says: str
) -> None:
    path, right = put(tmp_path / name, data)
    with pytest.raises(SettingsError) as refusal:
        package_files.look(path, right if checksum is None else checksum)
    assert says in str(refusal.value)
    assert path in str(refusal.value)


def test_programs_of_two_machines_are_refused(tmp_path: Path) -> None:
    given = archive(tmp_path / "both.tgz", {"kubelet": elf(), "kubeadm": elf(0xB7)})
    with pytest.raises(SettingsError, match="aarch64, x86_64"):
        package_files.look(*given)


def test_network_plugins_go_where_containerd_looks_for_them() -> None:
    assert package_files.target("kubelet") == "/usr/local/bin/kubelet"
    assert package_files.target("ptp", "/usr/lib/cni") == "/usr/lib/cni/ptp"


def test_each_file_is_looked_at_once_and_every_fault_is_kept(tmp_path: Path) -> None:
    path, checksum = put(tmp_path / "kubelet", elf())
    asked: list[str] = []

    def find(_folder: str, name: str) -> str:
        asked.append(name)
        if not Path(name).exists():
            raise AnsibleError("no such file")
        return name

    files = Files(find)
    given: list[dict[str, Any]] = [
        {"path": path, "checksum": checksum},
        {"path": "/nowhere", "checksum": checksum},
    ]
    for _host in range(3):
        [offer] = files.offers(given)
        assert (offer["path"], offer["programs"]) == (path, ["kubelet"])
    assert asked == [path, "/nowhere"]
    [fault] = files.faults
    assert "there is no such file on the controller" in str(fault)
