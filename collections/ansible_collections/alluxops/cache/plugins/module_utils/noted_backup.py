"""Whether the backup that a dead run has noted on the masters' StatefulSet holds all that the cache knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import MASTER_ROLE

BACKUP_NOTE: Final = "alluxops/backup-before-upgrade"
"""Annotation of the masters' StatefulSet: where the backup lies that a run has made which did not end yet."""
NOTE_COUNTS_FOR: Final = timedelta(days=1)
QUIET_NOTE: Final = "alluxops/backup-not-served-since"
"""Annotation beside it: when a run last saw that no master can have served since that backup."""
QUIET_AFTER: Final = timedelta(minutes=10)
"""How long a run takes to stop the masters that served when it made the backup.

What came in these minutes is in the journals alone. So such a backup is a way back for a run that keeps the journals,
and never one that lets a run replace them.
"""
MASTERS_BEFORE: Final = "alluxops/masters-before-format"
"""How many masters a run has stopped that formats journals."""
FORMAT_NOTE: Final = "alluxops/backup-before-format"
"""Where the backup lies that such a run has made before."""
STOPPED_AS: Final = "alluxops/stopped-as-generation"
"""The StatefulSet's generation since such a run has stopped them. Whoever starts them makes another."""
FORGOTTEN: Final = dict.fromkeys((BACKUP_NOTE, QUIET_NOTE, MASTERS_BEFORE, FORMAT_NOTE, STOPPED_AS))
"""What takes all of these notes away."""


def quiet_since(pods: Iterable[Mapping[str, Any]], masters: int) -> datetime | None:
    """Since when no master can have served, by the release's pods as the API has them; None where that is not known.

    What ran before a pod was made leaves no trace, so it may have served until then; the pod itself until it ceased to
    be ready.
    """
    times = []
    for pod in pods:
        if (pod["metadata"].get("labels") or {}).get("role") != MASTER_ROLE:
            continue
        times.append([datetime.fromisoformat(pod["metadata"]["creationTimestamp"])])
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition["type"] == "Ready" and condition["status"] == "True":
                return None
            if condition["type"] == "Ready" and condition.get("lastTransitionTime"):
                times[-1].append(datetime.fromisoformat(condition["lastTransitionTime"]))
    if not times or len(times) < masters:
        return None
    return max(max(of_pod) for of_pod in times)


def noted_backup(annotations: Mapping[str, str], now: datetime, quiet: datetime | None) -> str:
    """Where the backup lies that a run has made which did not end; empty for none, or one that does not count.

    quiet: since when no master can have served. What came after the backup is in no backup.
    """
    where = annotations.get(BACKUP_NOTE, "")
    name = PurePosixPath(where).name
    if not backup.is_name(name) or quiet is None:
        return ""
    made = datetime.fromisoformat(backup.taken_at(name))
    vouched = max(made, datetime.fromisoformat(annotations.get(QUIET_NOTE) or made.isoformat()))
    return where if now - made < NOTE_COUNTS_FOR and quiet - vouched <= QUIET_AFTER else ""


def is_stopped_since(masters_set: Mapping[str, Any]) -> bool:
    """Whether no master has run since a run stopped them to format journals, and noted that."""
    metadata = masters_set["metadata"]
    noted = (metadata.get("annotations") or {}).get(STOPPED_AS, "")
    return not masters_set["spec"]["replicas"] and noted == str(metadata.get("generation", 0))


def backup_before_format(masters_set: Mapping[str, Any], now: datetime) -> str:
    """Where the backup lies that a run has made which was to format journals; empty for none that counts."""
    where = str((masters_set["metadata"].get("annotations") or {}).get(FORMAT_NOTE, ""))
    name = PurePosixPath(where).name
    if not backup.is_name(name) or not is_stopped_since(masters_set):
        return ""
    return where if now - datetime.fromisoformat(backup.taken_at(name)) < NOTE_COUNTS_FOR else ""
