"""A node without power for some seconds, then booted again. What it had written is there, what ran is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

from lab import cgroups, kubeadm
from lab import node as nodes
from lab.commands import wait_for
from lab.errors import LabError
from lab.state import LabState, Node
from tests.chaos.faults.fault import Fault

RETURNS_WITHIN_S = 300


class DeadNode(Fault):
    """Any node, the one with the control plane too."""

    def inject(self) -> str:
        """Cut the power of one."""
        node = self.chance.choice(self.scene.state.joined)
        power_off(self.scene.state, node)
        return node.name

    def heal(self) -> None:
        """Boot what is down."""
        power_on(self.scene.state)


def power_off(state: LabState, node: Node) -> None:
    """Kill everything in the node's cgroup, which is the lab's own."""
    cgroups.kill(cgroups.node_group(state, node))


def power_on(state: LabState) -> None:
    """Boot what is down, and wait for its kubelet to report: the API calls a dead node Ready for 40 s."""
    began = datetime.now(UTC)
    down = [node for node in state.joined if not nodes.is_running(state, node)]
    for node in down:
        inputs = nodes.made_from(state, node)
        assert inputs is not None, f"lab {state.name} does not know what {node.name} was made from"
        nodes.prepare(state, node, inputs)
        nodes.boot(state, node, inputs)
        nodes.wait_until_up(state, node)
    for node in down:
        wait_for(
            f"the kubelet of {node.name} reports",
            partial(_reported, state, node.name, began),
            timeout_s=RETURNS_WITHIN_S,
            every_s=1,
        )
    kubeadm.wait_ready(state)


def _reported(state: LabState, node: str, since: datetime) -> bool:
    lease = ("get", "leases", "-n", "kube-node-lease", node, "-o", "json")
    try:
        found = json.loads(kubeadm.kubectl(state, *lease))
    except LabError:  # the API server may be on that node
        return False
    return datetime.fromisoformat(found["spec"]["renewTime"]) > since
