"""The claims of a release that volumes are made for: which, how large, on which node, at which path. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import claim_name
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import provisions

PVC = "persistentVolumeClaim"


def is_tied(settings: Settings, journal: Mapping[str, Any]) -> bool:
    """Whether each master has a volume that ties it to its node."""
    made_here = not provisions(journal.get("storageClass"))
    return in_volumes(journal) and made_here and not settings.shared_journal


def in_volumes(journal: Mapping[str, Any]) -> bool:
    """Whether the journals lie in volumes, one a claim."""
    of_masters = journal.get("type") == "EMBEDDED" or journal.get("ufsType", "local") == "local"
    return bool(of_masters and journal.get("volumeType", PVC) == PVC)


def in_no_volume(
    found: Sequence[Mapping[str, Any]], effective: Mapping[str, Any], *, policy: str, restores: bool
) -> list[SettingsError]:
    """What is asked of journals that have no claim: nothing of ours looks into them, or makes them new.

    found: claims(). policy: alluxio_journal_format. restores: a backup is to be restored into them.
    """
    if any(claim["kind"] == "journal" for claim in found) or not (restores or policy == "force"):
        return []
    journal = effective.get("journal") or {}
    where = (
        f"journal.volumeType is {journal.get('volumeType')}"
        if journal.get("type") == "EMBEDDED" or journal.get("ufsType", "local") == "local"
        else f"journal.ufsType is {journal.get('ufsType')}, journal.folder {journal.get('folder')}"
    )
    asked = "a backup is to be restored" if restores else "alluxio_journal_format is force"
    by_hand = (
        "stop the masters, empty the journal's folder with the means of its store, run `alluxio formatJournal` with the"
        " release's properties, and start them"
    )
    fix = f"set alluxio_journal_format: if_empty; to begin with nothing, {by_hand}."
    if restores:
        fix = (
            f"{by_hand} with alluxio.master.journal.init.from.backup set, for that once; or restore into a release"
            " whose journal lies in a volume (remove journal.ufsType or journal.volumeType from the values)."
        )
    return [
        SettingsError(
            f"{asked}, and the masters' journal lies in no volume ({where}).",
            "nothing here looks into such a journal or formats it: the masters would start on what lies there.",
            fix,
        )
    ]


def claims(settings: Settings, effective: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The claims of the journals, and those of domain socket and ZooKeeper that need a volume of ours.

    A journal's claim is made here, whoever makes its volume, so that it can be looked into before a master starts.
    """
    found = []
    journal = effective.get("journal") or {}
    if in_volumes(journal):
        found = [
            _claim(claim_name(settings.release, ordinal), "journal", settings, journal)
            | {"ordinal": ordinal, "precreate": True}
            | _journal_place(settings, ordinal, provisioned=provisions(journal.get("storageClass")))
            for ordinal in range(min(settings.masters, len(settings.cache_masters)))
        ]
    sockets = effective.get("shortCircuit") or {}
    wanted = sockets.get("enabled", True) and sockets.get("policy", "uuid") == "uuid"
    made_here = not provisions(sockets.get("storageClass"))
    if wanted and sockets.get("volumeType") == PVC and made_here:
        name = str(sockets.get("pvcName") or f"{settings.release}-worker-domain-socket")
        found.append(_claim(name, "domain", settings, sockets))
    return found + zookeeper.claims(settings)


def _journal_place(settings: Settings, ordinal: int, *, provisioned: bool) -> dict[str, Any]:
    """Where a master's journal lies: on its own node, where a provisioner puts it, or in a directory that all share.

    seen_from: a host to look at it from, another for each claim. What one writes to a shared directory the others must
    see; and a volume that is made with its first pod is made for that pod's node.
    """
    host = settings.cache_masters[ordinal].name
    if settings.shared_journal:
        return {"node": None, "path": settings.shared_journal, "shared": True, "seen_from": host}
    if provisioned:
        return {"node": None, "provisioned": True, "seen_from": host}
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
        "provisioned": False,
        "shared": False,
    }
