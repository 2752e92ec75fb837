"""The notes on the claims of journals: since when one of ours lies in each one's volume."""

from __future__ import annotations

from datetime import UTC, datetime

from ansible_collections.alluxops.cache.plugins.module_utils import volumes
from ansible_collections.alluxops.cache.plugins.module_utils.journal import TIME
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


class JournalNotes:
    """The notes as they were when this was made, on the claims of a namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self._collection = objects.core(namespace, "persistentvolumeclaims")
        self._since = {
            str(claim["metadata"]["name"]): volumes.holds_journal_since(claim)
            for claim in kube.list_objects(self._collection)
        }

    def since(self, claim: str) -> str:
        """Since when a journal lies there; empty where nothing is said, or there is no such claim."""
        return self._since.get(claim, "")

    def lacks(self, claim: str) -> bool:
        """Whether there is such a claim, and it says nothing."""
        return self._since.get(claim) == ""

    def put(self, claim: str) -> bool:
        """Say that one lies there now, unless that was said. Returns whether it was not."""
        lacks = self.lacks(claim)
        if lacks:
            self._write(claim, datetime.now(UTC).strftime(TIME))
        return lacks

    def forget(self, claim: str) -> None:
        """Say nothing any more: what lies there goes on purpose, or is an old copy."""
        if self.since(claim):
            self._write(claim, "")

    def _write(self, claim: str, since: str) -> None:
        note = {volumes.HOLDS_JOURNAL: since or None}
        self.kube.merge(f"{self._collection}/{claim}", {"metadata": {"annotations": note}})
        self._since[claim] = since
