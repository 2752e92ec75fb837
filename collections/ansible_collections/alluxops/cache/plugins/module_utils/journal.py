"""Journals of a release: what lies in a master's journal volume, and the marker that says whose it is.

A journal volume holds the folders of a UFS journal (`FileSystemMaster/v1/...`), the folder `raft/` of an embedded one,
or both after a change of type. Beside them lies our marker. What the Job's script prints is judged here; what to do
about it is journal_plan's.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, get_args

from ansible_collections.alluxops.cache.plugins.module_utils import host_marker
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import NO_NOTE, Note
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import STORAGE_CLASS

Json = dict[str, Any]
JournalType = Literal["UFS", "EMBEDDED"]
State = Literal[
    "absent", "empty", "formatted", "adopted", "other", "unfinished", "foreign", "unreadable"
]
TYPES: tuple[JournalType, ...] = get_args(JournalType)

MARKER = host_marker.MARKER
UNFINISHED = ".format-unfinished"
"""Lies in a journal while it is formatted. Our chart's own formatting uses the same name."""

BROKEN_MARKER = f"its marker {MARKER} is there, and cannot be read"

STATE_PREFIX = "journal-state "
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Marker:
    """Our note in a journal volume: whose journal it is.

    version: the newest Alluxio that served from it. formatted_at: by alluxops, ISO 8601; adopted_at: found formatted by
    someone else, and ours since then. restoring: the backup being restored into it, while that lasts. served: a master
    has served from it, so it held metadata. cluster: uid of the namespace kube-system where it runs; early markers do
    not tell. left_at, left_by: when its master had left the quorum, and by which verb: it is an old copy since then.
    left_for: where the release has had its journal since left_at, if it moved as a whole.
    next_version: a newer Alluxio that was about to start on it when this was written, and may have served since.
    """

    namespace: str
    release: str
    ordinal: int
    journal_type: str = ""
    version: str = ""
    formatted_at: str | None = None
    adopted_at: str | None = None
    restoring: str | None = None
    served: bool = False
    cluster: str = ""
    left_at: str | None = None
    left_by: str = ""
    left_for: str = ""
    next_version: str = ""

    @property
    def made(self) -> str:
        """When the journal became ours, which tells it from others that were made in the same volume's place."""
        return self.formatted_at or self.adopted_at or ""

    @property
    def newest(self) -> str:
        """The newest Alluxio that may have written to it."""
        return max(self.version, self.next_version, key=version_numbers)

    def text(self) -> str:
        """The marker as its file has it; what does not apply is left out."""
        given = {
            key: value for key, value in vars(self).items() if value not in (None, "", False)
        } | {"ordinal": self.ordinal}
        return json.dumps(given) + "\n"

    def encoded(self) -> str:
        """The marker's file in base64, so that it passes through a shell untouched."""
        return base64.b64encode(self.text().encode()).decode()


def read_marker(encoded: str) -> Marker | None:
    """The marker from its file in base64; None for none, or for one that is not ours to read."""
    try:
        given = json.loads(base64.b64decode(encoded))
        return Marker(
            namespace=str(given.get("namespace") or ""),
            release=str(given["release"]),
            ordinal=int(given.get("ordinal", 0)),
            journal_type=str(given.get("journal_type") or ""),
            version=str(given.get("version") or ""),
            formatted_at=given.get("formatted_at"),
            adopted_at=given.get("adopted_at"),
            restoring=given.get("restoring"),
            served=bool(given.get("served")),
            cluster=str(given.get("cluster") or ""),
            left_at=given.get("left_at"),
            left_by=str(given.get("left_by") or ""),
            left_for=str(given.get("left_for") or ""),
            next_version=str(given.get("next_version") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True)
class Wanted:
    """Whose journals are looked for, and how they are to be used. version: the Alluxio to be deployed.

    shared: all masters use one journal, as with ZooKeeper. cluster: uid of this cluster's namespace kube-system.
    """

    namespace: str
    release: str
    journal_type: JournalType = "UFS"
    version: str = ""
    shared: bool = False
    cluster: str = ""

    @classmethod
    def from_values(
        cls, namespace: str, release: str, values: Mapping[str, Any], *, cluster: str
    ) -> Wanted:
        """From the chart's effective values."""
        kind = str((values.get("journal") or {}).get("type") or "UFS").upper()
        return cls(
            namespace,
            release,
            "EMBEDDED" if kind == "EMBEDDED" else "UFS",
            str(values.get("imageTag") or ""),
            is_shared(values),
            cluster,
        )

    def ordinal_of(self, master: int) -> int:
        """The ordinal that a master's marker carries: a shared journal is master 0's."""
        return 0 if self.shared else master

    def owns(self, marker: Marker, master: int) -> bool:
        """Whether a marker names this cluster, release and master. Early markers name no namespace, and no cluster."""
        return (
            not self.is_elsewhere(marker)
            and marker.namespace in {"", self.namespace}
            and marker.release == self.release
            and marker.ordinal == self.ordinal_of(master)
        )

    def is_elsewhere(self, marker: Marker) -> bool:
        """Whether a marker names another cluster: on shared storage its masters see the same journal."""
        return bool(marker.cluster and self.cluster) and marker.cluster != self.cluster

    def whose(self, marker: Marker) -> str:
        """Whose a marker says its journal is, for a sentence."""
        space = f" in namespace {marker.namespace}" if marker.namespace else ""
        place = f" of cluster {marker.cluster}" if self.is_elsewhere(marker) else ""
        return f"master {marker.ordinal} of release {marker.release}{space}{place}"


@dataclass(frozen=True)
class Journal:
    """What lies in one master's journal volume.

    state: absent (no volume), empty, formatted (with our marker), adopted (formatted, without a marker), other (the
    marker names another release or master), unfinished (formatting began and did not end, and entries are left),
    foreign (files that are no journal), unreadable. It is judged for the journal type in use. types: those formatted;
    records: those that hold a master's entries; either may name a type that is not in use. detail: what was found.
    place: where it lies. noted: what its claim says of the journal that lies there.
    """

    ordinal: int
    claim: str
    state: State
    marker: Marker | None = None
    types: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    detail: str = ""
    place: str = ""
    journal_type: JournalType = "UFS"
    noted: Note = NO_NOTE

    @property
    def holds(self) -> bool:
        """Whether a master has written to it, in the type in use: then it holds metadata."""
        return self.journal_type in self.records

    @property
    def is_marked_left(self) -> bool:
        """Whether its marker says that its master left the quorum, whether anything lies in it or not."""
        return self.marker is not None and bool(self.marker.left_at)

    @property
    def has_left(self) -> bool:
        """Whether it is an old copy: its master left the quorum, and the others went on without it."""
        return bool(self.records) and self.is_marked_left

    @property
    def is_formatted(self) -> bool:
        """Whether a master would start on it."""
        return self.state in {"formatted", "adopted"}

    @property
    def name(self) -> str:
        """The journal for a sentence."""
        return f"the journal of master {self.ordinal} ({self.place or f'claim {self.claim}'})"

    @property
    def marker_path(self) -> str:
        """Where its marker lies, for someone who is to look at it or remove it."""
        path, _, node = self.place.partition(" on ")
        return (
            f"{path}/{MARKER} on {node}"
            if node
            else f"{MARKER} in the volume of claim {self.claim}"
        )


def read_journal(text: str, claim: Mapping[str, Any], wanted: Wanted) -> Journal:
    """Judge what the Job's script printed. Raises CacheError when it printed no state."""
    ordinal, name = int(claim["ordinal"]), str(claim["name"])
    for line in text.splitlines():
        if line.startswith(STATE_PREFIX):
            try:
                found = json.loads(line[len(STATE_PREFIX) :])
                return _judged(found, Journal(ordinal, name, "empty", place=_place(claim)), wanted)
            except (ValueError, AttributeError):
                break
    raise CacheError(f"the journal Job of claim {name} printed no state", text.strip()[-500:])


def seen_on_host(result: Mapping[str, Any], claim: Mapping[str, Any], wanted: Wanted) -> Journal:
    """Judge what node_check returned of the host on which a claim's volume lies, or will lie."""
    records = result.get("records") or []
    found = {f"{kind}_{what}": "yes" for kind in records for what in ("records", "formatted")}
    found["marker"] = str(result.get("marker") or "")
    journal = Journal(int(claim["ordinal"]), str(claim["name"]), "empty", place=_place(claim))
    return _judged(found, journal, wanted)


def _judged(found: Mapping[str, Any], journal: Journal, wanted: Wanted) -> Journal:
    kind = wanted.journal_type
    marker = read_marker(str(found.get("marker") or ""))
    journal = replace(
        journal,
        marker=marker,
        records=tuple(item for item in TYPES if found.get(f"{item}_records")),
        journal_type=kind,
    )
    error = str(found.get("error") or "").strip()
    if not error and marker is None and (found.get("marker_error") or found.get("marker")):
        error = BROKEN_MARKER  # whose journal it is nobody knows, so it is nobody's to adopt or to format
    if error:
        return replace(journal, state="unreadable", detail=error)
    unfinished = bool(found.get("unfinished"))
    complete = [item for item in TYPES if _is_formatted(found, item, marker) and not unfinished]
    journal = replace(journal, types=tuple(complete))
    if marker is not None and not wanted.owns(marker, journal.ordinal):
        return replace(journal, state="other", detail=wanted.whose(marker))
    if kind in complete:
        return replace(journal, state="adopted" if marker is None else "formatted")
    if journal.holds:
        return replace(journal, state="unfinished", detail=str(found[f"{kind}_records"]).strip())
    if found.get("files"):
        return replace(journal, state="foreign", detail=str(found["files"]).strip())
    return replace(
        journal, detail="an earlier formatting did not end" if unfinished else ""
    )  # no master ran on it


def _is_formatted(found: Mapping[str, Any], kind: JournalType, marker: Marker | None) -> bool:
    if kind == "UFS":
        # Of a journal that a master has written to, an upgrade may have added folders that were never formatted.
        is_whole = not found.get("UFS_unformatted") or bool(found.get("UFS_records"))
        return bool(found.get("UFS_formatted")) and is_whole
    # A new embedded journal is an empty folder until a master runs on it; only the marker tells that it is meant.
    return bool(found.get("EMBEDDED_formatted")) or (
        marker is not None and marker.journal_type == "EMBEDDED"
    )


def _place(claim: Mapping[str, Any]) -> str:
    """Path and node of a volume of ours; empty for a volume of a storage class of the user's."""
    if claim.get("storage_class") != STORAGE_CLASS or not claim.get("node"):
        return ""
    return f"{claim.get('path')} on {claim['node']}"


def new_marker(wanted: Wanted, ordinal: int, now: datetime, restoring: str = "") -> Marker:
    """The marker of a journal that is formatted now."""
    return Marker(
        wanted.namespace,
        wanted.release,
        wanted.ordinal_of(ordinal),
        wanted.journal_type,
        wanted.version,
        formatted_at=now.strftime(TIME),
        restoring=restoring or None,
        cluster=wanted.cluster,
    )


def adopted_marker(wanted: Wanted, ordinal: int, now: datetime) -> Marker:
    """The marker of a journal that someone else formatted and that is ours from now on."""
    adopted = now.strftime(TIME)
    return replace(new_marker(wanted, ordinal, now), formatted_at=None, adopted_at=adopted)


def served_marker(
    marker: Marker | None,
    wanted: Wanted,
    ordinal: int,
    now: datetime,
    *,
    restored: bool = False,
    upcoming: str = "",
) -> Marker:
    """The marker of a journal that a master serves from: completed, and with the newest version that did.

    restored: a restore into it has ended. upcoming: the Alluxio that is about to start on it. A master that left before
    has joined again.
    """
    known = marker or adopted_marker(wanted, ordinal, now)
    newest = max(known.version, wanted.version, key=version_numbers)
    return replace(
        about_to_start(replace(known, version=newest), upcoming or known.next_version),
        namespace=wanted.namespace,
        cluster=wanted.cluster or known.cluster,
        journal_type=wanted.journal_type,
        restoring=None if restored else known.restoring,
        served=True,
        left_at=None,
        left_by="",
        left_for="",
    )


def about_to_start(marker: Marker, version: str) -> Marker:
    """The marker before masters of a version start: should the run die then, it tells what may have been written.

    It says so in place of what an earlier run was about to start: who asks has seen to it that this has not served.
    """
    is_newer = version_numbers(version) > version_numbers(marker.version)
    return replace(marker, next_version=version if is_newer else "")


def left_marker(journal: Journal, wanted: Wanted, now: datetime, by: str) -> Marker | None:
    """The marker of a journal whose master is no member of the quorum any more; None where there is nothing to mark.

    by: the verb that takes it out, or finds it out.
    """
    known = journal.marker
    if journal.state in {"absent", "unreadable", "other", "foreign"}:
        return None
    if known is None:
        if not journal.records:
            return None
        # Of a master that was never marked; the release may have another type of journal by now.
        adopted = adopted_marker(wanted, journal.ordinal, now)
        known = replace(adopted, journal_type=journal.records[-1])
    return known if known.left_at else replace(known, left_at=now.strftime(TIME), left_by=by)


def version_numbers(version: str) -> tuple[int, ...]:
    """A version for comparing: 2.9.6-custom -> (2, 9, 6); nothing known -> ()."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def claim_name(release: str, ordinal: int) -> str:
    """The claim of a master's journal, which the StatefulSet of either chart takes by its name."""
    return f"alluxio-journal-{release}-master-{ordinal}"


def journal_folder(values: Mapping[str, Any]) -> str:
    """Where a master's container sees its journal volume."""
    return str((values.get("journal") or {}).get("folder") or "/journal")


def is_in_volume(values: Mapping[str, Any]) -> bool:
    """Whether the masters keep their journals in volumes that outlive their pods."""
    section = values.get("journal") or {}
    is_local = section.get("type") == "EMBEDDED" or section.get("ufsType", "local") == "local"
    return is_local and section.get("volumeType") == "persistentVolumeClaim"


def is_shared(values: Mapping[str, Any]) -> bool:
    """Whether all masters use one journal, as with ZooKeeper."""
    properties = values.get("properties") or {}
    return str(properties.get("alluxio.zookeeper.enabled", "")).lower() == "true"


def marker_facts(marker: Marker | None) -> dict[str, Any] | None:
    """A marker's fields for a result or a diff; None where there is no marker."""
    return None if marker is None else asdict(marker)
