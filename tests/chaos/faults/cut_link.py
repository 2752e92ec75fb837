"""A node cut off from the other nodes and their pods; this machine, which runs the verb, still reaches all of them."""

from __future__ import annotations

from lab import cgroups
from lab import node as nodes
from lab.commands import run
from lab.state import Node
from tests.chaos.faults.fault import Fault

TABLE = "alluxops_chaos"


class CutLink(Fault):
    """A packet filter in the node's own network namespace, for the lab's addresses only."""

    def inject(self) -> str:
        """Drop what comes from the others and what goes to them."""
        state = self.scene.state
        node = self.chance.choice(state.joined)
        others = [other for other in state.joined if other != node]
        addresses = [state.addresses.node(other.index) for other in others]
        addresses += [state.addresses.node_pods(other.index) for other in others]
        self._nft(node, ruleset(addresses))
        return f"{node.name} from {' and '.join(other.name for other in others)}"

    def heal(self) -> None:
        """Remove the filter wherever it is."""
        for node in self.scene.state.joined:
            if nodes.is_running(self.scene.state, node):
                self._nft(node, f"table inet {TABLE} {{}}\ndelete table inet {TABLE}\n")

    def _nft(self, node: Node, rules: str) -> None:
        init = cgroups.init_of(cgroups.node_group(self.scene.state, node))
        run(["nsenter", "--target", str(init), "--net", "nft", "-f", "-"], stdin=rules)


def ruleset(addresses: list[str]) -> str:
    """The filter as nft reads it."""
    others = ", ".join(addresses)
    return f"""\
table inet {TABLE} {{
  chain arriving {{
    type filter hook prerouting priority -300; policy accept;
    ip saddr {{ {others} }} drop
  }}
  chain leaving {{
    type filter hook postrouting priority 300; policy accept;
    ip daddr {{ {others} }} drop
  }}
}}
"""
