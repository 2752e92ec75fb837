"""Whether a release starts from a backup, and whether that restore has ended, by its configuration and markers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, journal, restore
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile


@dataclass(frozen=True)
class Found:
    """pending: the backup that the masters are told to start from, or "". markers: of the masters that are ready."""

    pending: str
    markers: tuple[journal.Marker, ...] = ()

    @property
    def goes_on(self) -> str:
        """The backup that is being restored, where the journals' markers say that this has not ended.

        Masters that someone has started before the configuration named it serve what there is of it, or nothing. A
        minority of such journals is brought up to date by the others.
        """
        begun = [marker.restoring for marker in self.markers if marker.restoring]
        if self.pending:
            return self.pending if begun else ""
        return begun[0] if len(begun) > len(self.markers) // 2 else ""

    @property
    def has_ended(self) -> bool:
        """Whether the markers say that the pending backup was restored, so that only the configuration is left."""
        has_served = any(marker.served for marker in self.markers)
        return bool(self.pending) and has_served and not self.goes_on


def noted(kube: Kube, namespace: str, release: str) -> str:
    """The backup that was restored whole by a run that has yet to end, by its note; "" for none."""
    found = objects.masters_set(kube, namespace, release) or {}
    notes = (found.get("metadata") or {}).get("annotations") or {}
    return str(notes.get(restore.NOTE, ""))


def note(kube: Kube, namespace: str, release: str, uri: str | None) -> None:
    """Note that this backup was restored whole; None takes the note away. Without masters there is none."""
    if (uri or "") == noted(kube, namespace, release):
        return
    kube.merge(
        objects.apps(namespace, "statefulsets", f"{release}-master"),
        {"metadata": {"annotations": {restore.NOTE: uri}}},
    )


def read(kube: Kube, namespace: str, release: str, pods: Iterable[Mapping[str, Any]]) -> Found:
    """Look. pods: the release's, as pod_facts has them."""
    config = kube.get(objects.core(namespace, "configmaps", f"{release}-config"))
    data = (config or {}).get("data") or {}
    markers = []
    for pod in pods:
        if pod["role"] == cluster.MASTER_ROLE and cluster.is_ready(pod):
            with suppress(CacheError):  # one that ends meanwhile tells nothing
                marker = MarkerFile(kube, namespace, pod["name"], restore.folder(data)).read()
                markers += [marker] if marker else []
    return Found(restore.pending(data), tuple(markers))
