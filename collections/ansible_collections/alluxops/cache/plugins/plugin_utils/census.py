"""Reading a census from the leader's web port: two pages through the API server, no command in a pod."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import census, cluster
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


def read(kube: Kube, namespace: str, leader_pod: str) -> census.Census:
    """How much metadata the leader holds. Raises CacheError when the pod is no serving master."""
    pod = kube.get(objects.core(namespace, "pods", leader_pod))
    port = cluster.pod_facts(pod)["web_port"] if pod else 0
    info, metrics = (
        kube.pod_http(namespace, leader_pod, port or objects.WEB_PORT, path)
        for path in (objects.MASTER_INFO, "/metrics/json/")
    )
    try:
        return census.parse(info, metrics)
    except CacheError as error:
        raise CacheError(
            f"{leader_pod} does not tell what it holds.",
            error.cause,
            f"see `kubectl -n {namespace} logs {leader_pod} -c {objects.MASTER_CONTAINER}`.",
        ) from error
