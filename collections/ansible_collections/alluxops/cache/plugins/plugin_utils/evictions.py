"""The pods of a node, and their eviction through the API, which keeps to disruption budgets as `kubectl drain` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube

FUSE_ROLE: Final = "alluxio-fuse"
MIRROR: Final = "kubernetes.io/config.mirror"
TOO_MANY_REQUESTS: Final = 429
NOT_FOUND: Final = 404


def pods_on(kube: Kube, nodes: Sequence[str]) -> dict[str, list[Json]]:
    """By node: its pods, of all namespaces, that have not ended. One list, however many nodes there are."""
    found: dict[str, list[Json]] = {node: [] for node in nodes}
    if not nodes:
        return found
    fields = f"spec.nodeName={nodes[0]}" if len(nodes) == 1 else ""
    for pod in kube.list_objects("/api/v1/pods", fields=fields):
        node = cluster.node_of(pod)
        if node in found and pod["status"].get("phase") not in {"Succeeded", "Failed"}:
            found[node].append(pod)
    return found


def evictable(pods: Iterable[Json]) -> list[Json]:
    """Those that a drain evicts: neither a DaemonSet's, which would come back, nor the kubelet's own."""
    return [
        pod
        for pod in pods
        if _owner(pod) != "DaemonSet" and MIRROR not in (pod["metadata"].get("annotations") or {})
    ]


def unmanaged(pods: Iterable[Json]) -> list[str]:
    """NAMESPACE/NAME of those that no controller would make anew."""
    return [_name(pod) for pod in evictable(pods) if not _owner(pod)]


def bound_here(pods: Iterable[Json]) -> list[str]:
    """NAMESPACE/NAME of masters and ZooKeeper servers of a cache: their volumes lie on the node."""
    return [
        _name(pod)
        for pod in pods
        if (pod["metadata"].get("labels") or {}).get("role") == cluster.MASTER_ROLE
        or (pod["metadata"].get("labels") or {}).get("app") == "zookeeper"
    ]


def other_workers(pods: Iterable[Json], namespace: str, release: str) -> list[Json]:
    """The workers of other caches. A drain passes over them, as a DaemonSet makes them."""
    return [
        pod
        for pod in pods
        if (pod["metadata"].get("labels") or {}).get("role") == cluster.WORKER_ROLE
        and (pod["metadata"]["namespace"], pod["metadata"]["labels"].get("release"))
        != (namespace, release)
    ]


def evict(kube: Kube, pod: Json) -> str:
    """Ask for one pod to be evicted. Returns why it may not be yet; empty when it is on its way, or gone."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
    }
    try:
        kube.create(f"{objects.core(namespace, 'pods', name)}/eviction", body)
    except ApiError as error:
        if error.status == TOO_MANY_REQUESTS:
            return f"{namespace}/{name}: {error.reason}"
        if error.status != NOT_FOUND:
            raise
    return ""


def names(pods: Sequence[Json]) -> list[str]:
    """NAMESPACE/NAME of each."""
    return [_name(pod) for pod in pods]


def _name(pod: Json) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _owner(pod: Json) -> str:
    """The kind of its controller; empty where it has none."""
    owners = pod["metadata"].get("ownerReferences") or []
    return next((str(owner["kind"]) for owner in owners if owner.get("controller")), "")
