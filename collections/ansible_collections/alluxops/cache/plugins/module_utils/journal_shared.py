"""The journal that all masters share, with ZooKeeper: what each host of cache_masters sees must be the same one.

A spare host among them takes a master over. Where its file system is not mounted, or another copy of it is, that master
would lead without what was written since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import read_marker

_CAUSE = (
    "with ZooKeeper all masters use one journal, on any host of cache_masters. Where its file system is not mounted, or"
    " another copy of it is, a master would lead without what was written since."
)


def looks(
    results: Mapping[str, Mapping[str, Any]], masters: Mapping[str, str]
) -> dict[str, Mapping[str, Any]]:
    """What node_check saw of the shared journal, by host; without hosts that could not look.

    results: of node_check, by host. masters: the hosts of cache_masters, with their nodes.
    """
    found = {host: results.get(host, {}).get("shared_journal") or {} for host in masters}
    return {host: look for host, look in found.items() if look}


def look_at(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claim: Mapping[str, Any],
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What was seen of the journal, and its claim on the host where it was: one that has it, if any does."""
    found = looks(results, masters)
    host = next((host for host, look in found.items() if look.get("marker")), next(iter(found), ""))
    return (found[host], {**claim, "node": masters[host]}) if host else ({}, claim)


def apart(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
) -> list[SettingsError]:
    """Hosts that do not have the journal which others have. results, masters: as in looks(); claims: of chart_values.

    Two copies may well have the same marker: that they are one file system only writing proves.
    """
    shared = [claim for claim in claims if claim["kind"] == "journal" and claim.get("shared")]
    having: dict[str, list[str]] = {}
    for host, look in looks(results, masters).items():
        having.setdefault(str(look.get("marker") or ""), []).append(host)
    if not shared or len(having) < 2:
        return []
    path = shared[0].get("path")
    shown: list[str] = []
    for marker, hosts in having.items():
        what = _shown(marker)
        again = any(told.endswith(what) for told in shown)
        shown.append(f"{', '.join(hosts)}: {'another state of ' if again else ''}{what}")
    return [
        SettingsError(
            f"the hosts of cache_masters do not have one journal in {path}. {'; '.join(shown)}.",
            _CAUSE,
            f"mount the same file system on all of them (`findmnt -T {path}` tells what is there), and run again.",
        )
    ]


def _shown(encoded: str) -> str:
    if not encoded:
        return "none"
    marker = read_marker(encoded)
    return "one with a broken marker" if marker is None else f"one made at {marker.made}"


def refuse_unread(found: Mapping[str, str], nonce: str, *, path: str, writer: str) -> None:
    """Refuse hosts and masters for which a nonce is not there. Raises SettingsError.

    found: what each read. path: of the journal, on hosts. writer: the master, or the host, that wrote it.
    """
    without = [who for who, read in found.items() if read != nonce]
    if not without:
        return
    raise SettingsError(
        f"what {writer} writes to the journal that all masters share ({path}) is not there on {', '.join(without)}.",
        _CAUSE,
        f"mount the same file system on all hosts of cache_masters (`findmnt -T {path}` tells what is there), and run"
        " again. A pod keeps what was mounted when it started: where that was mounted anew since, stop the masters, see"
        " that what they wrote last is in it, start them, and run again.",
    )
