"""Networks as they are measured, for the tests of what follows from them."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Disk,
    Link,
    Measured,
    StoreLink,
)

MIB = 1024**2
NODES = ("n1", "n2", "n3")


def links(rate: float = 1000, slow: str = "", slow_rate: float = 10) -> tuple[Link, ...]:
    """All links between three nodes, in MiB a second; those of one node slow."""
    return tuple(
        Link(a, b, MIB * (slow_rate if slow in (a, b) else rate), 0.1)
        for a in NODES
        for b in NODES
        if a != b
    )


def store(alone: float = 25, together: float = 25) -> StoreLink:
    """A store that gives so many MiB a second to each node, and to all."""
    return StoreLink(
        "http://s3:9000",
        "s3://b/large",
        200 * MIB,
        dict.fromkeys(NODES, alone * MIB),
        together * MIB,
        dict.fromkeys(NODES, 0.5),
    )


def disks(rate: float = 500, kind: str = "disk") -> tuple[Disk, ...]:
    """A tier a node, of so many MiB a second."""
    return tuple(Disk(node, "/mnt/tier", kind, 256 * MIB, rate * MIB) for node in NODES)


def measured() -> Measured:
    """Three workers with a store that is far away."""
    return Measured(NODES, (), links(), store(), disks())
