"""The claims of a release that volumes are made for: which, how large, on which node, at which path. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings

PVC = "persistentVolumeClaim"
STORAGE_CLASS = "alluxops-local"
"""A class that no provisioner serves, so that nothing but our volumes binds the claims."""


def is_tied(settings: Settings, journal: Mapping[str, Any]) -> bool:
    """Whether each master has a volume that ties it to its node."""
    return in_volumes(journal) and not settings.shared_journal


def in_volumes(journal: Mapping[str, Any]) -> bool:
    """Whether the journals lie in volumes, one a claim."""
    of_masters = journal.get("type") == "EMBEDDED" or journal.get("ufsType", "local") == "local"
    return bool(of_masters and journal.get("volumeType", PVC) == PVC)


def claims(settings: Settings, effective: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The claims that need a volume of ours: one per journal, the domain socket's where it is a claim, ZooKeeper's."""
    found = []
    journal = effective.get("journal") or {}
    if in_volumes(journal):
        found = [
            _claim(
                f"alluxio-journal-{settings.release}-master-{ordinal}", "journal", settings, journal
            )
            | {"ordinal": ordinal, "precreate": True}
            | _journal_place(settings, ordinal)
            for ordinal in range(min(settings.masters, len(settings.cache_masters)))
        ]
    sockets = effective.get("shortCircuit") or {}
    wanted = sockets.get("enabled", True) and sockets.get("policy", "uuid") == "uuid"
    if wanted and sockets.get("volumeType") == PVC:
        name = str(sockets.get("pvcName") or f"{settings.release}-worker-domain-socket")
        found.append(_claim(name, "domain", settings, sockets))
    return found + zookeeper.claims(settings, STORAGE_CLASS)


def _journal_place(settings: Settings, ordinal: int) -> dict[str, Any]:
    """Where a master's journal lies: on its own node, or in the one directory that all masters share.

    seen_from: a host to look at the shared directory from, another for each claim: what one writes the others must see.
    """
    host = settings.cache_masters[ordinal].name
    if settings.shared_journal:
        return {"node": None, "path": settings.shared_journal, "shared": True, "seen_from": host}
    return {"node": host}


def _claim(name: str, kind: str, settings: Settings, section: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "ordinal": None,
        "node": None,
        "path": f"{settings.storage_path}/{kind}",
        "size": str(section.get("size", "1Gi")),
        "access_modes": list(section.get("accessModes") or ["ReadWriteOnce"]),
        "storage_class": str(section.get("storageClass") or ""),
        "precreate": False,
        "shared": False,
    }
