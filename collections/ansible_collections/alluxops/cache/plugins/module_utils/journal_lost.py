"""Journals that are not there any more, though their claim, or their marker, says that they were; or others than they.

A disk that is not mounted looks like a new volume, and masters with an embedded journal even start on it: they elect a
leader and serve nothing, where the cache knew all. So nothing is formatted, started or adopted in the place of a
journal that was there, unless the others of its quorum bring it up to date. And where a journal was made anew below
the mount point, the old disk that comes back later hides it: what lies there then is ours too, and older. So is what a
conversion leaves beside the journal of the new type.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import Journal, Wanted
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import command
from ansible_collections.alluxops.cache.plugins.module_utils.quorum import names

_LOOKS_LIKE_THAT = "a disk that is not mounted, or a volume that was replaced, looks like that"
_COULD_ELECT = (
    "While no master leads, an empty journal and one that lags behind could elect a leader that lacks what was"
    " acknowledged."
)


def is_lost(journal: Journal) -> bool:
    """Whether what its claim speaks of is not there: nothing is, or a journal that does not say whose it is."""
    return bool(journal.noted) and journal.marker is None and journal.state in {"empty", "adopted"}


def is_another(journal: Journal) -> bool:
    """Whether it is one of ours, and not the one that its claim speaks of."""
    marker = journal.marker
    return (
        marker is not None
        and journal.state not in {"other", "unreadable"}
        and journal.noted.is_of_another(marker.made)
    )


def has_vanished(journal: Journal) -> bool:
    """Whether a marker is all that is left of a journal that masters served from."""
    marker = journal.marker
    return marker is not None and marker.served and not marker.left_at and not journal.records


def refuse_lost(journals: Sequence[Journal], wanted: Wanted, *, leads: bool, masters: int) -> None:
    """Refuse journals that are lost. leads: a master serves; masters: how many the release has.

    A minority of a quorum is brought up to date by the others; but only while one of them leads. Before that, an empty
    journal and one that lags behind could elect a leader, without an entry that was acknowledged. Raises SettingsError.
    """
    lost = [journal for journal in journals if is_lost(journal)]
    if not lost:
        return
    is_minority = wanted.journal_type == "EMBEDDED" and len(journals) - len(lost) > masters // 2
    if is_minority and leads:
        return
    first, rest = lost[0], [journal.ordinal for journal in lost[1:]]
    found = "has no marker" if first.records or first.types else "is empty"
    also = f"; the same goes for {names(rest)}" if rest else ""
    # What serves from it holds entries of its own by now, so it is not known by them.
    cause = f"{_LOOKS_LIKE_THAT}; the cache would start without anything it knew."
    fix = (
        "mount the disk, or put the journal back from a copy, or bring a backup back with `alluxops restore`; to begin"
        f" with nothing, set alluxio_journal_format: force with alluxio_confirm_format: {wanted.release}"
    )
    if leads:
        cause = (
            f"{_LOOKS_LIKE_THAT}: masters began anew in its place, and know nothing of what was before. So does a"
            " journal whose marker someone removed."
        )
        fix = (
            f"stop the masters (`kubectl -n {wanted.namespace} scale statefulset {wanted.release}-master"
            f" --replicas=0`), mount the disk, start them (`--replicas={masters}`), and run again"
        )
    elif is_minority:
        cause = f"{_LOOKS_LIKE_THAT}. {_COULD_ELECT}"
        fix = (
            "mount the disk, or put the journal back from a copy. If it is lost, let the other masters come to a leader"
            f" first (`alluxops status`; `kubectl -n {wanted.namespace} get pods`), and run again: they bring it up to"
            " date"
        )
    raise SettingsError(
        f"{first.name} {found}, and claim {first.claim} says that one of {wanted.release} lies there since"
        f" {first.noted.since}{also}.",
        cause,
        f"{fix}; or, to use what lies there as it is, `{command(first.claim, wanted.namespace)}` and run again.",
    )


def refuse_another(
    journals: Sequence[Journal], wanted: Wanted, *, leads: bool, masters: int
) -> None:
    """Refuse journals that are others than their claims speak of. leads, masters: as in refuse_lost().

    Also one of several: an old one may be longer, or of a later term, and win the vote over those that know more.
    Raises SettingsError.
    """
    others = [journal for journal in journals if is_another(journal)]
    if not others:
        return
    first, rest = others[0], [journal.ordinal for journal in others[1:]]
    made = first.marker.made if first.marker is not None else ""
    also = f"; the same goes for {names(rest)}" if rest else ""
    cause = (
        "an old disk that is mounted again, over a journal that was made in its place, looks like that; what was"
        " written since is not in it."
    )
    move = "unmount the old disk for good (/etc/fstab), or put the journal back that the claim speaks of"
    fix = f"with no master running, {move}, and run again"
    if leads:
        cause += " Masters serve, and what they write goes to it."
        fix = (
            f"stop the masters (`kubectl -n {wanted.namespace} scale statefulset {wanted.release}-master"
            f" --replicas=0`), {move}, start them (`--replicas={masters}`), and run again"
        )
    raise SettingsError(
        f"{first.name} was made at {made}, says its marker, and claim {first.claim} says that the one of"
        f" {wanted.release} was made at {first.noted.made}{also}.",
        cause,
        f"{fix}; or, if the one that lies there is the right one, `{command(first.claim, wanted.namespace)}` and run"
        " again.",
    )


def refuse_other_type(journals: Sequence[Journal], wanted: Wanted) -> None:
    """Refuse to go on with journals whose markers say that masters served from one of the other type last.

    wanted: with the type that serves. Raises SettingsError.
    """
    for journal in journals:
        marker = journal.marker
        if marker is None or journal.state == "other" or not marker.served:
            continue
        newer, older = marker.journal_type, wanted.journal_type
        if newer in {"", older}:
            continue
        raise SettingsError(
            f"{wanted.release} serves from a journal of type {older}, and {journal.name} was served from as type"
            f" {newer} last, says its marker.",
            f"a release that was put back by hand (`helm rollback`) to before `alluxops scale-masters` converted the"
            f" journal looks like that: it serves the {older} journal of then. The {newer} one lies beside it, with all"
            " that was written between the two.",
            f"stop the masters (`kubectl -n {wanted.namespace} scale statefulset {wanted.release}-master"
            f" --replicas=0`), put the release back to a revision of type {newer} (`helm -n {wanted.namespace} history"
            f" {wanted.release}`, `helm -n {wanted.namespace} rollback {wanted.release} REVISION`), and run again with"
            " alluxio_masters and alluxio_ha as they were there; what was written since it was put back is lost. Or, to"
            f" go on from the {older} one and lose the other, remove {journal.marker_path},"
            f" `{command(journal.claim, wanted.namespace)}`, and run again.",
        )


def refuse_vanished(journals: Sequence[Journal], *, leads: bool) -> None:
    """Refuse what is left of journals; beside others that hold metadata only while no master leads.

    Raises SettingsError.
    """
    vanished = [journal for journal in journals if has_vanished(journal)]
    alone = not any(journal.holds for journal in journals)
    if not vanished or (leads and not alone):
        return
    what = (
        f"{vanished[0].name} is gone: its marker says that a master served from it, and no entry is"
        " left."
    )
    remove = f"remove {vanished[0].marker_path}."
    if alone:
        raise SettingsError(
            what,
            "the cache would start without anything it knew.",
            f"put the journal back from a copy, or restore a backup; to start anew, {remove}",
        )
    raise SettingsError(
        what,
        _COULD_ELECT,
        "put the journal back from a copy; or let the other masters come to a leader first (`alluxops status`), and run"
        f" again; to go on without what it alone may know, {remove}",
    )
