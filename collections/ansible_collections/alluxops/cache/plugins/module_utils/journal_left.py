"""Journals of masters that left the quorum. They lie where they were, as old copies, and nothing may start from them.

A majority of old copies would elect a leader that does not know what was written since. So each is marked as soon as
its master is stopped, and what carries that mark is not used. So are those on the hosts once a release has its journal
in another kind of place, such as a volume that all masters share: set back to the hosts, it would start from them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Journal,
    Marker,
    claim_name,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quorum import names
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import HOSTNAME


@dataclass(frozen=True)
class OldCopy:
    """The journal volume of a master that left. claim: as the journal Jobs want it.

    away: the node that it lies on, where that is not Ready: nobody can look into it now.
    """

    claim: Mapping[str, Any]
    away: str = ""

    @property
    def ordinal(self) -> int:
        """Number of the master."""
        return int(self.claim["ordinal"])


def old_copies(
    release: str,
    claims: Sequence[Mapping[str, Any]],
    volumes: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]],
    serving: Collection[int],
) -> list[OldCopy]:
    """The journal volumes of a release whose masters do not belong to it any more, by number.

    claims, volumes, nodes: facts of those of the namespace and the cluster. serving: the masters that belong to it.
    """
    by_name = {str(volume["name"]): volume for volume in volumes}
    is_ready = {_hostname(node): bool(node["ready"]) for node in nodes}
    pattern = re.compile(re.escape(claim_name(release, 0)).removesuffix("0") + r"(\d+)")
    found = []
    for claim in claims:
        named = pattern.fullmatch(str(claim["name"]))
        if named is None or int(named[1]) in serving or claim["phase"] != "Bound":
            continue
        volume = by_name.get(str(claim["volume"]), {})
        node = str(volume.get("node") or "")
        what = {
            "name": claim["name"],
            "ordinal": int(named[1]),
            "node": node or None,
            "path": volume.get("path"),
            "storage_class": claim["storage_class"],
        }
        found.append(OldCopy(what, "" if not node or is_ready.get(node) else node))
    return sorted(found, key=lambda copy: copy.ordinal)


def _hostname(node: Mapping[str, Any]) -> str:
    """What volumes name a node by."""
    return str(node["labels"].get(HOSTNAME) or node["name"])


def unmarked(copy: OldCopy, release: str, why: str) -> str:
    """What to say of an old copy that could not be marked."""
    lies = f", {copy.claim['path']} on {copy.claim['node']}" if copy.claim.get("node") else ""
    return (
        f"the journal of master {copy.ordinal} of {release} (claim {copy.claim['name']}{lies}) is an old copy, and that"
        f" could not be written into it: {why}. Run `alluxops scale-masters` again, with the same settings, before the"
        " release is uninstalled; or empty that directory. Else a later deployment with more masters would take it for"
        " the truth."
    )


def when_left(marker: Marker | None) -> str:
    """A sentence about a marker whose master left, after a blank; empty for another one."""
    if marker is None or not marker.left_at:
        return ""
    by = f" (`alluxops {marker.left_by}`)" if marker.left_by else ""
    return f" Its master left the quorum at {marker.left_at}{by}, so it is an old copy besides."


def refuse_left(journals: Sequence[Journal], release: str) -> None:
    """Refuse to start from journals that are old copies, with the way that keeps what was written since.

    Raises SettingsError.
    """
    left = [journal for journal in journals if journal.has_left]
    if not left:
        return
    for item in left:
        if item.marker is not None and item.marker.left_for:
            here = item.place or f"the volume of claim {item.claim}"
            raise moved(item.marker, here, item.marker_path, release)
    whose = names([journal.ordinal for journal in left])
    when = "; ".join(f"{journal.name} at {_when(journal)}" for journal in left)
    one = len(left) == 1
    raise SettingsError(
        f"the journal{'' if one else 's'} of {whose} {'is an old copy' if one else 'are old copies'}, from before"
        f" {'it' if one else 'they'} left the quorum: {when}.",
        "what was written since is in the journals of the masters that stayed; a leader that starts from an old copy"
        " does not know it.",
        _way_out(left, [item for item in journals if item.holds and not item.has_left], release),
    )


def moved(marker: Marker, here: str, paths: str, release: str) -> SettingsError:
    """Why not to start where a release is not to have its journal any more. here: where it would. paths: of markers."""
    return SettingsError(
        f"{release} has had its journal in {marker.left_for} since {marker.left_at}, says {paths}; its masters are to"
        f" start with theirs in {here}.",
        "alluxio_ha or the values of the journal have changed while the release was away: what was written since lies"
        " there, and the cache would start without it.",
        "set them back and deploy; to move it, then `alluxops backup`, `alluxops uninstall`, and `alluxops restore`"
        f" with these settings, alluxio_journal_format: force and alluxio_confirm_format: {release}. Only if all that"
        f" was written since may be lost, remove {paths}, and run again.",
    )


def _when(journal: Journal) -> str:
    marker = journal.marker
    by = f" by {marker.left_by}" if marker is not None and marker.left_by else ""
    return f"{marker.left_at if marker is not None else ''}{by}"


def _way_out(left: Sequence[Journal], stayed: Sequence[Journal], release: str) -> str:
    """How to go on. Never by emptying some: one that left and was not marked, with new ones, may be a majority."""
    first = min(journal.ordinal for journal in left)  # masters leave from the last one down
    whole = {journal.ordinal for journal in stayed}
    restore = (
        "bring a backup back with `alluxops restore`, here with alluxio_journal_format: force and"
        f" alluxio_confirm_format: {release}"
    )
    kept = first if first % 2 else first - 1  # releases have 1, 3 or 5 masters
    if kept > 0 and whole.issuperset(range(kept)):
        back = (
            f"set alluxio_masters: {kept} (alluxio_ha as it was then) and deploy; `alluxops scale-masters` brings the"
            " others in, with new journals."
        )
        if kept == first:
            return back
        return (
            f"{back} Scaling to {kept} was interrupted, and master {kept} may have left as well, unmarked; where"
            f" no master comes to lead so, {restore}."
        )
    paths = ", ".join(journal.marker_path for journal in left)
    return (
        f"put the journals of the masters that stayed back, from their disks or a copy; or {restore}. Only if all that"
        f" was written since may be lost, remove {paths}, and run again."
    )
