"""PersistentVolumes and journal claims of a release: what they should be, and what is found of them.

Pure functions over the API's JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (
    MASTER_ROLE,
    WORKER_ROLE,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import note_of
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import kubernetes_bytes

Json = dict[str, Any]

PV = "PersistentVolume"
PVC = "PersistentVolumeClaim"
HOSTNAME = "kubernetes.io/hostname"
STORAGE_CLASS = "alluxops-local"
"""A class that no provisioner serves, so that nothing but our volumes binds the claims."""
_TAKE_OURS = (STORAGE_CLASS, "standard", "")
_ROLES = {"journal": MASTER_ROLE, "domain": WORKER_ROLE, "zookeeper": "zookeeper"}


@dataclass(frozen=True)
class Claim:
    """A claim that the chart makes, or that is made for it. size: a Kubernetes quantity; path: on the node.

    shared: the path is one file system on every node that uses it, so the volume is tied to none. hostname: the node's
    label kubernetes.io/hostname, where that is not its name. provisioned: the class's provisioner makes the volume.
    """

    name: str
    kind: str
    path: str
    size: str
    ordinal: int | None = None
    node: str | None = None
    access_modes: tuple[str, ...] = ("ReadWriteOnce",)
    storage_class: str = ""
    precreate: bool = False
    shared: bool = False
    hostname: str = ""
    provisioned: bool = False

    @property
    def place(self) -> str:
        """What the label kubernetes.io/hostname of the claim's node says; "" where it is tied to none."""
        return self.hostname or self.node or ""


@dataclass(frozen=True)
class Release:
    """Which release the volumes belong to. app: the chart's name, which stands in the label `app`."""

    namespace: str
    name: str
    app: str = "alluxio"

    def volume_of(self, claim: Claim) -> str:
        """Name of the volume of a claim. Volumes belong to the whole cluster, hence the namespace in it."""
        return f"{self.namespace}-{claim.name}"

    def labels(self, claim: Claim) -> dict[str, str]:
        """Labels of volume and claim: those the chart's own objects carry, which its claims' selectors ask for.

        A claim whose volume may be deleted with it is not marked as ours: an uninstall keeps it, as data.
        """
        ours = {} if claim.provisioned else {"app.kubernetes.io/managed-by": "alluxops"}
        return {
            "app": self.app,
            "release": self.name,
            "heritage": "Helm",
            "role": _ROLES[claim.kind],
            **ours,
        }


def provisions(storage_class: str | None) -> bool:
    """Whether a class is the user's own, whose provisioner makes the volumes; None is the cluster's default class.

    `standard` is what the guide and Alluxio's charts write where nothing particular is meant: it takes volumes of ours.
    """
    return storage_class not in _TAKE_OURS


def hostnames(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By node, its label kubernetes.io/hostname, which clouds may set to something else than its name; "" for none."""
    return {
        str(node["metadata"]["name"]): str((node["metadata"].get("labels") or {}).get(HOSTNAME, ""))
        for node in nodes
    }


def claim_of(options: Mapping[str, Any], labels: Mapping[str, str] | None = None) -> Claim:
    """A claim from an action's option. Raises SettingsError where a journal lacks what ties it to its data.

    labels: the nodes' hostnames().
    """
    node = str(options.get("node") or "")
    if labels is not None and labels.get(node, node) != node:
        hostname = labels[node]
        if not hostname:
            raise SettingsError(
                f"node {node} has no label {HOSTNAME}.",
                f"claim {options['name']} has a volume on it, and such a volume is tied to its node by that label.",
                f"`kubectl label node {node} {HOSTNAME}={node}`.",
            )
    else:
        hostname = ""
    claim = Claim(
        name=options["name"],
        kind=options["kind"],
        path=options["path"].rstrip("/"),
        size=str(options["size"]),
        ordinal=options.get("ordinal"),
        node=options.get("node") or None,
        access_modes=tuple(options.get("access_modes") or ("ReadWriteOnce",)),
        storage_class=options.get("storage_class") or "",
        precreate=bool(options.get("precreate")),
        shared=bool(options.get("shared")),
        hostname=hostname,
        provisioned=bool(options.get("provisioned")),
    )
    has_place = bool(claim.node or claim.shared or claim.provisioned)
    if claim.kind == "journal" and not has_place:
        raise SettingsError(
            f"claim {claim.name} has no node.",
            "a journal's volume is tied to the node that holds its data.",
            "list as many hosts in cache_masters as alluxio_masters says.",
        )
    if not claim.path.startswith("/") or ".." in claim.path.split("/"):
        raise SettingsError(f"claim {claim.name}: {claim.path!r} is no absolute path.")
    try:
        kubernetes_bytes(claim.size)
    except ValueError as error:
        raise SettingsError(
            f"claim {claim.name}: size {error}.", fix="write it like 1Gi."
        ) from error
    return claim


def desired_volume(release: Release, claim: Claim, claim_uid: str = "") -> Json:
    """The PersistentVolume of a claim.

    A journal's is tied to its node: pods that use it are scheduled there and nowhere else. One on shared storage is
    not, nor the domain socket's, since each worker has its own directory of that name. All are hostPaths: to a `local`
    volume the kubelet gives the pod's fsGroup and mode 2770 at every mount, which node_storage would put right at
    every run.
    """
    reference = {
        "apiVersion": "v1",
        "kind": PVC,
        "namespace": release.namespace,
        "name": claim.name,
    }
    if claim_uid:
        # A claim that once was bound takes its volume back only if the volume names it by uid.
        reference["uid"] = claim_uid
    spec: Json = {
        "capacity": {"storage": claim.size},
        "volumeMode": "Filesystem",
        "accessModes": list(claim.access_modes),
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": claim.storage_class,
        "claimRef": reference,
        "hostPath": {"path": claim.path, "type": "Directory"},
    }
    if claim.place:
        spec["nodeAffinity"] = {
            "required": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": HOSTNAME, "operator": "In", "values": [claim.place]}
                        ]
                    }
                ]
            }
        }
    return {
        "apiVersion": "v1",
        "kind": PV,
        "metadata": {"name": release.volume_of(claim), "labels": release.labels(claim)},
        "spec": spec,
    }


def desired_claim(release: Release, claim: Claim) -> Json:
    """The PersistentVolumeClaim that a StatefulSet of the release adopts by its name."""
    place: Json = {
        "storageClassName": claim.storage_class,
        "volumeName": release.volume_of(claim),
    }
    if claim.provisioned:
        place = {"storageClassName": claim.storage_class} if claim.storage_class else {}
    return {
        "apiVersion": "v1",
        "kind": PVC,
        "metadata": {
            "name": claim.name,
            "namespace": release.namespace,
            "labels": release.labels(claim),
        },
        "spec": {
            "accessModes": list(claim.access_modes),
            "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": claim.size}},
            **place,
        },
    }


def volume_path(volume: Mapping[str, Any]) -> str:
    """Directory on the node of a local or hostPath volume; empty for other kinds."""
    spec = volume["spec"]
    source = spec.get("local") or spec.get("hostPath") or {}
    return str(source.get("path", "")).rstrip("/")


def volume_node(volume: Mapping[str, Any]) -> str:
    """Node that a volume is tied to by its hostname label; empty when it is tied to none."""
    terms = (volume["spec"].get("nodeAffinity", {}).get("required", {})).get(
        "nodeSelectorTerms"
    ) or []
    for term in terms:
        for expression in term.get("matchExpressions") or []:
            if expression["key"] == HOSTNAME and expression.get("values"):
                return str(expression["values"][0])
    return ""


def phase(item: Mapping[str, Any] | None) -> str:
    """Phase of a volume or claim; `absent` when there is none."""
    return "absent" if item is None else str(item.get("status", {}).get("phase", "Pending"))


def is_settled(
    claim: Claim,
    volume: Mapping[str, Any] | None,
    current: Mapping[str, Any] | None,
    *,
    waits_for_pod: bool = False,
) -> bool:
    """Whether the wait for a claim is over: one made here is bound, another's volume waits for it or is bound.

    waits_for_pod: the claim's class makes a volume once a pod wants it.
    """
    if claim.provisioned:
        return phase(current) == "Bound" or (waits_for_pod and phase(current) == "Pending")
    if claim.precreate:
        return phase(current) == "Bound" and phase(volume) == "Bound"
    return phase(volume) in {"Available", "Bound"}


def volume_facts(volume: Mapping[str, Any]) -> Json:
    """What matters of a PersistentVolume: {name, phase, path, node, claim, storage_class, capacity_bytes, ...}."""
    reference = volume["spec"].get("claimRef") or {}
    return {
        "name": volume["metadata"]["name"],
        "phase": phase(volume),
        "path": volume_path(volume),
        "node": volume_node(volume),
        "claim": f"{reference['namespace']}/{reference['name']}" if reference else "",
        "storage_class": volume["spec"].get("storageClassName", ""),
        "capacity_bytes": kubernetes_bytes(volume["spec"].get("capacity", {}).get("storage", "0")),
        "reclaim_policy": volume["spec"].get("persistentVolumeReclaimPolicy", ""),
    }


def claim_facts(claim: Mapping[str, Any]) -> Json:
    """What matters of a PersistentVolumeClaim: {name, phase, volume, storage_class, holds_journal}."""
    return {
        "name": claim["metadata"]["name"],
        "phase": phase(claim),
        "volume": claim["spec"].get("volumeName", ""),
        "storage_class": claim["spec"].get("storageClassName", ""),
        "holds_journal": note_of(claim).text(),
    }
