"""What a cluster looks like to one release: plain facts read out of the API's objects, and checks over them.

Everything here is a pure function of the JSON that the API returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import kubernetes_bytes

Json = dict[str, Any]

MASTER_ROLE = "alluxio-master"
WORKER_ROLE = "alluxio-worker"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
POD_SECURITY = "pod-security.kubernetes.io/enforce"


def machine_id(node: Mapping[str, Any]) -> str:
    """The machine id that a Node's kubelet read on its host; empty where the Node does not say it."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return str(info.get("machineID") or "")


def node_facts(node: Mapping[str, Any]) -> Json:
    """What matters of a Node: {name, ready, schedulable, internal_ip, memory_bytes, taints, labels, kubelet, ...}."""
    status = node.get("status", {})
    info = status.get("nodeInfo", {})
    addresses = {entry["type"]: entry["address"] for entry in status.get("addresses", [])}
    return {
        "name": node["metadata"]["name"],
        "ready": _condition(status, "Ready") == "True",
        "schedulable": not node.get("spec", {}).get("unschedulable", False),
        "internal_ip": addresses.get("InternalIP", ""),
        "memory_bytes": kubernetes_bytes(status.get("allocatable", {}).get("memory", "0")),
        "taints": list(node.get("spec", {}).get("taints") or []),
        "labels": dict(node["metadata"].get("labels") or {}),
        "kubelet": str(info.get("kubeletVersion", "")).lstrip("v"),
        "runtime": info.get("containerRuntimeVersion", ""),
        "os": info.get("osImage", ""),
    }


_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}


def pod_facts(pod: Mapping[str, Any]) -> Json:
    """What matters of a Pod: {name, role, node, ready, total, containers, ...}; ready and total count containers."""
    status = pod.get("status", {})
    labels = pod["metadata"].get("labels") or {}
    states = status.get("containerStatuses") or []
    total = len(pod.get("spec", {}).get("containers", []))
    return {
        "name": pod["metadata"]["name"],
        "uid": pod["metadata"].get("uid", ""),
        "role": labels.get("role", ""),
        "node": pod.get("spec", {}).get("nodeName", ""),
        "pod_ip": status.get("podIP", ""),
        "host_ip": status.get("hostIP", ""),
        "phase": status.get("phase", "Unknown"),
        "ready": sum(1 for state in states if state.get("ready")),
        "total": total,
        "terminating": "deletionTimestamp" in pod["metadata"],
        "restarts": sum(int(state.get("restartCount", 0)) for state in states),
        "revision": labels.get("controller-revision-hash", ""),
        "image": image_of(pod.get("spec", {}).get("containers") or []),
        "started": any(_has_started(state) for state in states),
        "no_image": any(
            ((state.get("state") or {}).get("waiting") or {}).get("reason") in _NO_IMAGE
            for state in [*states, *(status.get("initContainerStatuses") or [])]
        ),
        "containers": [
            container["name"] for container in pod.get("spec", {}).get("containers", [])
        ],
        "web_port": _port(pod, "web"),
    }


def ordinal_of(pod: str) -> int:
    """The number of a master, from its pod's name; -1 where that has none."""
    number = pod.rpartition("-")[2]
    return int(number) if number.isdigit() else -1


def node_of(pod: Mapping[str, Any]) -> str:
    """The node that a pod runs on, or that a DaemonSet has made it for; "" while the scheduler has the choice."""
    spec = pod.get("spec", {})
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or []:
        for field in term.get("matchFields") or []:
            if field.get("key") == "metadata.name" and field.get("values"):
                return str(field["values"][0])
    return ""


def _has_started(state: Mapping[str, Any]) -> bool:
    """Whether a container runs or ever ran: its image exists."""
    ran = {**(state.get("state") or {}), **(state.get("lastState") or {})}
    return "running" in ran or "terminated" in ran or int(state.get("restartCount", 0)) > 0


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod (pod_facts) has all its containers ready and is not on its way out."""
    return pod["total"] > 0 and pod["ready"] == pod["total"] and not pod["terminating"]


def ready_text(pod: Mapping[str, Any]) -> str:
    """The READY column of kubectl, for example 2/2."""
    return f"{pod['ready']}/{pod['total']}"


def storage_class_facts(storage_class: Mapping[str, Any]) -> Json:
    """What matters of a StorageClass: {name, default, provisioner, binding_mode}."""
    metadata = storage_class["metadata"]
    return {
        "name": metadata["name"],
        "default": (metadata.get("annotations") or {}).get(DEFAULT_CLASS) == "true",
        "provisioner": storage_class.get("provisioner", ""),
        "binding_mode": storage_class.get("volumeBindingMode", "Immediate"),
    }


def rolls_itself(spec: Mapping[str, Any]) -> bool:
    """Whether Kubernetes replaces the pods of a StatefulSet or DaemonSet when its template changes."""
    return (spec.get("updateStrategy") or {}).get("type") != "OnDelete"


def workload_facts(workload: Mapping[str, Any] | None) -> Json | None:
    """What matters of a StatefulSet or DaemonSet: {name, replicas, ready, image, ha, settled, ...}; None for None.

    observed: its controller has seen the last change. settled: and every pod is of the current revision. rolls_itself:
    Kubernetes replaces pods of an older revision; else masters_roll does.
    """
    if workload is None:
        return None
    spec, status = workload["spec"], workload.get("status", {})
    is_set = "replicas" in spec
    wanted = int(spec["replicas"] if is_set else status.get("desiredNumberScheduled", 0))
    updated = int(status.get("updatedReplicas" if is_set else "updatedNumberScheduled", 0))
    ready = int(status.get("readyReplicas" if is_set else "numberReady", 0))
    template = spec["template"]["spec"]
    seen = status.get("observedGeneration", 0) >= workload["metadata"].get("generation", 0)
    # A StatefulSet that is not being updated leaves updatedReplicas out on some versions.
    current = is_set and status.get("currentRevision") == status.get("updateRevision")
    return {
        "name": workload["metadata"]["name"],
        "replicas": wanted,
        "ready": ready,
        "image": image_of(template["containers"]),
        "ha": ha_mode(template) if is_set else "",
        "rolls_itself": rolls_itself(spec),
        "observed": seen,
        "settled": seen and (updated >= wanted or current),
        "update_revision": status.get("updateRevision", ""),
        "tolerations": list(template.get("tolerations") or []),
    }


def image_of(containers: Sequence[Mapping[str, Any]]) -> str:
    """The image of Alluxio's own containers, "" where there are none.

    Upstream's chart puts a user's extraContainers before them.
    """
    own = [each for each in containers if str(each.get("name")).startswith("alluxio-")]
    return str((own or containers or [{}])[0].get("image", ""))


def ha_mode(template: Mapping[str, Any]) -> str:
    """The HA mode of a master pod template, told by what upstream's chart and ours open for it: `embedded` or `none`.

    ZooKeeper leaves no trace in the pod; ha_of_config reads it from the release's ConfigMap.
    """
    ports = {
        port.get("name")
        for container in template.get("containers", [])
        for port in container.get("ports") or []
    }
    return "embedded" if "embedded" in ports else "none"


def ha_of_config(config: Mapping[str, str]) -> str:
    """The HA mode that a release's ConfigMap sets: `none`, `embedded` (of one master too) or `zookeeper`."""
    options = " ".join(config.values())
    if re.search(r"-Dalluxio\.zookeeper\.enabled=true\b", options):
        return "zookeeper"
    if re.search(r"-Dalluxio\.master\.journal\.type=EMBEDDED\b", options):
        return "embedded"
    return "none"


def masters_of_config(config: Mapping[str, str]) -> int:
    """How many masters a release's ConfigMap names; 0 where it names none of an embedded journal."""
    options = " ".join(config.values())
    found = re.search(r"-Dalluxio\.master\.embedded\.journal\.addresses=(\S+)", options)
    return len(found.group(1).split(",")) if found else 0


def revision_facts(secrets: Iterable[Mapping[str, Any]], release: str) -> list[Json]:
    """Helm's revisions of a release, oldest first: {revision, status, secret}; secrets need their metadata only."""
    found = []
    for secret in secrets:
        labels = secret["metadata"].get("labels") or {}
        if labels.get("owner") == "helm" and labels.get("name") == release:
            found.append(
                {
                    "revision": int(labels.get("version", 0)),
                    "status": labels.get("status", ""),
                    "secret": secret["metadata"]["name"],
                }
            )
    return sorted(found, key=lambda revision: int(revision["revision"]))


def pending(revisions: Sequence[Mapping[str, Any]]) -> list[int]:
    """Numbers of the revisions that Helm began and did not finish."""
    return [
        int(item["revision"]) for item in revisions if str(item["status"]).startswith("pending")
    ]


def untolerated(
    taints: Sequence[Mapping[str, Any]], tolerations: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Taints, as key=value:effect, that keep a pod with these tolerations off a node."""
    blocking = []
    for taint in taints:
        if taint.get("effect") not in {"NoSchedule", "NoExecute"}:
            continue
        if not any(_tolerates(toleration, taint) for toleration in tolerations):
            value = f"={taint['value']}" if taint.get("value") else ""
            blocking.append(f"{taint['key']}{value}:{taint['effect']}")
    return blocking


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if not toleration.get("key"):
        return toleration.get("operator") == "Exists"
    if toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return str(toleration.get("value") or "") == str(taint.get("value") or "")


def _condition(status: Mapping[str, Any], kind: str) -> str:
    for condition in status.get("conditions") or []:
        if condition["type"] == kind:
            return str(condition["status"])
    return "Unknown"


def _port(pod: Mapping[str, Any], name: str) -> int:
    """Number of the pod's port of that name; 0 when there is none."""
    for container in pod.get("spec", {}).get("containers", []):
        for port in container.get("ports") or []:
            if port.get("name") == name:
                return int(port["containerPort"])
    return 0
