"""Empty nodes of pods, or take them out of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import evictions
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube

LOOK_EVERY_S: Final = 2.0


class ActionModule(ApiAction):
    """alluxops.cache.cluster_node."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Drain, or delete."""
        there = {str(node["metadata"]["name"]): node for node in kube.list_objects(objects.node())}
        nodes = [name for name in options["nodes"] if name in there]
        if options["state"] == "absent":
            going = [name for name in nodes if _was_reset(options["resets"].get(name) or {})]
            for name in () if self.check_mode else going:
                kube.delete(objects.node(name), propagation="Background")
            kept = [name for name in nodes if name not in going]
            return {**_changes([f"node {name}" for name in going]), "kept": kept}
        drained = {name: there[name] for name in nodes}
        return self._drain(kube, drained, Patience(options["wait_timeout_s"]))

    def _drain(self, kube: Kube, nodes: Mapping[str, Json], patience: Patience) -> Result:
        """Cordon the nodes, then evict what no DaemonSet runs there, one look after another."""
        went = []
        for name, node in nodes.items():
            if not (node.get("spec") or {}).get("unschedulable"):
                went.append(f"{name}: schedulable")
                if not self.check_mode:
                    kube.merge(objects.node(name), {"spec": {"unschedulable": True}})
        evicted: set[str] = set()
        while True:
            running_on = evictions.pods_on(kube, list(nodes))
            pods = [pod for there in running_on.values() for pod in evictions.evictable(there)]
            evicted |= set(evictions.names(pods))
            if not pods or self.check_mode:
                return _changes([*went, *(f"pod {name}" for name in sorted(evicted))])
            running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
            kept = [why for pod in running if (why := evictions.evict(kube, pod))]
            awaited = kept[0] if kept else f"{evictions.names(pods)[0]} to end"
            if patience.is_over:
                raise CacheError(
                    f"waited {patience.timeout_s:.0f} s for {awaited}.",
                    "A disruption budget keeps it until other pods of its kind are ready."
                    if kept
                    else "",
                    "see `kubectl get poddisruptionbudgets -A`; the nodes stay cordoned; run it again.",
                )
            patience.pause(awaited, LOOK_EVERY_S)


def _was_reset(result: Mapping[str, Any]) -> bool:
    """Whether a command on the host ended well, or had nothing to do: one that was not reached has no exit code."""
    return not result.get("unreachable") and result.get("rc") == 0


def _changes(went: list[str]) -> Result:
    return {
        "kept": [],
        "changed": bool(went),
        "went": went,
        "diff": {"before": "".join(f"{one}\n" for one in went), "after": ""},
    }
