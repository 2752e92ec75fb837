"""Which cluster a host belongs to, and with what it could join one: read from what kubeadm and the kubelet leave.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import platform
import re
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    helm_host,
    host_files,
    node_device,
)

KUBERNETES = "/etc/kubernetes"
CONTROL_PLANE = ("manifests/kube-apiserver.yaml", "manifests/etcd.yaml", "pki/ca.key")
"""What kubeadm leaves below KUBERNETES on a control plane and on no other node."""
KUBELET_PORT = 10250
_LISTENS = "0A"
"""State of a socket in /proc/net/tcp."""
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
VERSIONS = {
    "kubeadm": ("kubeadm", "version", "-o", "short"),
    "kubelet": ("kubelet", "--version"),
    "containerd": ("containerd", "--version"),
    "runc": ("runc", "--version"),
}
"""How each program is asked for its version."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+)")

Run = Callable[[Sequence[str]], str]
"""Standard output of a command; empty where it is not there or fails."""


def fingerprints(pem: str) -> list[str]:
    """SHA-256 of each certificate in PEM text, in hexadecimal digits; what is no certificate is passed over."""
    found = []
    for block in _PEM.findall(pem):
        try:
            found.append(hashlib.sha256(base64.b64decode(block)).hexdigest())
        except ValueError:
            continue
    return found


def parse_access(text: str, read: Callable[[str], str]) -> dict[str, Any]:
    """{server, authorities} of a kubeconfig as kubeadm writes it; {} where it names no server.

    read: the text of a file that it points to. It is read without a YAML parser, which hosts need not have.
    """
    server = _field(text, "server")
    if not server:
        return {}
    pem = ""
    data, path = _field(text, "certificate-authority-data"), _field(text, "certificate-authority")
    if data:
        try:
            pem = base64.b64decode(data).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            pem = ""
    elif path:
        pem = read(path)
    return {"server": server, "authorities": fingerprints(pem)}


def _field(text: str, name: str) -> str:
    found = re.search(rf"(?m)^\s*(?:-\s+)?{name}:\s*(\S+)\s*$", text)
    return found.group(1).strip("\"'") if found else ""


def parse_version(text: str) -> str:
    """The first version in what a program says of itself, such as 1.34.4; empty where there is none."""
    found = _VERSION.search(text)
    return found.group(1) if found else ""


def listens(sockets: str, port: int) -> bool:
    """Whether a server has the port, by the text of /proc/net/tcp or tcp6."""
    rows = (line.split() for line in sockets.splitlines()[1:])
    return any(
        len(row) > 3 and row[3] == _LISTENS and row[1].endswith(f":{port:04X}") for row in rows
    )


def read(run: Run, root: str = "") -> dict[str, Any]:
    """What bootstrap.py decides on. root: put before every path, for tests."""

    def text(path: str) -> str:
        try:
            return host_files.read_text(root + path) or ""
        except OSError:
            return ""

    release = helm_host.parse_os_release(text("/etc/os-release"))
    return {
        "machine_id": text("/etc/machine-id").strip(),
        "machine": platform.machine(),
        "swaps": node_device.swaps(text("/proc/swaps")),
        "os_id": release.get("ID", ""),
        "os_version": release.get("VERSION_ID", ""),
        "os_name": release.get("PRETTY_NAME", ""),
        "kubelet": parse_access(text(f"{KUBERNETES}/kubelet.conf"), text),
        # A kubelet of k3s or RKE2 leaves nothing in /etc/kubernetes, and has the port all the same.
        "kubelet_listens": any(
            listens(text(f"/proc/net/{name}"), KUBELET_PORT) for name in ("tcp", "tcp6")
        ),
        "bootstrap": parse_access(text(f"{KUBERNETES}/bootstrap-kubelet.conf"), text),
        "authorities": fingerprints(text(f"{KUBERNETES}/pki/ca.crt")),
        "control_plane": [
            path
            for path in (f"{KUBERNETES}/{name}" for name in CONTROL_PLANE)
            if os.path.exists(root + path)
        ],
        "programs": {name: parse_version(run(command)) for name, command in VERSIONS.items()},
        "containerd_answers": os.path.exists(root + CONTAINERD_SOCKET),
    }
