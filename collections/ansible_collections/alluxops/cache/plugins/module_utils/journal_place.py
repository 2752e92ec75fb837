"""The kind of place that a release has its journal in: on its masters' hosts, shared by all, or in volumes of a class.

With the settings of another kind, masters begin where their journal is not: with nothing, or on what they left on the
hosts when they moved. So what they left there is marked, and tells where the journal is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_left import moved


def elsewhere(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    *,
    folder: str,
    noted: Mapping[str, str],
) -> list[SettingsError]:
    """Journals that masters served from on the hosts, where those that are to start look in no directory of a host.

    Of a release that is away. results, masters, claims: as in node_report.left_out(). folder: where node_check looked.
    noted: the notes, by claim; one there tells that the release's journal lies in the new place already.
    """
    journals = of_journals(claims)
    if any(claim.get("node") or claim["name"] in noted for claim in journals):
        return []
    held = _own(served_from(results, masters), wanted)
    if not held:
        return []
    shown = ", ".join(f"master {marker.ordinal} on {host}" for host, marker in held.items())
    return [
        SettingsError(
            f"journals that masters have served from lie on the hosts ({folder}): {shown}; those that are to start"
            f" have theirs in {_place_of(journals)}.",
            "alluxio_ha or the values of the journal have changed while the release was away: the cache would start"
            " without anything that it knew.",
            "set them back and deploy, then `alluxops backup`, `alluxops uninstall`, and `alluxops restore` in the new"
            " place; or restore a backup there now. If what lies on the hosts is given up, or the new place has what"
            f" came after it, give {folder} another name on {', '.join(held)}: where it is, it would be used again once"
            " the settings are set back.",
        )
    ]


def superseded(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    *,
    folder: str,
    noted: Mapping[str, str],
) -> list[SettingsError]:
    """Masters that are to start in another place than the release had its journal in last, says what it left behind.

    Of a release that is away. Arguments as in elsewhere(). The marks do not count once a journal on a host is newer.
    """
    journals = of_journals(claims)
    is_on_hosts = any(claim.get("node") for claim in journals)
    if not is_on_hosts and any(claim["name"] in noted for claim in journals):
        return []
    here = folder if is_on_hosts else _place_of(journals)
    found = _own(_markers(results, masters), wanted)
    newest = max((marker.made for marker in found.values() if not marker.left_at), default="")
    marks = {
        host: marker
        for host, marker in found.items()
        if marker.left_for not in {"", here} and str(marker.left_at) > newest
    }
    if not marks:
        return []
    paths = f"{folder}/{journal.MARKER} on {', '.join(marks)}"
    last = max(marks.values(), key=lambda marker: str(marker.left_at))
    return [moved(last, here, paths, wanted.release)]


def left_behind(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    now: datetime,
) -> dict[str, journal.Marker]:
    """What markers on the hosts are to say once the release serves from journals that lie on none, by host.

    results, masters, claims: as in node_report.left_out().
    """
    journals = of_journals(claims)
    if any(claim.get("node") for claim in journals):
        return {}
    place = _place_of(journals)
    return {
        host: replace(marker, left_at=now.strftime(journal.TIME), left_by="", left_for=place)
        for host, marker in _own(_markers(results, masters), wanted).items()
        if marker.left_for != place and (marker.left_for or not marker.left_at)
    }


def of_journals(claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of a release's claims those of journals."""
    return [claim for claim in claims if claim["kind"] == "journal"]


def _place_of(journals: Sequence[Mapping[str, Any]]) -> str:
    """Where journals lie that are tied to no host, for a sentence. Markers keep it, and are compared with it."""
    if not journals:
        return "no volume (journal.ufsType, journal.volumeType)"
    if journals[0].get("shared"):
        return f"{journals[0].get('path')}, which all share (alluxio_ha: zookeeper)"
    name = journals[0].get("storage_class") or "that is the cluster's default"
    return f"volumes of the storage class {name} (journal.storageClass)"


def served_from(
    results: Mapping[str, Mapping[str, Any]], masters: Mapping[str, str]
) -> dict[str, journal.Marker]:
    """The markers of journals that a master has served from, by host; not those of old copies."""
    found = _markers(results, masters)
    return {host: marker for host, marker in found.items() if not marker.left_at}


def _markers(
    results: Mapping[str, Mapping[str, Any]], masters: Mapping[str, str]
) -> dict[str, journal.Marker]:
    """The same, those of old copies too."""
    found = {
        host: journal.read_marker(str(results.get(host, {}).get("marker") or ""))
        for host in masters
    }
    return {host: marker for host, marker in found.items() if marker is not None and marker.served}


def _own(
    markers: Mapping[str, journal.Marker], wanted: journal.Wanted
) -> dict[str, journal.Marker]:
    """Those that the release's masters, whichever, had on their hosts."""
    own = replace(wanted, shared=False)  # each of the directories was one master's
    return {host: marker for host, marker in markers.items() if own.owns(marker, marker.ordinal)}
