"""Whether a host is the node that its name says, before anything of it is deleted or reset. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.removal import Target


def faults(
    targets: Sequence[Target],
    memberships: Mapping[str, Mapping[str, Any]],
    machines: Mapping[str, str],
    authorities: frozenset[str],
    *,
    leave: bool,
) -> list[SettingsError]:
    """Every host that is not known to be its node, or that runs the control plane and is to leave.

    memberships: of node_membership.read, by host; none of a host that was not reached, on which nothing is done then.
    machines: machine id of each node of the cluster. authorities: SHA-256 of its CA certificates. leave: whether hosts
    are reset.
    """
    found = []
    for target in targets:
        membership = memberships.get(target.host) or {}
        if leave:
            found += _control_plane(target, membership)
        if membership:
            found += list(_identity(target, membership, machines, authorities, leave=leave))[:1]
    return found


def _control_plane(target: Target, membership: Mapping[str, Any]) -> list[SettingsError]:
    if not target.control_plane and not membership.get("control_plane"):
        return []
    why = "its node has the label" if target.control_plane else "it runs kube-apiserver"
    return [
        SettingsError(
            f"{target.host} is a control-plane host: {why}.",
            "`kubeadm reset` would take the cluster itself away.",
            "leave remove_workers_leave_cluster out, or correct ansible_host and alluxio_node_name of it.",
        )
    ]


def _identity(
    target: Target,
    membership: Mapping[str, Any],
    machines: Mapping[str, str],
    authorities: frozenset[str],
    *,
    leave: bool,
) -> Iterator[SettingsError]:
    kubelet = membership.get("kubelet") or {}
    theirs = frozenset(kubelet.get("authorities") or ())
    mine = str(membership.get("machine_id") or "")
    fix = f"correct ansible_host or alluxio_node_name of {target.host}, as `kubectl get nodes -o wide` shows them"
    if theirs and authorities and not theirs & authorities:
        yield SettingsError(
            f"{target.host} belongs to another cluster: its kubelet talks to {kubelet.get('server')}.",
            "The kubeconfig's cluster has another certificate authority. What that host runs would be deleted.",
            f"{fix}; or set alluxops_kubeconfig to that cluster's.",
        )
    if not target.exists:
        others = sorted(name for name, machine in machines.items() if mine and machine == mine)
        if others:
            yield SettingsError(
                f"{target.host} is the node {others[0]}, and not {target.node}, which the cluster does not have.",
                f"Both have the machine id {mine}. Its worker would be neither copied nor retired.",
                f"{fix}.",
            )
        if kubelet:
            yield SettingsError(
                f"{target.host} has joined a cluster ({kubelet.get('server')}), which has no node {target.node}.",
                "Whether a worker of the release runs there under another name is not known.",
                f"{fix}; where its Node was deleted by hand, run `kubeadm reset` on the host first.",
            )
        return
    node = machines.get(target.node, "")
    if node and mine and node != mine:
        yield SettingsError(
            f"the node {target.node} is another machine than {target.host}"
            f" (machine id {node}, {target.host} has {mine}).",
            "The worker of one would be removed, and the directories of the other deleted.",
            f"{fix}; where the machine was replaced, `kubectl delete node {target.node}` first.",
        )
    if leave and kubelet and not theirs & authorities and not (node and node == mine):
        yield SettingsError(
            f"remove_workers_leave_cluster is true, and {target.host} is not known to be the node {target.node}.",
            "Neither its kubelet's certificate authority nor its machine id could be compared with the cluster's.",
            "leave the variable out, and take the node out of the cluster yourself.",
        )
