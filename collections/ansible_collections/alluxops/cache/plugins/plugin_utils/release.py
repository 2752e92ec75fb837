"""Reading a release out of the cluster: its objects, its pods and who leads. I/O only; judging is health.py's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    health,
    noted_backup,
    versions,
    volumes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble import ensemble_of_config
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube

WEB_PORT: Final = 19999
MASTER_INFO: Final = health.MASTER_INFO
WEB_PATHS: Final = (
    "/",
    "/overview",
    "/metrics",
    health.METRICS,
    "/metrics/prometheus/",
    MASTER_INFO,
)
"""What an operator may want to open on the leader's web port; not every image and setting serves all of it."""

MASTER_CONTAINER: Final = "alluxio-master"
JOB_MASTER_CONTAINER: Final = "alluxio-job-master"
WORKER_CONTAINER: Final = "alluxio-worker"


def core(namespace: str, kind: str, name: str = "") -> str:
    """Path of a namespaced core/v1 collection or object."""
    return f"/api/v1/namespaces/{namespace}/{kind}" + (f"/{name}" if name else "")


def apps(namespace: str, kind: str, name: str = "") -> str:
    """Path of a namespaced apps/v1 collection or object."""
    return f"/apis/apps/v1/namespaces/{namespace}/{kind}" + (f"/{name}" if name else "")


def jobs(namespace: str, name: str = "") -> str:
    """Path of a namespaced batch/v1 Job, or of all of them."""
    return f"/apis/batch/v1/namespaces/{namespace}/jobs" + (f"/{name}" if name else "")


def volume(name: str = "") -> str:
    """Path of a PersistentVolume, or of all of them."""
    return "/api/v1/persistentvolumes" + (f"/{name}" if name else "")


def node(name: str = "") -> str:
    """Path of a Node, or of all of them."""
    return "/api/v1/nodes" + (f"/{name}" if name else "")


def cluster_uid(kube: Kube) -> str:
    """What tells a cluster from every other one: the uid of its namespace kube-system."""
    space = kube.get("/api/v1/namespaces/kube-system")
    return str(((space or {}).get("metadata") or {}).get("uid") or "")


def masters_set(kube: Kube, namespace: str, release: str) -> Json | None:
    """The release's StatefulSet of masters, or None."""
    return kube.get(apps(namespace, "statefulsets", f"{release}-master"))


def workers_set(kube: Kube, namespace: str, release: str) -> Json | None:
    """The release's DaemonSet of workers, or None."""
    return kube.get(apps(namespace, "daemonsets", f"{release}-worker"))


def fuse_set(kube: Kube, namespace: str, release: str) -> Json | None:
    """The release's DaemonSet of FUSE pods, or None."""
    return kube.get(apps(namespace, "daemonsets", f"{release}-fuse"))


def ensemble(kube: Kube, namespace: str, release: str) -> Json | None:
    """The StatefulSet of the release's own ZooKeeper, or None."""
    return kube.get(apps(namespace, "statefulsets", f"{release}-zookeeper"))


def ensemble_pods(kube: Kube, namespace: str, release: str) -> list[Json]:
    """The pods of the release's own ZooKeeper as the API has them."""
    return kube.list_objects(core(namespace, "pods"), f"app=zookeeper,release={release}-zookeeper")


def raw_pods(kube: Kube, namespace: str, release: str) -> list[Json]:
    """The release's master and worker pods as the API has them."""
    roles = f"{cluster.MASTER_ROLE},{cluster.WORKER_ROLE}"
    return kube.list_objects(core(namespace, "pods"), f"release={release},role in ({roles})")


def find_leader(kube: Kube, namespace: str, pods: list[Json]) -> health.Leader | None:
    """The master among these pods (pod_facts) whose web API answers as the serving one does; None when none does."""
    for pod in pods:
        if pod["role"] != cluster.MASTER_ROLE or pod["phase"] != "Running" or not pod["pod_ip"]:
            continue
        port = pod["web_port"] or WEB_PORT
        leader = health.parse_leader(
            pod["name"], kube.pod_http(namespace, pod["name"], port, MASTER_INFO)
        )
        if leader is not None:
            return leader
    return None


def look(kube: Kube, namespace: str, release: str, raw: list[Json] | None = None) -> health.Seen:
    """One look at the release. raw: its pods, when they were read already."""
    pods = [
        cluster.pod_facts(pod)
        for pod in (raw_pods(kube, namespace, release) if raw is None else raw)
    ]
    return health.Seen(
        pods=pods,
        leader=find_leader(kube, namespace, pods),
        masters_set=cluster.workload_facts(masters_set(kube, namespace, release)),
        workers_set=cluster.workload_facts(workers_set(kube, namespace, release)),
    )


def look_at_installed(kube: Kube, namespace: str, release: str) -> health.Seen:
    """One look at a release that must be there. Raises SettingsError where it is not."""
    seen = look(kube, namespace, release)
    if not seen.is_installed:
        raise SettingsError(
            f"the cache {namespace}/{release} is not installed.", fix="`alluxops site` installs it."
        )
    return seen


def endpoints(kube: Kube, namespace: str, seen: health.Seen) -> list[str]:
    """The paths on the leader's web port that answer."""
    if seen.leader is None:
        return []
    pod = next(pod for pod in seen.pods if pod["name"] == seen.leader.pod)
    port = pod["web_port"] or WEB_PORT
    answering = [
        path for path in WEB_PATHS if kube.pod_http(namespace, pod["name"], port, path) is not None
    ]
    # Prometheus' page is an empty 200 unless its servlet is on; the UI's paths need the UI's files.
    return [
        path
        for path in answering
        if path != "/metrics/prometheus/" or _has_samples(kube, namespace, pod, port)
    ]


def _has_samples(kube: Kube, namespace: str, pod: Mapping[str, Any], port: int) -> bool:
    page = kube.pod_http(namespace, pod["name"], port, "/metrics/prometheus/") or ""
    return "# TYPE" in page


def read_cluster(kube: Kube, namespace: str, release: str) -> Json:
    """The cluster and the release's objects, in one pass with as few calls as possible.

    Secrets are listed by name only; their contents are never asked for.
    """
    space = kube.get(f"/api/v1/namespaces/{namespace}")
    secrets = kube.list_objects(core(namespace, "secrets"), names_only=True)
    revisions = cluster.revision_facts(secrets, release)
    found = masters_set(kube, namespace, release)
    masters = cluster.workload_facts(found)
    config = kube.get(core(namespace, "configmaps", f"{release}-config")) if masters else None
    if masters is not None:
        settings = (config or {}).get("data") or {}
        masters["ha"] = cluster.ha_of_config(settings)
        masters["ensemble"] = ensemble_of_config(settings)
        masters["count"] = (
            cluster.masters_of_config(settings)
            or masters["replicas"]
            or (1 if masters["ha"] == "none" else _stopped(found))
        )
    pods = [cluster.pod_facts(pod) for pod in raw_pods(kube, namespace, release)]
    return {
        "version": kube.version,
        "platform": kube.platform(),
        "nodes": nodes(kube),
        "namespace": _namespace_facts(space),
        "storage_classes": [
            cluster.storage_class_facts(item)
            for item in kube.list_objects("/apis/storage.k8s.io/v1/storageclasses")
        ],
        "volumes": [
            volumes.volume_facts(item)
            for item in kube.list_objects(volume())
            if _concerns(item, namespace, release)
        ],
        "claims": [
            volumes.claim_facts(item)
            for item in kube.list_objects(core(namespace, "persistentvolumeclaims"))
        ],
        "masters": masters,
        "workers": cluster.workload_facts(workers_set(kube, namespace, release)),
        "zookeeper": cluster.workload_facts(ensemble(kube, namespace, release)),
        "pods": pods,
        "leader_version": _version_untold(kube, namespace, pods, masters),
        "revisions": revisions,
        "pending_revisions": cluster.pending(revisions),
        "secrets": sorted(secret["metadata"]["name"] for secret in secrets),
    }


def _stopped(masters_set: Json | None) -> int:
    """How many masters a run noted that has stopped them all; 0 where none did."""
    notes = ((masters_set or {}).get("metadata") or {}).get("annotations") or {}
    return int(notes.get(noted_backup.MASTERS_BEFORE) or 0)


def _version_untold(kube: Kube, namespace: str, pods: list[Json], masters: Json | None) -> str:
    """What the leader says of its version where the images' tags name none; empty where they do, or nobody serves."""
    if versions.numbers(versions.running({"pods": pods, "masters": masters})) is not None:
        return ""
    leader = find_leader(kube, namespace, pods)
    return leader.version if leader else ""


def nodes(kube: Kube) -> list[Json]:
    """The cluster's nodes (node_facts), by name."""
    facts = [cluster.node_facts(item) for item in kube.list_objects(node())]
    return sorted(facts, key=lambda item: str(item["name"]))


def _namespace_facts(space: Json | None) -> Json:
    labels: dict[str, Any] = ((space or {}).get("metadata") or {}).get("labels") or {}
    return {
        "exists": space is not None,
        "phase": ((space or {}).get("status") or {}).get("phase", ""),
        "pod_security": str(labels.get(cluster.POD_SECURITY, "")),
    }


def _concerns(item: Json, namespace: str, release: str) -> bool:
    """Whether a volume is the release's, or claimed from its namespace."""
    reference = item["spec"].get("claimRef") or {}
    labels = item["metadata"].get("labels") or {}
    return reference.get("namespace") == namespace or labels.get("release") == release
