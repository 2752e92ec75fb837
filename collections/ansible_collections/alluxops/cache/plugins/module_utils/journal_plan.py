"""Which journals to format: one decision over all journals of a release.

Formatting a journal that holds metadata loses the whole namespace of the cache, and a majority of new journals
outvotes those that know something. So nothing is formatted that a master has written to, unless that was asked for and
confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    BROKEN_MARKER,
    UNFINISHED,
    Journal,
    Marker,
    Wanted,
    version_numbers,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_left import (
    refuse_left,
    when_left,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_lost import (
    refuse_another,
    refuse_lost,
    refuse_vanished,
)

Policy = Literal["if_empty", "never", "force"]
BEGUN_COUNTS_FOR = timedelta(days=1)
"""After that, masters may have served for long from a journal whose restore did not end, and nobody knows."""
SCALED_FROM = (1, 3)
"""How many masters a release may have had before there were to be more."""
HA_OF = {"UFS": "none (or zookeeper)", "EMBEDDED": "embedded"}


@dataclass(frozen=True)
class Request:
    """What is asked for. masters: how many the release has; confirmed: alluxio_confirm_format names the release.

    stale: these journals are of masters that are no members of the quorum that serves: what they hold is an old copy.
    restoring: the backup to be restored into them, which needs new journals. backed_up: where there is a backup of what
    they hold, made to be replaced; empty for none. serving: a master is ready; leads: one answers as the leader, which
    a member of a quorum that has none does not. has_served: Helm remembers a revision that was proven. now: None where
    the time is of no account.
    """

    wanted: Wanted
    masters: int
    policy: Policy = "if_empty"
    confirmed: bool = False
    stale: bool = False
    restoring: str = ""
    backed_up: str = ""
    serving: bool = False
    leads: bool = False
    has_served: bool = False
    now: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """Which journals to format and which to mark as adopted, by ordinal, and why.

    needs_backup: metadata would be lost, so a backup is taken first.
    """

    format: tuple[int, ...] = ()
    adopt: tuple[int, ...] = ()
    why: str = ""
    needs_backup: bool = False


def plan_format(journals: Sequence[Journal], request: Request) -> Plan:
    """Decide which journals to format. Raises SettingsError where formatting, or leaving it, would lose metadata."""
    if request.wanted.shared:
        journals = journals[:1]
    for journal in journals:
        refuse_unknown(journal, request.wanted)
    if request.stale:
        return _plan_stale(journals, request)
    if request.policy == "force" and not request.restoring:
        return _plan_forced(journals, request)
    for journal in journals:
        _refuse_foreign(journal)
    if request.restoring:
        return _plan_restore(journals, request)
    refuse_another(journals, request.wanted, leads=request.leads, masters=request.masters)
    refuse_left(journals, request.wanted.release)
    for journal in journals:
        for fault in _unusable(journal, request.wanted):
            raise fault
    refuse_lost(journals, request.wanted, leads=request.leads, masters=request.masters)
    return _plan_empty(journals, request)


def refuse_unknown(journal: Journal, wanted: Wanted) -> None:
    """Refuse what no policy may touch. Raises SettingsError."""
    if journal.detail == BROKEN_MARKER:
        raise SettingsError(
            f"{journal.name} is {journal.state}: {journal.detail}.",
            "it may be another release's, or an old copy: the marker says whose it is.",
            f"see {journal.marker_path}: it must be whole, and readable for the masters' user; where nothing else runs"
            " on that journal and it is to be used, remove the marker and run again.",
        )
    if journal.state in {"absent", "unreadable"}:
        raise SettingsError(
            f"{journal.name} is {journal.state}: {journal.detail}.",
            "what lies in it decides whether the cache keeps its metadata.",
            "see the volume's directory on its node: it must exist, owned by 1000:1000.",
        )
    if (
        journal.state == "other"
        and journal.marker is not None
        and wanted.is_elsewhere(journal.marker)
    ):
        raise SettingsError(
            f"{journal.name} belongs to {journal.detail}, says its marker; this is release {wanted.release} in"
            f" namespace {wanted.namespace} of cluster {wanted.cluster}.",
            "masters of two clusters that use one journal destroy it. A cluster is told by the uid of its namespace"
            " kube-system, which a rebuilt one has anew.",
            "give this cluster another directory (alluxio_journal_shared_path or node_storage_root) or another"
            " alluxio_release; if it was rebuilt and takes the journal over, see that nothing else runs on that, remove"
            f" {journal.marker_path}, and run again.",
        )
    if journal.state == "other":
        own = f"release {wanted.release} in namespace {wanted.namespace}"
        take_over = (
            "to take the journal over on purpose, see that nothing else runs on it, remove"
            f" {journal.marker_path}, and run again."
        )
        if journal.is_marked_left:
            lies = journal.place or f"the volume of claim {journal.claim}"
            take_over = (
                f"where the master moves there from a host that is lost, see that it does not run, remove all that lies"
                f" in {lies}, and run again."
            )
        raise SettingsError(
            f"{journal.name} belongs to {journal.detail}, says its marker; this is {own}, master {journal.ordinal}.",
            "two that use one journal destroy it; masters that swapped theirs (cache_masters in another order) do not"
            f" find their own.{when_left(journal.marker)}",
            f"set node_storage_root, or the order of cache_masters, back; {take_over}",
        )


def _refuse_foreign(journal: Journal) -> None:
    if journal.state == "foreign":
        raise SettingsError(
            f"{journal.name} holds files that are no journal: {journal.detail}.",
            "a master's files would mix with them.",
            "move them away, or point node_storage_root elsewhere.",
        )


def _plan_stale(journals: Sequence[Journal], request: Request) -> Plan:
    for journal in journals:
        _refuse_foreign(journal)
    if request.wanted.shared or len(journals) >= request.masters:
        raise SettingsError(
            f"all {len(journals)} journals of {request.wanted.release} are to be formatted as stale copies.",
            "a copy is stale only while others serve what it lacks.",
            "name only the masters that are no members of the quorum (`alluxio fsadmin journal quorum info`).",
        )
    new = {
        journal.ordinal
        for journal in journals
        if journal.is_formatted and not journal.records and not journal.is_marked_left
    }
    return Plan(
        tuple(item.ordinal for item in journals if item.ordinal not in new),
        why="they are no members of the quorum that serves",
    )


def _plan_forced(journals: Sequence[Journal], request: Request) -> Plan:
    held = sum(1 for journal in journals if journal.records)
    if not request.confirmed:
        raise SettingsError(
            "alluxio_journal_format is force, and alluxio_confirm_format does not name the release;"
            f" {held} of {len(journals)} journals hold metadata.",
            "formatting deletes every path, mount, TTL and pin that the cache knows.",
            "set alluxio_confirm_format to the release's name if that is meant, for this one run.",
        )
    return Plan(tuple(journal.ordinal for journal in journals), why="forced", needs_backup=held > 0)


def _plan_restore(journals: Sequence[Journal], request: Request) -> Plan:
    """New journals for a restore; those that this restore has made already stay, unless a master has run on them."""
    confirmed = request.policy == "force" and request.confirmed
    confirmed = confirmed or bool(request.backed_up)
    for journal in journals:
        marker = journal.marker
        begun = _has_begun(marker, request) and not _began_long_ago(marker, request)
        if _types_held(journal) and not (begun or confirmed):
            raise _restored_over(journal, request)
    made = {
        journal.ordinal
        for journal in journals
        if journal.is_formatted
        and not journal.holds
        and journal.marker is not None
        and journal.marker.restoring == request.restoring
    }
    return Plan(
        tuple(item.ordinal for item in journals if item.ordinal not in made),
        why=f"{request.restoring} is restored into new journals",
        needs_backup=request.serving
        and not request.backed_up
        and any(item.records for item in journals),
    )


def _types_held(journal: Journal) -> tuple[str, ...]:
    """The types that hold its metadata: what the marker calls in use; without one it may be any that has entries."""
    used = journal.marker.journal_type if journal.marker is not None else ""
    return tuple(item for item in journal.records if used in {"", item})


def _has_begun(marker: Marker | None, request: Request) -> bool:
    """Whether what a journal holds is a part of the same backup, and nothing that came since."""
    return marker is not None and marker.restoring == request.restoring and not marker.served


def _began_long_ago(marker: Marker | None, request: Request) -> bool:
    """Whether masters may have served from a journal that a restore was left in. One that serves can make a backup."""
    if request.now is None or request.serving or marker is None or not marker.formatted_at:
        return False
    return request.now - datetime.fromisoformat(marker.formatted_at) > BEGUN_COUNTS_FOR


def _restored_over(journal: Journal, request: Request) -> SettingsError:
    cause, keep = "what it holds may be newer than any backup", ""
    if _has_begun(journal.marker, request):
        cause = "this restore began more than a day ago, so masters may have served from it since"
        keep = f" To keep what it holds, remove {journal.marker_path} and run `alluxops site`."
    held, release = _types_held(journal), request.wanted.release
    what = "metadata" if journal.journal_type in held else f"metadata of type {held[0]}"
    return SettingsError(
        f"{journal.name} holds {what}, and {request.restoring} is to be restored into it.",
        f"a restore replaces everything that the cache knows, and {cause}.",
        f"restore into a new release; or take this one away (`alluxops uninstall -e alluxio_confirm_purge={release}`)"
        f" first; or run once with -e alluxio_journal_format=force -e alluxio_confirm_format={release}.{keep}",
    )


def _unusable(journal: Journal, wanted: Wanted) -> Iterator[SettingsError]:
    """What keeps a formatted journal, or one that holds something, from being used as it is."""
    marker = journal.marker
    if journal.state == "unfinished":
        yield SettingsError(
            f"{journal.name} is not whole: its formatting began and did not end ({journal.detail}).",
            "a master would start on what is left, if at all.",
            "format again (alluxio_journal_format: force), or put a copy back, or restore a backup; if masters have"
            f" served from it since, remove {UNFINISHED} beside {journal.marker_path}.",
        )
    is_begun = marker is not None and bool(marker.restoring) and not marker.served
    if marker is not None and is_begun and (journal.is_formatted or journal.records):
        yield SettingsError(
            f"a restore of {marker.restoring} into {journal.name} did not end.",
            "it may hold a part of the backup only.",
            "run that restore again; or, if masters have served from it since and that is to be kept, remove"
            f" {journal.marker_path} and run again.",
        )
    yield from _of_another_type(journal, wanted)
    if marker is not None and journal.is_formatted:
        newest, older = version_numbers(marker.newest), version_numbers(wanted.version)
        if newest and older and newest > older:
            used, never = "has used", ""
            if marker.newest != marker.version:
                used = "was to start on"
                never = f" If that never served, remove {journal.marker_path} and run again."
            yield SettingsError(
                f"alluxio_version is {wanted.version}, and Alluxio {marker.newest} {used} {journal.name}.",
                "an older Alluxio may not understand what a newer one wrote: this is a rollback without a backup to"
                " restore.",
                f"set alluxio_version: {marker.newest}, or run `alluxops rollback` with restore_from, a backup that"
                f" {wanted.version} can read.{never}",
            )


def _of_another_type(journal: Journal, wanted: Wanted) -> Iterator[SettingsError]:
    """Metadata that the type in use would not see: starting would look as if all were lost."""
    used = journal.marker.journal_type if journal.marker is not None else ""
    other = "UFS" if wanted.journal_type == "EMBEDDED" else "EMBEDDED"
    if other not in journal.records or used == wanted.journal_type:
        return
    if used == other or not journal.holds:
        yield SettingsError(
            f"{journal.name} holds its metadata as type {other}; alluxio_ha asks for type {wanted.journal_type}.",
            "a master of one type does not see the other's entries: the cache would start without them.",
            f"set alluxio_ha: {HA_OF[other]} and deploy; then `alluxops scale-masters` changes the type with all"
            " metadata.",
        )
    else:
        yield SettingsError(
            f"{journal.name} holds a UFS journal and an embedded one, and no marker that says which is in use.",
            f"alluxio_ha asks for type {wanted.journal_type}, which may be the older one.",
            "move the older away: the folder raft/, or the folders BlockMaster, FileSystemMaster and so on.",
        )


def _plan_empty(journals: Sequence[Journal], request: Request) -> Plan:
    """Format what was never used. Those that hold metadata must be a majority of the masters."""
    empty = tuple(journal.ordinal for journal in journals if not journal.is_formatted)
    adopt = tuple(journal.ordinal for journal in journals if journal.state == "adopted")
    holding = [journal for journal in journals if journal.holds]
    new = [journal for journal in journals if not journal.holds]
    seen_all = request.wanted.shared or len(journals) >= request.masters
    if holding and seen_all and len(new) > (len(journals) - 1) // 2:
        raise SettingsError(
            f"{len(new)} of {len(journals)} journals are empty (masters {_listed(new)}); the metadata are in the others"
            f" (masters {_listed(holding)}).",
            "empty journals that are a majority would elect a leader that knows nothing: the metadata would be lost.",
            _majority_back(holding),
        )
    if seen_all and not request.leads and _has_grown(holding, new):
        raise SettingsError(
            f"the journals of masters {_listed(new)} are empty; the metadata are in the others (masters"
            f" {_listed(holding)}).",
            "two empty newcomers at once, with a master that lags behind, could elect a leader that knows less than was"
            " acknowledged.",
            _majority_back(holding),
        )
    refuse_vanished(journals, leads=request.leads)
    if not empty:
        return Plan(adopt=adopt, why="all journals are formatted")
    if request.policy == "never":
        raise SettingsError(
            f"the journal of master {empty[0]} is empty, and alluxio_journal_format is never.",
            "a master does not start on a journal that is not formatted.",
            "set alluxio_journal_format: if_empty, or put the journal back into its volume.",
        )
    if not holding and seen_all and request.has_served:
        raise _lost(journals, request.wanted.release)
    why = "the other journals are a majority and bring these up to date"
    return Plan(empty, adopt, why if holding else "all journals are empty")


def _has_grown(holding: Sequence[Journal], new: Sequence[Journal]) -> bool:
    """Whether a release of fewer masters is to start with more, several of them new. Known only by their numbers."""
    first = [journal.ordinal for journal in holding] == list(range(len(holding)))
    was_whole = first and len(holding) in SCALED_FROM
    return was_whole and len(new) > 1 and not all(journal.is_formatted for journal in new)


def _majority_back(holding: Sequence[Journal]) -> str:
    """The ways out of a majority of empty journals that keep the metadata."""
    lost = "if the others' are lost, put them back from a copy, or bring a backup back with `alluxops restore`."
    first = [journal.ordinal for journal in holding] == list(range(len(holding)))
    if not (first and len(holding) in SCALED_FROM):
        return lost
    return (
        f"if the release had {len(holding)} when it last ran, set alluxio_masters: {len(holding)} (alluxio_ha as it"
        f" was), deploy, and `alluxops scale-masters` brings the others in, one by one; {lost}"
    )


def _lost(journals: Sequence[Journal], release: str) -> SettingsError:
    """A disk that is not mounted looks like an empty journal: the directory below it is one."""
    return SettingsError(
        f"{release} has served, and {journals[0].name} is empty"
        + (", as the others are." if len(journals) > 1 else "."),
        "a disk that is not mounted, or a volume that was replaced, looks like that; the cache would start without"
        " anything it knew.",
        "mount the disk, or put the journal back from a copy, or bring a backup back with `alluxops restore`; to begin"
        f" with nothing, set alluxio_journal_format: force with alluxio_confirm_format: {release}.",
    )


def _listed(journals: Sequence[Journal]) -> str:
    return ", ".join(str(journal.ordinal) for journal in journals)
