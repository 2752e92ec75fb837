"""An old disk that comes back, over a journal that was made in its place: it is ours, older, and not believed."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action.journal_conversion import LoneMaster
from ansible_collections.alluxops.cache.plugins.module_utils import journal, node_report, volumes
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Journal,
    Marker,
    Wanted,
    claim_name,
    new_marker,
    served_marker,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import Note, read_note
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from tests.unit.cache.journal_volumes import Volumes, forced, guard, holds, marker, options
from tests.unit.cache.test_journal_marker import marked
from tests.unit.cache.test_journal_plan import EMBEDDED, NOW, UFS, decide, journals

SINCE = "2026-01-02T03:04:09Z"
MADE = "2026-01-02T03:04:05Z"  # NOW
LATER = "2026-03-01T00:00:00Z"
OLD = datetime(2025, 5, 5, tzinfo=UTC)
OLD_MADE = "2025-05-05T00:00:00Z"
CLAIM = claim_name("alluxio", 0)
FORGET = "kubectl -n cache annotate pvc {} alluxops.io/holds-journal-"
Json = dict[str, Any]


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


def old_disk(cluster: Volumes, *ordinals: int) -> None:
    """Mount what was there before: a journal that masters served from, and that was made long ago."""
    for ordinal in ordinals:
        cluster.folder(ordinal).rename(cluster.root / f"below-{ordinal}")
        cluster.write(ordinal)
        old = served_marker(new_marker(EMBEDDED, ordinal, OLD), EMBEDDED, ordinal, OLD)
        (cluster.folder(ordinal) / journal.MARKER).write_text(old.text())


def unmount(cluster: Volumes, ordinal: int) -> None:
    cluster.folder(ordinal).rename(cluster.root / f"old-{ordinal}")
    (cluster.root / f"below-{ordinal}").rename(cluster.folder(ordinal))


def serve_from_it(cluster: Volumes, *ordinals: int) -> None:
    for ordinal in ordinals:
        cluster.write(ordinal)
    assert marked(cluster, ready=list(ordinals))["changed"]


def made(cluster: Volumes, ordinal: int = 0) -> str:
    found = marker(cluster, ordinal)
    assert found is not None
    return found.made


def note(cluster: Volumes, ordinal: int = 0) -> Note:
    return read_note(cluster.notes.get(claim_name("alluxio", ordinal)))


# The note.


@pytest.mark.parametrize("given", [Note(), Note(SINCE), Note(SINCE, MADE)])
def test_a_note_is_read_as_it_was_written(given: Note) -> None:
    assert read_note(given.text()) == given
    assert bool(given) is (given.since != "")


def test_an_early_note_tells_no_journal() -> None:
    assert read_note(SINCE) == Note(SINCE)
    assert read_note(None) == Note()
    assert not Note(SINCE).is_of_another(MADE)
    assert not Note(SINCE, MADE).is_of_another("")
    assert not Note(SINCE, MADE).is_of_another(MADE)
    assert Note(SINCE, MADE).is_of_another(LATER)


# The decision.


def found(*mades: str, wanted: Wanted = EMBEDDED) -> list[Journal]:
    """Journals that masters served from, made as told, whose claims speak of those made at MADE."""
    return [
        replace(
            item,
            noted=Note(SINCE, MADE),
            marker=Marker(
                "cache",
                "alluxio",
                item.ordinal,
                wanted.journal_type,
                formatted_at=when or None,
                served=True,
            ),
        )
        for item, when in zip(journals(*["used"] * len(mades), wanted=wanted), mades, strict=True)
    ]


@pytest.mark.parametrize("policy", ["if_empty", "never"])
@pytest.mark.parametrize("leads", [False, True])
@pytest.mark.parametrize("wanted", [UFS, EMBEDDED, replace(UFS, shared=True)])
def test_an_older_journal_of_ours_is_not_believed(
    policy: Any, wanted: Wanted, *, leads: bool
) -> None:
    old = found(OLD_MADE, wanted=wanted)
    with pytest.raises(SettingsError) as refusal:
        decide(old, policy, wanted, leads=leads)
    error = refusal.value
    assert f"made at {OLD_MADE}, says its marker, and claim journal-0 says" in error.what
    assert f"was made at {MADE}" in error.what
    assert "unmount the old disk" in error.fix
    assert FORGET.format("journal-0") in error.fix
    assert ("--replicas=0" in error.fix) is leads
    assert decide(found(MADE, wanted=wanted), policy, wanted, leads=leads).format == ()


@pytest.mark.parametrize("leads", [False, True])
def test_one_of_several_may_win_the_vote(*, leads: bool) -> None:
    with pytest.raises(SettingsError, match=r"master 1 .* goes for master 2"):
        decide(found(MADE, OLD_MADE, LATER), wanted=EMBEDDED, leads=leads)


def test_what_tells_no_date_is_believed_as_before() -> None:
    assert decide(found(""), wanted=EMBEDDED).format == ()
    early = [replace(found(OLD_MADE)[0], noted=Note(SINCE))]
    assert decide(early, wanted=EMBEDDED).format == ()


def test_what_is_asked_for_and_confirmed_replaces_an_old_one_too() -> None:
    old = found(OLD_MADE)
    assert decide(old, "force", EMBEDDED, confirmed=True).format == (0,)
    assert decide(old, "force", EMBEDDED, restoring="/b.gz", confirmed=True).format == (0,)
    assert decide(old, wanted=EMBEDDED, masters=3, stale=True).format == (0,)


# The guard, over folders.


def test_a_first_run_notes_which_journals_it_made(cluster: Volumes) -> None:
    guard(cluster).run()
    assert [note(cluster, ordinal).made for ordinal in range(3)] == [
        made(cluster, ordinal) for ordinal in range(3)
    ]
    before = dict(cluster.notes)
    serve_from_it(cluster, 0, 1, 2)
    assert not guard(cluster).run()["changed"]
    assert not marked(cluster, ready=[0, 1, 2])["changed"]
    assert cluster.notes == before


def test_an_old_disk_that_comes_back_is_refused_until_it_is_gone(cluster: Volumes) -> None:
    guard(cluster).run()
    serve_from_it(cluster, 0, 1, 2)
    before = dict(cluster.notes)
    old_disk(cluster, 1)
    with pytest.raises(SettingsError, match=rf"master 1 .* made at {OLD_MADE}"):
        guard(cluster).run()
    with pytest.raises(SettingsError, match=rf"master 1 .* made at {OLD_MADE}") as refusal:
        marked(cluster, ready=[0, 1, 2])
    assert "--replicas=3`" in refusal.value.fix
    assert cluster.notes == before
    assert made(cluster, 1) == OLD_MADE
    unmount(cluster, 1)
    assert not guard(cluster).run()["changed"]


def test_the_old_disk_is_taken_where_the_claim_is_made_to_forget(cluster: Volumes) -> None:
    guard(cluster).run()
    old_disk(cluster, 0, 1, 2)
    cluster.notes = {}
    assert guard(cluster).run()["changed"]
    assert {note(cluster, ordinal).made for ordinal in range(3)} == {OLD_MADE}
    assert not guard(cluster).run()["changed"]
    assert holds(cluster) == [True] * 3


@pytest.mark.parametrize("how", [{"policy": "force", "confirm": "alluxio"}, {"restoring": "/b.gz"}])
def test_force_and_restore_replace_it_in_marker_and_note(cluster: Volumes, how: Json) -> None:
    old_disk(cluster, 0, 1, 2)
    for ordinal in range(3):
        (cluster.folder(ordinal) / "raft").rename(cluster.root / f"raft-{ordinal}")
    cluster.notes = {claim_name("alluxio", n): Note(SINCE, OLD_MADE).text() for n in range(3)}
    guard(cluster, **how).run()
    for ordinal in range(3):
        assert note(cluster, ordinal).made == made(cluster, ordinal) != OLD_MADE
        assert note(cluster, ordinal).since != SINCE


def test_a_run_that_dies_between_format_and_note_converges(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard(cluster).run()
    with monkeypatch.context() as dying:
        dying.setattr(JournalNotes, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forced(cluster).run()
    assert cluster.noted() == []
    assert guard(cluster).run()["changed"]
    assert note(cluster).made == made(cluster)


def test_a_run_that_dies_between_adoption_and_note_converges(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of three was replaced by hand, and is brought up to date by those that lead.
    cluster.serve(True, False, True)
    cluster.write(1)
    cluster.notes = {claim_name("alluxio", n): Note(SINCE, OLD_MADE).text() for n in range(3)}
    with monkeypatch.context() as dying:
        dying.setattr(JournalNotes, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            guard(cluster).run()
    assert made(cluster, 1)
    assert note(cluster, 1) == Note(SINCE)
    assert guard(cluster).run()["changed"]
    assert note(cluster, 1) == Note(SINCE, made(cluster, 1))


# The markers, while masters serve.


def test_a_note_from_before_learns_which_journal_it_is(cluster: Volumes) -> None:
    cluster.write(0)
    assert marked(cluster)["changed"]
    cluster.notes = {CLAIM: SINCE}
    assert marked(cluster, dry=True)["noted"] == [CLAIM]
    assert note(cluster) == Note(SINCE)
    assert marked(cluster)["noted"] == [CLAIM]
    assert note(cluster) == Note(SINCE, made(cluster))
    assert not marked(cluster)["changed"]


def test_a_version_that_is_written_down_leaves_the_journal_the_same(cluster: Volumes) -> None:
    guard(cluster).run()
    before = made(cluster), note(cluster)
    newer = {**options()["values"], "imageTag": "2.9.10"}
    assert guard(cluster, values=newer).run()["changed"]
    assert marked(cluster, upcoming="2.9.10")["changed"]
    assert marked(cluster, restored=True) is not None
    assert (made(cluster), note(cluster)) == before


def test_a_member_that_left_and_was_marked_keeps_its_date() -> None:
    [item] = found(MADE)
    left = journal.left_marker(item, EMBEDDED, NOW, "scale-masters")
    assert left is not None
    assert left.made == MADE
    assert served_marker(left, EMBEDDED, 0, NOW).made == MADE


@pytest.mark.parametrize("dies", [False, True])
def test_a_converted_journal_is_another_one(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    cluster.notes = {CLAIM: Note(SINCE, OLD_MADE).text()}
    master = LoneMaster.__new__(LoneMaster)
    given = {"namespace": "cache", "release": "alluxio", "values": options()["values"]}
    vars(master).update(kube=cluster, pod="x-master-0", **given)
    if dies:
        monkeypatch.setattr(JournalNotes, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            master.mark("EMBEDDED")
    else:
        master.mark("EMBEDDED")
    assert made(cluster) != OLD_MADE
    assert note(cluster) == Note(
        SINCE if dies else note(cluster).since, "" if dies else made(cluster)
    )
    monkeypatch.undo()
    cluster.write(0)
    guard(cluster, masters=1).run()
    assert note(cluster).made == made(cluster)


# Preflight.


def lost(*markers: Marker, said: Note, leads: bool = False) -> list[str]:
    """What preflight says of hosts with these markers."""
    claims = [
        {
            "kind": "journal",
            "name": claim_name("alluxio", ordinal),
            "ordinal": ordinal,
            "node": f"n{ordinal}",
            "path": "/mnt/j",
            "storage_class": volumes.STORAGE_CLASS,
        }
        for ordinal, _ in enumerate(markers)
    ]
    results = {
        f"h{number}": {
            "marker": base64.b64encode(item.text().encode()).decode(),
            "records": ["EMBEDDED"],
        }
        for number, item in enumerate(markers)
    }
    errors = node_report.lost(
        results,
        {f"h{number}": f"n{number}" for number, _ in enumerate(markers)},
        claims,
        EMBEDDED,
        noted={str(claim["name"]): said.text() for claim in claims},
        leads=leads,
    )
    return [str(error) for error in errors]


@pytest.mark.parametrize("leads", [False, True])
def test_preflight_reads_it_on_the_hosts(*, leads: bool) -> None:
    [old] = [served_marker(new_marker(EMBEDDED, 0, OLD), EMBEDDED, 0, OLD)]
    (told,) = lost(old, said=Note(SINCE, MADE), leads=leads)
    assert "the journal of master 0 (/mnt/j on n0) was made at" in told
    assert OLD_MADE in told
    assert MADE in told
    assert lost(old, said=Note(SINCE, OLD_MADE), leads=leads) == []
    assert lost(old, said=Note(SINCE), leads=leads) == []


def test_a_journal_of_another_release_is_told_by_its_own_check() -> None:
    theirs = new_marker(replace(EMBEDDED, release="other"), 0, OLD)
    assert lost(theirs, said=Note(SINCE, MADE)) == []
