"""How a node is marked as a worker's, and how far it has come. Pure functions of the API's objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, health, node_marks

Json = dict[str, Any]


def patch(
    node: Mapping[str, Any],
    labels: Mapping[str, str],
    taints: Sequence[Mapping[str, Any]],
    notes: Mapping[str, str | None] | None = None,
) -> Json:
    """The merge patch that gives a Node (API JSON) these labels and taints; {} where it has them.

    notes: annotations that change with them.
    """
    has = node["metadata"].get("labels") or {}
    missing = {key: value for key, value in labels.items() if has.get(key) != value}
    metadata = {"labels": missing, "annotations": dict(notes or {})}
    said = {key: value for key, value in metadata.items() if value}
    found: Json = {"metadata": said} if said else {}
    there = list((node.get("spec") or {}).get("taints") or [])
    new = [
        dict(taint)
        for taint in taints
        if not any(node_marks.same_taint(taint, one) for one in there)
    ]
    if new:
        replaced = {node_marks.slot(one) for one in new}
        kept = [one for one in there if node_marks.slot(one) not in replaced]
        return node_marks.with_taints(found, node, kept + new)
    return found


def shown(change: Mapping[str, Any]) -> str:
    """A patch for a diff, a line each."""
    labels = (change.get("metadata") or {}).get("labels") or {}
    lines = [f"{key}={value}" for key, value in labels.items()]
    lines += [
        node_marks.taint_text(taint) for taint in (change.get("spec") or {}).get("taints") or []
    ]
    return "".join(f"{line}\n" for line in lines)


def awaited(node: str, ready: bool | None, seen: health.Seen) -> str:  # noqa: FBT001 - None: not there
    """What a node's worker still lacks, in words; empty where it serves. ready: of the node."""
    if ready is None:
        return f"node {node} to be in the cluster"
    if not ready:
        return f"node {node} to be Ready"
    pod = pod_of(node, seen)
    if pod is None:
        return f"a worker's pod on {node}"
    if not cluster.is_ready(pod):
        return f"{pod['name']} on {node} to be ready ({cluster.ready_text(pod)})"
    if health.registered(pod, seen.leader) is None:
        return f"{pod['name']} on {node} to be registered with the leader"
    # Clients of the node would be sent to the earlier one, and what they write would fail.
    forget = f"the leader to forget the worker that {node} had before"
    return forget if health.has_ghost(pod, seen.leader) else ""


def pod_of(node: str, seen: health.Seen) -> Mapping[str, Any] | None:
    """The worker's pod of a node; None while there is none."""
    return next((pod for pod in seen.of_role(cluster.WORKER_ROLE) if pod["node"] == node), None)


def capacity(node: str, seen: health.Seen) -> int:
    """Bytes that a node's worker holds; 0 while it is not registered."""
    pod = pod_of(node, seen)
    worker = health.registered(pod, seen.leader) if pod is not None else None
    return worker.capacity_bytes if worker is not None else 0
