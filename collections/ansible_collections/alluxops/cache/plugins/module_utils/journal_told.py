"""How the journals of a release, and the backup of what was in them, read to a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.backup import summary
from ansible_collections.alluxops.cache.plugins.module_utils.journal import Journal


def where(backup: Mapping[str, Any] | None) -> str:
    """Where a person finds a backup; one that was fetched is no longer where the master wrote it."""
    made = backup or {}
    return str(made.get("file") or made.get("uri") or "")


def backed_up(backup: Mapping[str, Any] | None, earlier: str) -> list[str]:
    """The note of what was in journals that were formatted. earlier: the backup that an interrupted run had made."""
    made = summary({**backup, "where": where(backup)}) if backup else earlier
    return [f"backup {made}, of what the journals held before they were formatted"] if made else []


def would_go(place: str, count: int) -> list[str]:
    """The note in check mode. place: where the backup would be made; count: the journals that are in use."""
    which = "the journal that is in use" if count == 1 else f"the {count} journals that are in use"
    return [f"backup would be made in {place}, then {which} would be formatted"]


def shown(journals: Sequence[Journal]) -> dict[str, str]:
    """For a diff, what lies in each volume."""
    return {f"master {item.ordinal} ({item.claim})": _sentence(item) for item in journals}


def _sentence(item: Journal) -> str:
    if item.marker is None:
        return item.state
    if item.marker.left_at:
        return f"{item.state}, an old copy since {item.marker.left_at}"
    if item.marker.adopted_at:
        return f"{item.state}, ours since {item.marker.adopted_at}"
    if item.marker.formatted_at:
        return f"{item.state}, by alluxops at {item.marker.formatted_at}"
    return item.state
