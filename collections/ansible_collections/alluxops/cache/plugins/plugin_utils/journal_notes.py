"""The notes on the claims of journals: since when one of ours lies in each one's volume, and which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ansible_collections.alluxops.cache.plugins.module_utils.journal import TIME, Marker
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import (
    HOLDS_JOURNAL,
    NO_NOTE,
    Note,
    note_of,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


class JournalNotes:
    """The notes as they were when this was made, on the claims of a namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self._collection = objects.core(namespace, "persistentvolumeclaims")
        self._notes = {
            str(claim["metadata"]["name"]): note_of(claim)
            for claim in kube.list_objects(self._collection)
        }

    def of(self, claim: str) -> Note:
        """What a claim says; nothing where there is no such claim."""
        return self._notes.get(claim, NO_NOTE)

    def lacks(self, claim: str, marker: Marker | None) -> bool:
        """Whether there is such a claim, and it does not say that this very journal lies there."""
        if claim not in self._notes:
            return False
        known, made = self.of(claim), marker.made if marker is not None else ""
        return not known or bool(made and known.made != made)

    def put(self, claim: str, marker: Marker | None) -> bool:
        """Say that this one lies there now, unless that was said. Returns whether it was not.

        Who calls it has seen to it that it is the right one, or has just made it.
        """
        lacks = self.lacks(claim, marker)
        if lacks:
            made = marker.made if marker is not None else ""
            since = "" if self.of(claim).is_of_another(made) else self.of(claim).since
            self._write(claim, Note(since or datetime.now(UTC).strftime(TIME), made))
        return lacks

    def loosen(self, claim: str) -> None:
        """Say no more which one lies there: it is about to be marked anew, and this run may die between the two."""
        known = self.of(claim)
        if known.made:
            self._write(claim, replace(known, made=""))

    def forget(self, claim: str) -> None:
        """Say nothing any more: what lies there goes on purpose, or is an old copy."""
        if self.of(claim):
            self._write(claim, NO_NOTE)

    def _write(self, claim: str, note: Note) -> None:
        annotations = {HOLDS_JOURNAL: note.text() or None}
        self.kube.merge(f"{self._collection}/{claim}", {"metadata": {"annotations": annotations}})
        self._notes[claim] = note
