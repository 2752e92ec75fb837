"""A release on many nodes, as objects of the API and as the leader's own report of its workers. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

NAMESPACE = "alluxio"
RELEASE = "alluxio"
LABEL = f"alluxops.io/{NAMESPACE}.{RELEASE}"
QUOTA_BYTES = 1 << 30
VERSION = "1.34.4"


def name(number: int) -> str:
    """Of a node."""
    return f"n{number:05}"


def node_address(number: int) -> str:
    """Of a node."""
    return f"10.{200 + number // 65536}.{number // 256 % 256}.{number % 256}"


def machine_id(number: int) -> str:
    """Of a node."""
    return f"{number:032x}"


def node(number: int) -> Json:
    """A node that kwok keeps ready, of the size that nodes of a real cluster have."""
    conditions = {
        "Ready": "True",
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "NetworkUnavailable": "False",
    }
    size = {"cpu": "64", "memory": "263856476Ki", "pods": "110", "ephemeral-storage": "1Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name(number),
            "labels": {
                "kubernetes.io/hostname": name(number),
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                LABEL: "worker",
            },
        },
        "spec": {"podCIDR": "", "providerID": f"simulated://{name(number)}"},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": node_address(number)},
                {"type": "Hostname", "address": name(number)},
            ],
            "allocatable": size,
            "capacity": size,
            "conditions": [
                {
                    "type": kind,
                    "status": value,
                    "reason": "Simulated",
                    "message": "kubelet is posting ready status"
                    if kind == "Ready"
                    else "it has enough",
                }
                for kind, value in conditions.items()
            ],
            "images": [
                {"names": [f"registry.invalid/library/image-{one}:1.{one}"], "sizeBytes": 123456789}
                for one in range(20)
            ],
            "nodeInfo": {
                "machineID": machine_id(number),
                "systemUUID": machine_id(number),
                "bootID": machine_id(number),
                "kernelVersion": "6.12.0",
                "osImage": "Debian GNU/Linux 13 (trixie)",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kubeletVersion": f"v{VERSION}",
                "kubeProxyVersion": f"v{VERSION}",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def pod(owner: Mapping[str, Any], pod_name: str, node_name: str) -> Json:
    """A pod of a StatefulSet or DaemonSet; kwok gives it addresses and lets it run."""
    template = copy.deepcopy(owner["spec"]["template"])
    kind = owner["kind"]
    # No kubelet asks for a claim of the journal, and no verb here reads it.
    claimed = [one["metadata"]["name"] for one in owner["spec"].get("volumeClaimTemplates") or []]
    volumes = [
        *(template["spec"].get("volumes") or []),
        *({"name": one, "emptyDir": {}} for one in claimed),
    ]
    spec = {**template["spec"], "nodeName": node_name, "volumes": volumes}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name,
            "namespace": NAMESPACE,
            "labels": {**template["metadata"]["labels"], "controller-revision-hash": "1"},
            "annotations": template["metadata"].get("annotations") or {},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": kind,
                    "name": owner["metadata"]["name"],
                    "uid": "00000000-0000-0000-0000-000000000001",
                    "controller": True,
                }
            ],
        },
        "spec": spec,
    }


def status(workload: Mapping[str, Any], count: int) -> Json:
    """Of a StatefulSet or DaemonSet whose controller has done all there was to do."""
    if workload["kind"] == "DaemonSet":
        found: Json = {
            "currentNumberScheduled": count,
            "desiredNumberScheduled": count,
            "numberAvailable": count,
            "numberReady": count,
            "numberMisscheduled": 0,
            "updatedNumberScheduled": count,
        }
    else:
        found = {
            "replicas": count,
            "readyReplicas": count,
            "availableReplicas": count,
            "currentReplicas": count,
            "updatedReplicas": count,
            "currentRevision": "1",
            "updateRevision": "1",
        }
    return {**found, "observedGeneration": 1}


def helm_secret() -> Json:
    """The Secret that Helm keeps of a revision; what it holds is not read here."""
    labels = {"owner": "helm", "name": RELEASE, "version": "1", "status": "deployed"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.{RELEASE}.v1", "labels": labels},
        "data": {"release": ""},
    }


def master_info(addresses: Sequence[tuple[str, str]]) -> bytes:
    """What the leader's web page says. addresses: of each worker, its node's and its pod's."""
    workers = [
        {
            "blockCount": 0,
            "capacityBytes": QUOTA_BYTES,
            "capacityBytesOnTiers": {"MEM": QUOTA_BYTES},
            "lastContactSec": 0,
            "usedBytes": 0,
            "usedBytesOnTiers": {"MEM": 0},
            "numVCpu": 64,
            "version": "2.9.6",
            "state": "ACTIVE",
            "startTimeMs": 1795458689862,
            "revision": "f61a8b08ee0e0d0bbc357832f11fd84f401bc0cb",
            "id": 2498103492758592211 + place,
            "address": {
                "tieredIdentity": {
                    "tiers": [
                        {"tierName": "node", "value": host},
                        {"tierName": "rack", "value": None},
                    ]
                },
                "containerHost": own,
                "dataPort": 29999,
                "webPort": 30000,
                "domainSocketPath": "/opt/domain/socket",
                "host": host,
                "rpcPort": 29999,
            },
        }
        for place, (host, own) in enumerate(addresses)
    ]
    return json.dumps(
        {
            "version": "2.9.6",
            "rpcAddress": "alluxio-master-0/<unresolved>:19998",
            "startTimeMs": 1795458632047,
            "uptimeMs": 821886,
            "revision": "f61a8b08ee0e0d0bbc357832f11fd84f401bc0cb",
            "workers": workers,
            "lostWorkers": [],
        }
    ).encode()
