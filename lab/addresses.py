"""Every address of a lab, computed from its slot.

A machine has SLOTS slots; a lab occupies one and owns, machine-wide, everything that is named after it:

    bridge      alx<slot>               10.77.<slot>.1/24
    node I      10.77.<slot>.<10+I>     I = 1..MAX_NODES
    pods of I   10.78.<16*slot+I>.0/24  within 10.78.<16*slot>.0/20
    services    10.79.<16*slot>.0/20

Standard library only and no input or output: unit-tested as a table.
"""

from __future__ import annotations

import ipaddress
import re
import zlib
from dataclasses import dataclass

SLOTS = 16
MAX_NODES = 12
NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True)
class Addresses:
    """The addresses of the lab in one slot."""

    slot: int

    @property
    def bridge(self) -> str:
        """Name of the bridge that all nodes of the lab are on."""
        return f"alx{self.slot}"

    @property
    def host(self) -> str:
        """The host's address on the bridge: what services of the lab listen on."""
        return f"10.77.{self.slot}.1"

    @property
    def nodes(self) -> str:
        """The subnet of the nodes."""
        return f"10.77.{self.slot}.0/24"

    @property
    def pods(self) -> str:
        """The range that all pods' addresses are in."""
        return f"10.78.{16 * self.slot}.0/20"

    @property
    def services(self) -> str:
        """The range of Kubernetes' service addresses."""
        return f"10.79.{16 * self.slot}.0/20"

    @property
    def ranges(self) -> tuple[str, str, str]:
        """Everything that is the lab's own and must never be seen on a wire."""
        return (self.nodes, self.pods, self.services)

    def node(self, index: int) -> str:
        """The address of node number index, from 1."""
        if not 1 <= index <= MAX_NODES:
            raise ValueError(f"a lab has nodes 1 to {MAX_NODES}, not {index}")
        return f"10.77.{self.slot}.{10 + index}"

    def node_pods(self, index: int) -> str:
        """The range of the pods on node number index."""
        if not 1 <= index <= MAX_NODES:
            raise ValueError(f"a lab has nodes 1 to {MAX_NODES}, not {index}")
        return f"10.78.{16 * self.slot + index}.0/24"


def slot_order(name: str) -> list[int]:
    """The slots in the order in which a lab of this name tries them: the same on every machine."""
    first = zlib.crc32(name.encode()) % SLOTS
    return [(first + step) % SLOTS for step in range(SLOTS)]


def overlaps(ranges: tuple[str, ...], networks: list[str]) -> bool:
    """True where any of the ranges shares an address with any of the host's own networks (CIDR text)."""
    own = [ipaddress.ip_network(text) for text in ranges]
    others = [ipaddress.ip_network(text, strict=False) for text in networks]
    return any(
        mine.overlaps(other) for mine in own for other in others if mine.version == other.version
    )
