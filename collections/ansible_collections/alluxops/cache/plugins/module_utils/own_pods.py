"""What all pods have in common that a verb makes for itself, and the Jobs that make them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

NARROW: Final[Json] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""The security context of a container that needs no rights."""
REMEMBERED_S: Final = 60
"""How long Kubernetes keeps a Job that has ended."""


@dataclass(frozen=True)
class Image:
    """How the release's pods run: image reference, pull policy and secrets, and the user that owns the journal."""

    reference: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    user: int
    group: int
    fs_group: int

    def runs(self) -> Json:
        """The image in a container."""
        return {"image": self.reference, "imagePullPolicy": self.pull_policy}

    def security_context(self) -> Json:
        """Of a pod that runs as the release's user."""
        return {"runAsUser": self.user, "runAsGroup": self.group, "fsGroup": self.fs_group}


def image_of(values: Mapping[str, Any]) -> Image:
    """The image and user of the chart's values."""
    return Image(
        reference=f"{values.get('image', 'alluxio/alluxio')}:{values.get('imageTag', '')}",
        pull_policy=str(values.get("imagePullPolicy") or "IfNotPresent"),
        pull_secrets=tuple(_names(values.get("imagePullSecrets"))),
        user=int(values.get("user", 1000)),
        group=int(values.get("group", 1000)),
        fs_group=int(values.get("fsGroup", 1000)),
    )


def labels(release: str, task: str) -> dict[str, str]:
    """By which the pods of a verb's task are found, an earlier run's too."""
    return {
        "app.kubernetes.io/managed-by": "alluxops",
        "alluxops/release": release,
        "alluxops/task": task,
    }


def selector(release: str, task: str) -> str:
    """For lists of them."""
    return f"alluxops/release={release},alluxops/task={task}"


def spec(pull_secrets: Iterable[str], *, grace_s: int, **fields: Any) -> Json:
    """A pod that runs once and does not talk to Kubernetes. grace_s: how long it may take to end; fields: the rest."""
    found = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_s,
        **fields,
    }
    if names := list(pull_secrets):
        found["imagePullSecrets"] = [{"name": name} for name in names]
    return found


def job(
    metadata: Mapping[str, Any],
    pod: Json,
    *,
    lifetime_s: int,
    remembered_s: int = REMEMBERED_S,
    **fields: Any,
) -> Json:
    """The Job that makes a pod like this once. metadata: with the labels, which are its pods' too; fields: the rest."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": dict(metadata),
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": lifetime_s,
            "ttlSecondsAfterFinished": remembered_s,
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
            **fields,
        },
    }


def on_nodes(names: Iterable[str]) -> Json:
    """The affinity to nodes of these names: through the scheduler, which says why where that cannot be."""
    # A term has one name, and terms are alternatives.
    terms = [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
        for name in names
    ]
    required = {"nodeSelectorTerms": terms}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _names(secrets: object) -> list[str]:
    """Names of imagePullSecrets, written as strings or as {name: ...}."""
    items = secrets if isinstance(secrets, list) else []
    return [str(item["name"]) if isinstance(item, dict) else str(item) for item in items]
