"""The label of the nodes that carry a release's workers.

Workers are a DaemonSet that selects this label, so that a node comes or goes without a change of their pods: a list of
names in the pods themselves would restart every worker, and with it lose all that is cached. Pure functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

DOMAIN = "alluxops.io"
VALUE = "worker"
_LONGEST = 63


@dataclass(frozen=True)
class Plan:
    """change: nodes to label, or to take the label from. others: nodes that carry it and were not named."""

    change: tuple[str, ...]
    others: tuple[str, ...]


def worker_key(namespace: str, release: str) -> str:
    """Key of the label. Nodes belong to the whole cluster, hence the namespace in it; neither name has a dot."""
    name = f"{namespace}.{release}"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[: _LONGEST - 9].rstrip('.-')}-{digest}"
    return f"{DOMAIN}/{name}"


def carries(node: Mapping[str, Any], key: str) -> bool:
    """Whether a Node of the API carries the label."""
    return (node["metadata"].get("labels") or {}).get(key) == VALUE


def plan(
    nodes: Sequence[Mapping[str, Any]], key: str, wanted: Sequence[str], *, present: bool = True
) -> Plan:
    """What to change so that the wanted nodes carry the label, or do not. Other nodes are left as they are."""
    labelled = {node["metadata"]["name"]: carries(node, key) for node in nodes}
    missing = [name for name in wanted if name not in labelled]
    if missing and present:
        raise CacheError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} no node of the cluster.",
            fix="set alluxio_node_name of the host to its name in `kubectl get nodes`, or join the node first.",
        )
    change = [name for name in wanted if labelled.get(name, not present) is not present]
    others = sorted(name for name, has in labelled.items() if has and name not in wanted)
    return Plan(tuple(change), tuple(others))


def by_hand(nodes: Sequence[str], key: str, *, present: bool = True) -> str:
    """The command that does it."""
    return f"kubectl label node {' '.join(nodes)} {key}{f'={VALUE}' if present else '-'}"


def patch(key: str, *, present: bool) -> dict[str, Any]:
    """The merge patch of a Node."""
    return {"metadata": {"labels": {key: VALUE if present else None}}}
