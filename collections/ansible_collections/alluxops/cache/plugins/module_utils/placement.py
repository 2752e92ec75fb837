"""Which nodes the pods run on, as chart values: those that the inventory's groups list and node_storage has prepared.

Pure functions of the settings and of the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import node_labels
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings

Json = dict[str, Any]


def masters(settings: Settings) -> Json:
    """Chart values that keep masters whose journal no volume ties to a node on the hosts of cache_masters.

    On any of them, not on the first ones: a spare one takes the place of one lost.
    """
    terms = [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node.name]}]}
        for node in settings.cache_masters  # a field takes one value
    ]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"master": {"affinity": {"nodeAffinity": required}}}


def selectors(settings: Settings, effective: Mapping[str, Any], *, merges: bool) -> Json:
    """Chart values that keep workers, and what needs a worker or its directories beside it, on labelled nodes.

    merges: whether the chart adds a component's nodeSelector to the general one. Upstream's takes one of the two.
    """
    found: Json = {}
    for component in ("worker", "proxy", "fuse"):
        section = effective.get(component)
        section = section if isinstance(section, Mapping) else {}
        if not _belongs(component, section, effective):
            continue
        general = {} if merges or section.get("nodeSelector") else effective.get("nodeSelector")
        found[component] = {
            "nodeSelector": {**(general or {}), settings.worker_label: node_labels.VALUE}
        }
    return found


def _belongs(component: str, section: Mapping[str, Any], effective: Mapping[str, Any]) -> bool:
    """Whether a component's pods run where the workers do."""
    if component == "worker":
        return True
    if component == "fuse" and not _mounts_from_workers(effective):
        return False
    return bool(section.get("enabled"))


def _mounts_from_workers(effective: Mapping[str, Any]) -> bool:
    """Whether a short circuit takes a directory of the worker's node: of the domain socket, or of the blocks."""
    sockets = effective.get("shortCircuit") or {}
    if not sockets.get("enabled", True):
        return False
    if sockets.get("policy", "uuid") == "uuid":
        return True
    levels = (effective.get("tieredstore") or {}).get("levels") or []
    return all(level.get("type") != "emptyDir" for level in levels)


def users_selector(settings: Settings, family: str, effective: Mapping[str, Any]) -> dict[str, str]:
    """What else the workers' nodes must carry, by the user's own values."""
    own = (effective.get("worker") or {}).get("nodeSelector") or {}
    general = (effective.get("nodeSelector") or {}) if family == "ours" else {}
    wanted = {**general, **own}
    return {
        str(key): str(value) for key, value in wanted.items() if str(key) != settings.worker_label
    }
