"""The masters of a release, stopped while their journals are formatted and started again.

Annotations on their StatefulSet keep how many there were and what was backed up, should the run die in between. They
say nothing once someone else has started the masters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, noted_backup, restore
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import conversion_pod
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

_NOTES: Final[dict[str, str | None]] = dict.fromkeys(
    (noted_backup.MASTERS_BEFORE, noted_backup.FORMAT_NOTE, noted_backup.STOPPED_AS)
)


class StoppedMasters:
    """One release's StatefulSet of masters, as it was at the start."""

    def __init__(self, kube: Kube, namespace: str, release: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release
        self._found = objects.masters_set(kube, namespace, release)
        self._annotations: dict[str, Any] = (self._found or {}).get("metadata", {}).get(
            "annotations"
        ) or {}
        self._stopped: int | None = None

    @property
    def exist(self) -> bool:
        """Whether there was a StatefulSet at the start."""
        return self._found is not None

    @property
    def is_as_found(self) -> bool:
        """Whether this run has not stopped them."""
        return self._stopped is None

    @property
    def stopped_by_us(self) -> int:
        """How many masters this run, or an interrupted one, has stopped; 0 for none."""
        is_stopped = self._stopped is not None or not self._replicas
        return int(self._annotations.get(noted_backup.MASTERS_BEFORE, 0)) if is_stopped else 0

    @property
    def backup_uri(self) -> str:
        """The backup that an interrupted run took before it stopped them, if none can have served since."""
        if self._found is None:
            return ""
        return noted_backup.backup_before_format(self._found, datetime.now(UTC))

    def forget_stale_notes(self) -> bool:
        """Take the notes of an interrupted run away where someone has started the masters since."""
        is_stale = bool(self._replicas) and bool(_NOTES.keys() & self._annotations.keys())
        if is_stale:
            self._merge(dict(_NOTES))
        return is_stale

    @property
    def _replicas(self) -> int:
        """How many there were to be at the start."""
        return int(self._found["spec"]["replicas"]) if self._found is not None else 0

    def stop(self, patience: Patience, *, backup_uri: str = "", come_back: bool = True) -> None:
        """Stop the masters and wait until they are gone. come_back: start() shall know how many there were."""
        if self._found is None:
            return
        conversion_pod.remove(self.kube, self.namespace, self.release, patience)
        before = self.stopped_by_us or self._replicas
        self._stopped = before
        # The server counts each change of the spec; one that someone makes meanwhile leaves a number that is never met.
        generation = int(self._found["metadata"].get("generation", 0)) + bool(self._replicas)
        notes = {
            noted_backup.MASTERS_BEFORE: str(before) if come_back and before else None,
            noted_backup.FORMAT_NOTE: backup_uri or None,
            noted_backup.STOPPED_AS: str(generation) if backup_uri else None,
            restore.NOTE: None,  # of the journals that go
        }
        self._merge(notes, replicas=0)
        name = self._found["metadata"]["name"]
        while any(
            (pod["metadata"].get("labels") or {}).get("role") == cluster.MASTER_ROLE
            for pod in objects.raw_pods(self.kube, self.namespace, self.release)
        ):
            if patience.is_over:
                raise CacheError(
                    f"the masters of {self.namespace}/{name} do not stop.",
                    fix=f"see `kubectl -n {self.namespace} get pods -l role={cluster.MASTER_ROLE}`, and run again.",
                )
            patience.pause("the masters to stop", 0.5)

    def start(self) -> None:
        """Start as many as were stopped."""
        before = self.stopped_by_us or self._stopped
        self._merge(dict(_NOTES), replicas=before)

    def let_go(self, masters: int) -> bool:
        """Leave them to Helm, which was to start them on new journals; start them where it saw nothing to change.

        An interrupted run may have stopped masters that it had given the same settings. Returns whether that was so.
        """
        is_stopped = self._found is not None and not self._replicas
        if is_stopped:
            self._merge(dict(_NOTES), replicas=masters)
        else:
            self.forget_stale_notes()
        return is_stopped

    def _merge(self, notes: dict[str, str | None], *, replicas: int | None = None) -> None:
        spec = {} if replicas is None else {"spec": {"replicas": replicas}}
        self.kube.merge(
            objects.apps(self.namespace, "statefulsets", f"{self.release}-master"),
            {"metadata": {"annotations": notes}, **spec},
        )
        self._annotations = {**self._annotations, **notes}
        self._annotations = {
            key: value for key, value in self._annotations.items() if value is not None
        }
