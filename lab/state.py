"""What a lab is made of, written down before it is made.

lab.json names the slot and the nodes; every bridge, route, mount, cgroup and table is named after
them (lab.addresses, lab.cgroups), and every process of the lab lives in one of its cgroups. So what
a killed `up` left behind is found without having been noted down, and no process number that has
since been given to somebody else is ever signalled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.addresses import Addresses
from lab.errors import LabError
from lab.paths import LabPaths, labs_root

FORMAT = 1


@dataclass(frozen=True)
class Node:
    """One node: its number, from 1, and what it is."""

    index: int
    spare: bool = False
    """Booted, but not joined to the cluster."""
    debian: int = 12
    """The release of Debian on it."""
    bare: bool = False
    """Without containerd, kubelet and kubeadm, as a machine comes from its installer."""

    @property
    def name(self) -> str:
        """n1, n2, ..."""
        return f"n{self.index}"


@dataclass(frozen=True)
class LabState:
    """One lab, as recorded in lab.json."""

    name: str
    slot: int
    nodes: tuple[Node, ...]
    ready: bool = False
    """True once the cluster came up; a lab that is not ready is never continued, but removed and made anew."""
    inventories: tuple[str, ...] = field(default=())
    """inventory/lab directories in checkouts that were written for this lab."""

    @property
    def addresses(self) -> Addresses:
        """The lab's addresses."""
        return Addresses(self.slot)

    @property
    def paths(self) -> LabPaths:
        """The lab's paths."""
        return LabPaths.of(self.name)

    @property
    def joined(self) -> tuple[Node, ...]:
        """The nodes that belong to the cluster."""
        return tuple(node for node in self.nodes if not node.spare)

    @property
    def control(self) -> Node:
        """The node with the control plane."""
        return self.nodes[0]

    def with_inventory(self, directory: Path) -> LabState:
        """The same lab with one more inventory directory to remove at its end."""
        return replace(self, inventories=tuple(sorted({*self.inventories, str(directory)})))


def load(name: str) -> LabState | None:
    """The recorded lab of this name, or None. Raises LabError where the record cannot be read."""
    path = LabPaths.of(name).state
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        return _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"{path} is not a lab's record ({error})",
            fix=f"remove {path.parent} by hand, then `make lab-down LAB={name}`",
        ) from error


def _parsed(record: dict[str, Any]) -> LabState:
    if record["format"] != FORMAT:
        raise ValueError(f"format {record['format']}, not {FORMAT}")
    return LabState(
        name=record["name"],
        slot=record["slot"],
        nodes=tuple(Node(**node) for node in record["nodes"]),
        ready=record["ready"],
        inventories=tuple(record["inventories"]),
    )


def save(state: LabState) -> None:
    """Record the lab; a reader sees the old record or the new one, never half of it."""
    write_private(
        state.paths.state, json.dumps({"format": FORMAT, **asdict(state)}, indent=1) + "\n"
    )


def recorded_names() -> list[str]:
    """The names of all labs with a record in this state directory."""
    root = labs_root()
    return sorted(path.parent.name for path in root.glob("*/lab.json")) if root.is_dir() else []


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, atomically; the directory is made where missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    part.replace(path)


@contextlib.contextmanager
def locked(what: str, message: str) -> Iterator[None]:
    """Hold a machine-wide lock, or raise LabError at once when a living process holds it.

    The lock is an abstract Unix socket: it leaves no file, and the kernel frees it with the process that holds it.
    """
    digest = hashlib.sha256(what.encode()).hexdigest()[:24]
    address = f"\0alluxops-lab-{digest}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as lock:
        try:
            lock.bind(address)
            lock.listen(1)
        except OSError as error:
            raise LabError(message.format(holder=_holder(address))) from error
        yield


def lock_lab(name: str) -> contextlib.AbstractContextManager[None]:
    """The lock of one lab in this state directory."""
    return locked(
        str(LabPaths.of(name).root), f"lab {name} is being changed by {{holder}}; wait for its end"
    )


def _holder(address: str) -> str:
    """Who holds a lock, for the message: process number and command."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.settimeout(1)
            client.connect(address)
            raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return "another process"
    pid = int(struct.unpack("3i", raw)[0])
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({b' '.join(argv).decode(errors='replace').strip()[:120]})"
