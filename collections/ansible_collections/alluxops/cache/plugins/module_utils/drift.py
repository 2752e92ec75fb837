"""Whether the cluster still has what Helm's record of a release says it has. Pure functions over names.

What someone has changed in an object is not looked at: much of that is theirs to change, as an autoscaler does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_PLACES: Final[Mapping[str, str]] = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
}
"""Where the API keeps what a cache's charts are made of."""


def collections(namespace: str, keys: Sequence[str]) -> dict[str, str]:
    """By kind, the API's path of the collections that hold these objects, each "Kind name"."""
    kinds = {key.split(" ")[0] for key in keys}
    return {kind: path.format(namespace) for kind, path in _PLACES.items() if kind in kinds}


def gone(keys: Sequence[str], names: Mapping[str, set[str]]) -> list[str]:
    """Which of these objects are not there. names: by kind, those that are; nothing is said of other kinds."""
    parts = ((key, *key.partition(" ")) for key in keys)
    return [key for key, kind, _, name in parts if kind in names and name not in names[kind]]
