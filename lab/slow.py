"""Slower links: what the S3 gateway sends to the lab, or all that one node sends and receives.

Queues of the kernel on the lab's own links, so that they end with these: nothing else is to be
cleared away. This kernel has no netem, so a link becomes narrower, not longer.

    store   an HTB class on the bridge's own port, for packets from the gateway's port; what else
            the host sends (ssh, the API's clients) passes beside it. Nodes reach one another over
            the bridge's other ports and do not notice.
    node    a token bucket at each end of its link.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import cgroups, network
from lab.commands import run
from lab.errors import LabError
from lab.state import LabState, Node

UNITS = {"kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}
SLOWEST, FASTEST = 100_000, 40_000_000_000
QUEUE_S = 0.05
"""How long a packet may wait before more are dropped."""
LARGEST_PACKET = 65_536
"""Bytes that the kernel hands to a link at once."""
IN_NODE = "host0"
"""A node's own end of its link, as systemd-nspawn names it."""


def bits_per_s(rate: str) -> int:
    """The rate in bits a second. rate: as tc reads it, `200mbit`. Raises LabError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(kbit|mbit|gbit)", rate)
    bits = round(float(found[1]) * UNITS[found[2]]) if found else 0
    if not SLOWEST <= bits <= FASTEST:
        raise LabError(
            f"--rate is {rate!r}", fix="give 100kbit to 40gbit, such as 200mbit for 25 MB a second"
        )
    return bits


def burst_bytes(bits: int) -> int:
    """What may pass at once: 2 ms of the rate, and one packet at least."""
    return max(2 * LARGEST_PACKET, bits // 8 // 500)


def store_commands(bridge: str, bits: int) -> list[list[str]]:
    """What slows the gateway's packets to the lab."""
    burst, queue = burst_bytes(bits), max(2 * LARGEST_PACKET, round(bits / 8 * QUEUE_S))
    on = ["dev", bridge]
    return [
        # What no filter takes passes at once.
        ["tc", "qdisc", "add", *on, "root", "handle", "1:", "htb", "default", "0"],
        [
            *("tc", "class", "add", *on, "parent", "1:", "classid", "1:1", "htb"),
            *("rate", f"{bits}bit", "burst", f"{burst}", "cburst", f"{burst}"),
            *("quantum", f"{LARGEST_PACKET}"),
        ],
        ["tc", "qdisc", "add", *on, "parent", "1:1", "bfifo", "limit", f"{queue}"],
        [
            *("tc", "filter", "add", *on, "parent", "1:", "protocol", "ip", "u32"),
            *("match", "ip", "protocol", "6", "0xff"),
            *("match", "ip", "sport", f"{network.S3_PORT}", "0xffff", "flowid", "1:1"),
        ],
    ]


def link_command(link: str, bits: int) -> list[str]:
    """What slows all that leaves by a link."""
    return [
        *("tc", "qdisc", "replace", "dev", link, "root", "tbf", "rate", f"{bits}bit"),
        *("burst", f"{burst_bytes(bits)}", "latency", f"{round(QUEUE_S * 1000)}ms"),
    ]


def slow_store(state: LabState, rate: str) -> None:
    """Slow what the S3 gateway sends, to all nodes together."""
    bits = bits_per_s(rate)
    _clear(state.addresses.bridge)
    for command in store_commands(state.addresses.bridge, bits):
        run(command)


def slow_node(state: LabState, node: Node, rate: str) -> None:
    """Slow what a node sends and receives, each way by itself. Lasts until it is booted again."""
    bits = bits_per_s(rate)
    run([*_inside(state, node), *link_command(IN_NODE, bits)])
    run(link_command(network.port(state, node), bits))


def off(state: LabState) -> None:
    """Make every link as fast as it was; one that is so already stays."""
    _clear(state.addresses.bridge)
    for node in state.nodes:
        if cgroups.init_of(cgroups.node_group(state, node)) is not None:
            _clear(network.port(state, node))
            _clear(IN_NODE, _inside(state, node))


def slowed(state: LabState) -> list[str]:
    """What is slowed, one phrase each."""
    found = []
    if Path("/sys/class/net", state.addresses.bridge).exists():
        # Of classes tc tells no JSON.
        classes = run(["tc", "class", "show", "dev", state.addresses.bridge])
        found += [
            f"S3 at {rate.lower()}"
            for rate in re.findall(r"^class htb .* rate (\w+)", classes, re.MULTILINE)
        ]
    for node in state.nodes:
        if Path("/sys/class/net", network.port(state, node)).exists():
            found += [
                # Bytes a second, in tc's JSON.
                f"{node.name} at {item['options']['rate'] * 8 / 1_000_000:g}mbit"
                for item in _queues(network.port(state, node))
                if item["kind"] == "tbf"
            ]
    return found


def _clear(link: str, prefix: Sequence[str] = ()) -> None:
    """Remove our queue from a link; the kernel puts its own there again."""
    if any(item["kind"] in {"htb", "tbf"} and item.get("root") for item in _queues(link, prefix)):
        run([*prefix, "tc", "qdisc", "delete", "dev", link, "root"])


def _queues(link: str, prefix: Sequence[str] = ()) -> list[dict[str, Any]]:
    listed = run([*prefix, "tc", "-j", "qdisc", "show", "dev", link])
    found: list[dict[str, Any]] = json.loads(listed or "[]")
    return found


def _inside(state: LabState, node: Node) -> list[str]:
    init = cgroups.init_of(cgroups.node_group(state, node))
    if init is None:
        raise LabError(f"node {node.name} is not running")
    return ["nsenter", "--target", str(init), "--net"]
