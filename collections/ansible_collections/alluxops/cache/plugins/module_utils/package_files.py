"""The files of the controller that containerd, kubelet and kubeadm are installed from: programs, archives, .deb files.

Reads them, and decides nothing on a guess: a file whose checksum is not the given one is refused, so is one in which
nothing is known. Standard library only, Python 3.9: the host takes them apart by the same rules.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.kubernetes_node import CNI_BIN

SETTING = "bootstrap_workers_files"
BIN = "/usr/local/bin"
PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "kubelet", "kubeadm")
CNI_PLUGINS = (
    "bandwidth", "bridge", "dhcp", "dummy", "firewall", "host-device", "host-local", "ipvlan",
    "loopback", "macvlan", "portmap", "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf",
)  # fmt: skip
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "containerd": ("containerd",),
    "containerd.io": ("containerd", "runc"),
    "runc": ("runc",),
    "kubelet": ("kubelet",),
    "kubeadm": ("kubeadm",),
}
"""The programs of packages. Other packages are installed too: what these depend on."""
MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x16: "s390x", 0x15: "ppc64le", 0xF3: "riscv64"}
"""What an ELF file's header calls machines, and what the kernel does."""
DEB_MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "s390x": "s390x",
    "ppc64el": "ppc64le",
    "riscv64": "riscv64",
}
_DEB = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9+.-]+)_(?P<version>[^_]+)_(?P<machine>[a-z0-9]+)\.deb$"
)
_ARCHITECTURE = re.compile(r"([.-]linux)?[.-](amd64|arm64|s390x|ppc64le|riscv64)$")


def look(path: str, checksum: str) -> dict[str, Any]:
    """What a file brings: {file, checksum, kind, programs, package, version, machine}. Raises SettingsError.

    checksum: `sha256:` and 64 digits. kind: deb, archive or program.
    """
    wanted = normal_checksum(path, checksum)
    found = helm_archive.sha256(path)
    if found != wanted:
        raise SettingsError(
            f"{path} is not the file whose checksum {SETTING} has.",
            f"Wanted sha256:{wanted}, found sha256:{found or 'nothing'}.",
            "do not use it: compare with the checksum that its publisher gives, then correct the file or the setting.",
        )
    offer = {"file": os.path.basename(path), "checksum": wanted, "package": "", "version": ""}
    if path.endswith(".deb"):
        return {**offer, **_deb(path)}
    brought = {name: machine_of(file.read(20)) for name, file in opened(path)}
    programs = sorted(brought)
    if not programs:
        raise SettingsError(
            f"{path} of {SETTING} has nothing in it that a node needs.",
            f"Known are {', '.join(PROGRAMS)} and CNI's plugins, each as a file of that name or in a tar archive.",
            "name the archive of binaries for nodes that the publisher gives, the program itself, or a .deb file.",
        )
    kind = "archive" if tarfile.is_tarfile(path) else "program"
    machines = {machine for machine in brought.values() if machine}
    if len(machines) != 1:
        raise SettingsError(
            f"{path} of {SETTING} has no programs of one machine: {', '.join(sorted(machines)) or 'none runs'}.",
            fix="name the file for the hosts' machine.",
        )
    return {**offer, "kind": kind, "programs": programs, "machine": machines.pop()}


def normal_checksum(path: str, text: str) -> str:
    """The 64 digits of a checksum."""
    digits = text.strip().lower()
    digits = digits[7:].strip() if digits.startswith("sha256:") else digits
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise SettingsError(
            f"{SETTING} has the checksum {text!r} for {path}.",
            "A file is installed only when its SHA-256 is the one that you trust.",
            "write sha256: and 64 hexadecimal digits.",
        )
    return digits


def _deb(path: str) -> dict[str, Any]:
    found = _DEB.match(os.path.basename(path))
    if found is None:
        raise SettingsError(
            f"{path} of {SETTING} has no name as packages have it.",
            "What is in a package is told by its name, before it is installed.",
            "name it PACKAGE_VERSION_MACHINE.deb, as `apt-get download` does.",
        )
    return {
        "kind": "deb",
        "package": found["name"],
        "version": found["version"].replace("%3a", ":"),
        "programs": list(PACKAGES.get(found["name"], ())),
        "machine": DEB_MACHINES.get(found["machine"], ""),
    }


def opened(path: str, name: str = "") -> Iterator[tuple[str, BinaryIO]]:
    """The known programs in a file that is no package, each with its content. name: what to take the file's for."""
    if not tarfile.is_tarfile(path):
        name = _ARCHITECTURE.sub("", name or os.path.basename(path))
        if name in PROGRAMS or name in CNI_PLUGINS:
            with open(path, "rb") as file:
                yield name, file
        return
    with tarfile.open(path) as archive:
        for member in archive:
            name = os.path.basename(member.name)
            if member.isfile() and (name in PROGRAMS or name in CNI_PLUGINS):
                content = archive.extractfile(member)
                if content is not None:
                    yield name, content  # type: ignore[misc]


def machine_of(head: bytes) -> str:
    """The machine that a program is for, by its first 20 bytes; empty for what is no Linux program."""
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return ""
    order = "little" if head[5] == 1 else "big"
    return MACHINES.get(int.from_bytes(head[18:20], order), "")  # type: ignore[arg-type]


def target(program: str, cni_bin: str = CNI_BIN) -> str:
    """Where a program goes."""
    return f"{BIN if program in PROGRAMS else cni_bin}/{program}"
