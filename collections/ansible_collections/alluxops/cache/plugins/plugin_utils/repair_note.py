"""What users have set for files that a repair is at work on, noted in the cluster: a run that dies loses no pin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import repair_plan, residue
from ansible_collections.alluxops.cache.plugins.module_utils.repair_plan import Kept
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube

KEY: Final = "settings"


class RepairNote:
    """The ConfigMap RELEASE-repair. Whoever writes it holds the lease."""

    def __init__(self, kube: Kube, namespace: str, release: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._release = release
        self._path = objects.core(namespace, "configmaps", f"{release}-repair")

    def read(self) -> dict[str, Kept]:
        """What is owed, by path."""
        found = self._kube.get(self._path) or {}
        return repair_plan.unpacked(str((found.get("data") or {}).get(KEY, "")))

    def write(self, owed: Mapping[str, Kept]) -> set[str]:
        """Note this and nothing else; without any, remove the note. Returns the paths that fit into it."""
        text = repair_plan.packed(owed.values())
        if not owed:
            self._kube.delete(self._path, propagation="Background")
            return set()
        body: Json = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"{self._release}-repair",
                "namespace": self._namespace,
                "labels": {residue.OURS[0]: residue.OURS[1], "release": self._release},
            },
            "data": {KEY: text},
        }
        if self._kube.get(self._path) is None:
            self._kube.create(objects.core(self._namespace, "configmaps"), body)
        else:
            self._kube.replace(self._path, body)
        return set(repair_plan.unpacked(text))
