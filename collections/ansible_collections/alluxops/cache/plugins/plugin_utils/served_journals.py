"""Whether masters that serve do so from the journals that their claims speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, health, journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_lost import (
    refuse_another,
    refuse_lost,
    refuse_other_type,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile


def wanted_of(
    configuration: Mapping[str, Any], namespace: str, release: str, *, cluster_uid: str
) -> journal.Wanted:
    """Whose journals they are to be, and how they are used, from what the leader tells of its configuration."""
    kind = str(configuration.get("alluxio.master.journal.type") or "").upper()
    shared = str(configuration.get("alluxio.zookeeper.enabled") or "").lower() == "true"
    return journal.Wanted(
        namespace,
        release,
        "EMBEDDED" if kind == "EMBEDDED" else "UFS",
        shared=shared,
        cluster=cluster_uid,
    )


def claim_of(wanted: journal.Wanted, pod: str) -> str:
    """The claim of the journal that a master has."""
    return journal.claim_name(wanted.release, wanted.ordinal_of(cluster.ordinal_of(pod)))


def of_master(
    wanted: journal.Wanted, pod: str, marker: journal.Marker | None, notes: JournalNotes
) -> journal.Journal:
    """The journal that a master which is ready serves from. marker: what lies there."""
    number, claim = cluster.ordinal_of(pod), claim_of(wanted, pod)
    state: journal.State = "adopted"
    if marker is not None:
        state = "formatted" if wanted.owns(marker, number) else "other"
    return journal.Journal(
        wanted.ordinal_of(number),
        claim,
        state,
        marker,
        types=(wanted.journal_type,),
        detail="" if marker is None else wanted.whose(marker),
        noted=notes.of(claim),
    )


def doubt(kube: Kube, wanted: journal.Wanted, seen: health.Seen, folder: str) -> str:
    """Why what is served may be another journal than the release's; empty where nothing says so.

    seen: with a leader. folder: where a master has its journal. A journal whose claim says nothing is believed, as
    nobody can tell what should lie there.
    """
    masters = [pod for pod in seen.of_role(cluster.MASTER_ROLE) if cluster.is_ready(pod)]
    if wanted.shared and seen.leader is not None:
        masters = [pod for pod in masters if pod["name"] == seen.leader.pod]
    count = int((seen.masters_set or {}).get("replicas") or len(masters))
    try:
        found = _read(kube, wanted, masters, folder)
        for item in found:
            if item.state == "other":
                return f"{item.name} has a marker that names {item.detail}."
        for refuse in (refuse_another, refuse_lost):
            refuse(found, wanted, leads=True, masters=1 if wanted.shared else count)
        refuse_other_type(found, wanted)
    except CacheError as error:
        return " ".join(filter(None, (error.what, error.cause, error.fix and f"Fix: {error.fix}")))
    return ""


def _read(
    kube: Kube, wanted: journal.Wanted, masters: Sequence[Mapping[str, Any]], folder: str
) -> list[journal.Journal]:
    """The journals of these masters whose claims say that one lies there."""
    notes = JournalNotes(kube, wanted.namespace)
    found = []
    for pod in masters:
        name = str(pod["name"])
        if notes.of(claim_of(wanted, name)):
            marker = MarkerFile(kube, wanted.namespace, name, folder).read_whole()
            found.append(of_master(wanted, name, marker, notes))
    return found
