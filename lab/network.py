"""The lab's network on the host: a bridge, routes to pods, and the seal.

The seal keeps every packet of a node, of a pod, and of a client of theirs on this machine:
- The host forwards nothing for the lab. Nodes talk to one another over the bridge alone, so the
  lab never turns on the host's ip_forward; where it is on already, a forward chain drops what
  would pass between the bridge and anything else.
- From the bridge the host takes only connections to the lab's own services on the bridge's
  address; all else is refused.
- Under the lab's ranges lie unreachable routes. While the lab runs, the bridge's routes are more
  specific; without the bridge (the lab is half up, half down, or its builder was killed) a client
  on the host gets "no route to host" instead of the default route. They are made first and
  removed last, and carry a protocol number of their own by which they are found again.

`down` leaves no route. Only where a process that is not the lab's had a connection to the lab and
is still alive when all else is gone do the unreachable routes stay for its sake: it would go on
trying, now on the wire. `down` says so, and the next `up` or `down` of any lab removes them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from lab.addresses import SLOTS, Addresses
from lab.commands import run
from lab.errors import LabError
from lab.state import LabState, Node

ROUTE_PROTOCOL = "177"
UNREACHABLE_METRIC = "4000"

S3_PORT = 9000
FAULT_PORTS = "9001-9009"
"""Where benchmarks and chaos runs put a slowed or broken link to the S3 gateway."""
APT_REPOSITORY_PORT = 8081
APT_PROXY_PORT = 3142


def table(addresses: Addresses) -> str:
    """The name of the lab's nftables table."""
    return f"alluxops_{addresses.slot}"


def ruleset(addresses: Addresses) -> str:
    """The seal as nft reads it; replaces an earlier one of the same lab in one step."""
    name, bridge = table(addresses), addresses.bridge
    ports = f"{S3_PORT}, {FAULT_PORTS}, {APT_REPOSITORY_PORT}, {APT_PROXY_PORT}"
    return f"""\
table inet {name} {{}}
delete table inet {name}
table inet {name} {{
  chain forward {{
    type filter hook forward priority -10; policy accept;
    iifname "{bridge}" oifname != "{bridge}" drop
    oifname "{bridge}" iifname != "{bridge}" drop
  }}
  chain input {{
    type filter hook input priority -10; policy accept;
    iifname != "{bridge}" accept
    ct state established,related accept
    ip daddr {addresses.host} tcp dport {{ {ports} }} accept
    ip daddr {addresses.host} icmp type echo-request accept
    meta l4proto tcp reject with tcp reset
    reject
  }}
}}
"""


def up(state: LabState) -> None:
    """Make or complete the lab's network; the seal comes first."""
    addresses = state.addresses
    for network in addresses.ranges:
        run([*_route("replace", network), "metric", UNREACHABLE_METRIC])
    run(["nft", "-f", "-"], stdin=ruleset(addresses))
    bridge = addresses.bridge
    if not _exists(bridge):
        run(["ip", "link", "add", bridge, "type", "bridge"])
    # No IPv6 on it: the lab has none, and the host would answer neighbour discovery.
    no_ipv6 = Path(f"/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6")
    if no_ipv6.exists():
        no_ipv6.write_text("1")
    run(["ip", "link", "set", bridge, "alias", alias(state), "up"])
    run(["ip", "address", "replace", f"{addresses.host}/24", "dev", bridge])
    for path in _ports(addresses):  # of nodes that outlived a bridge
        run(["ip", "link", "set", path.name, "master", bridge, "up"])
    for node in state.nodes:
        over = ["via", addresses.node(node.index), "dev", bridge, "proto", ROUTE_PROTOCOL]
        run(["ip", "route", "replace", addresses.node_pods(node.index), *over])


def port(state: LabState, node: Node) -> str:
    """The host's end of a node's link, as systemd-nspawn names it."""
    return f"vb-{state.addresses.bridge}-{node.name}"


def drop_port(state: LabState, node: Node) -> None:
    """Remove the link of a node that has ended: the kernel takes its time, and its name is needed."""
    _delete_link(port(state, node))


def down_links(state: LabState) -> None:
    """Remove the bridge, what is left on it, and the routes over it. The seal stays."""
    bridge = state.addresses.bridge
    for path in _ports(state.addresses):
        _delete_link(path.name)
    _delete_link(bridge)


def down_seal(state: LabState) -> None:
    """Remove the unreachable routes: to be called when nothing of the lab is left that could send."""
    _unseal(state.addresses, sealed_ranges())


def down_filter(state: LabState) -> None:
    """Remove the packet filter: without a bridge it has nothing left to match."""
    if (name := table(state.addresses)) in tables():
        run(["nft", "delete", "table", "inet", name])


def leftovers(state: LabState) -> list[str]:
    """What of the lab's network exists, one phrase each; empty after down."""
    addresses = state.addresses
    found = [
        f"link {path.name}"
        for path in Path("/sys/class/net").iterdir()
        if path.name == addresses.bridge or path.name.startswith(f"vb-{addresses.bridge}-")
    ]
    found += [f"nft table {item}" for item in tables() if item == table(addresses)]
    return found


def tables() -> set[str]:
    """The names of all inet tables of nftables."""
    return set(re.findall(r"^table inet (\S+)$", run(["nft", "list", "tables"]), re.MULTILINE))


def sealed_ranges() -> set[str]:
    """The ranges that have an unreachable route of a lab."""
    listed = json.loads(
        run(["ip", "-j", "route", "show", "type", "unreachable", "proto", ROUTE_PROTOCOL]) or "[]"
    )
    return {str(route["dst"]) for route in listed}


def host_networks() -> list[str]:
    """All networks that the host has an address or a route in, the default route and labs' own routes excepted."""
    networks = [
        str(route["dst"])
        for route in json.loads(run(["ip", "-j", "-4", "route", "show", "table", "all"]) or "[]")
        if route["dst"] != "default" and str(route.get("protocol")) != ROUTE_PROTOCOL
    ]
    return [text for text in networks if not text.startswith(("127.", "255."))]


def bridges() -> dict[str, str]:
    """All bridges of labs on this machine: name to alias."""
    found = {}
    for path in Path("/sys/class/net").glob("alx*"):
        if path.name[3:].isdigit():
            found[path.name] = (path / "ifalias").read_text().strip()
    return found


def alias(state: LabState) -> str:
    """What the bridge says about whose it is; finds a lab again whose state directory was lost."""
    return f"alluxops lab {state.name} in {state.paths.root.parent}"[:255]


def clients(state: LabState) -> dict[int, str]:
    """Processes of this host that have a connection to the lab: process number to name."""
    found: dict[int, str] = {}
    for network in state.addresses.ranges:
        text = run(["ss", "--no-header", "--tcp", "--processes", "state", "all", "dst", network])
        for name, pid in re.findall(r'\("([^"]*)",pid=(\d+)', text):
            found[int(pid)] = name
    return found


def close_clients(state: LabState) -> None:
    """Close the host's open connections to the lab: none may send a last packet later."""
    for network in state.addresses.ranges:
        run(["ss", "--kill", "--no-header", "--tcp", "state", "all", "dst", network])


def sweep_seals(used_slots: set[int]) -> None:
    """Remove the unreachable routes that a `down` left for a client's sake; the slots lock is held."""
    sealed = sealed_ranges()
    for slot in set(range(SLOTS)) - used_slots:
        addresses = Addresses(slot)
        if addresses.bridge not in bridges() and sealed.intersection(addresses.ranges):
            _unseal(addresses, sealed)


def _unseal(addresses: Addresses, sealed: set[str]) -> None:
    for network in addresses.ranges:
        if network in sealed:
            run([*_route("delete", network), "metric", UNREACHABLE_METRIC])


def _ports(addresses: Addresses) -> list[Path]:
    """The host's ends of the nodes' links, as systemd-nspawn names them."""
    return sorted(Path("/sys/class/net").glob(f"vb-{addresses.bridge}-*"))


def _exists(link: str) -> bool:
    return Path("/sys/class/net", link).exists()


def _delete_link(name: str) -> None:
    if not _exists(name):
        return
    try:
        run(["ip", "link", "delete", name])
    except LabError:
        if _exists(name):  # else it went with its node while we looked
            raise


def _route(action: str, network: str) -> list[str]:
    return ["ip", "route", action, "unreachable", network, "proto", ROUTE_PROTOCOL]
