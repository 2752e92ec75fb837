"""What claims say of journals: nothing is formatted, started or adopted in the place of one that is not there."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import journal, node_report, volumes
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Journal,
    Wanted,
    about_to_start,
    claim_name,
    new_marker,
    served_marker,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import HOLDS_JOURNAL, Note
from tests.unit.cache.journal_volumes import Volumes, forced, guard, holds, marker, options
from tests.unit.cache.test_journal_left import Scaled, mark
from tests.unit.cache.test_journal_marker import marked
from tests.unit.cache.test_journal_plan import EMBEDDED, NOW, SERVED, UFS, decide, journals

SINCE = "2026-01-02T03:04:05Z"
FORGET = "kubectl -n cache annotate pvc {} alluxops.io/holds-journal-"
Json = dict[str, Any]


def noted(*kinds: str, wanted: Wanted = EMBEDDED) -> list[Journal]:
    """Journals whose claims say that they are there."""
    return journals(*kinds, wanted=wanted, noted=Note(SINCE))


# The decision.


@pytest.mark.parametrize("policy", ["if_empty", "never"])
@pytest.mark.parametrize("leads", [False, True])
@pytest.mark.parametrize("wanted", [UFS, EMBEDDED, replace(UFS, shared=True)])
def test_a_journal_that_its_claim_speaks_of_is_not_begun_anew(
    policy: Any, wanted: Wanted, *, leads: bool
) -> None:
    with pytest.raises(SettingsError, match=f"master 0 .* is empty, .* since {SINCE}") as refusal:
        decide(noted("empty", wanted=wanted), policy, wanted, leads=leads)
    assert "not mounted" in refusal.value.cause
    assert FORGET.format("journal-0") in refusal.value.fix
    assert ("`alluxops restore`" in refusal.value.fix) is not leads


def test_what_is_asked_for_and_confirmed_is_begun_anew() -> None:
    found = noted("empty", wanted=UFS)
    assert decide(found, "force", confirmed=True).format == (0,)
    assert decide(found, restoring="/b.gz").format == (0,)
    assert decide(noted("used"), wanted=EMBEDDED, masters=3, stale=True).format == (0,)


def test_a_journal_that_was_formatted_and_not_started_is_there() -> None:
    assert decide(noted("formatted", "formatted", "formatted"), wanted=EMBEDDED).format == ()


def test_entries_without_a_marker_may_be_of_masters_that_began_anew() -> None:
    with pytest.raises(SettingsError, match="has no marker") as refusal:
        decide(noted("adopted-used"), wanted=EMBEDDED)
    assert "not mounted" in refusal.value.cause
    assert decide(journals("adopted-used", wanted=EMBEDDED), wanted=EMBEDDED).adopt == (0,)


@pytest.mark.parametrize("lost", ["empty", "adopted-used"])
def test_a_lost_minority_is_brought_up_to_date_by_those_that_serve_only(lost: str) -> None:
    found = noted("used", lost, "used")
    assert decide(found, wanted=EMBEDDED, leads=True).format == ((1,) if lost == "empty" else ())
    with pytest.raises(SettingsError, match="master 1") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "acknowledged" in refusal.value.cause
    assert "come to a leader first" in refusal.value.fix


@pytest.mark.parametrize("leads", [False, True])
def test_a_lost_majority_is_not_outvoted(*, leads: bool) -> None:
    with pytest.raises(SettingsError, match="the same goes for master 2") as refusal:
        decide(noted("used", "adopted-used", "empty"), wanted=EMBEDDED, leads=leads)
    assert ("--replicas=0`), mount the disk" in refusal.value.fix) is leads


@pytest.mark.parametrize(
    ("kinds", "refused"),
    [
        (["used", "used", "used", "empty", "empty"], True),
        (["used", "used", "used", "formatted", "empty"], True),  # one was about to join
        (["used", "used", "used", "formatted", "formatted"], False),  # a first run of five
        (["used", "used", "used", "used", "empty"], False),
        (["used", "empty", "used", "empty", "used"], False),
    ],
)
def test_two_empty_newcomers_do_not_start_at_once(kinds: list[str], *, refused: bool) -> None:
    found = journals(*kinds, wanted=EMBEDDED)
    assert decide(found, wanted=EMBEDDED, leads=True) is not None
    if not refused:
        assert decide(found, wanted=EMBEDDED) is not None
        return
    with pytest.raises(SettingsError, match="masters 3, 4") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "set alluxio_masters: 3 " in refusal.value.fix
    assert "`alluxops scale-masters`" in refusal.value.fix


def test_a_lost_member_of_a_quorum_comes_back_though_its_marker_stayed() -> None:
    found = journals("used", "used", "used", wanted=EMBEDDED)
    served = replace(new_marker(EMBEDDED, 1, NOW), served=True)
    found[1] = replace(found[1], state="formatted", records=(), marker=served)
    assert decide(found, wanted=EMBEDDED, leads=True).format == ()
    empty = [found[0], replace(found[1], state="empty", types=()), found[2]]
    assert decide(empty, wanted=EMBEDDED, leads=True).format == (1,)
    for kinds in (found, empty):
        with pytest.raises(SettingsError, match=r"the journal of master 1 .* is gone") as refusal:
            decide(kinds, wanted=EMBEDDED)
        assert "come to a leader first" in refusal.value.fix


# The guard, over folders.


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


def unmount(cluster: Volumes, *ordinals: int) -> None:
    """What a disk that is not mounted leaves: the directory below it."""
    for ordinal in ordinals:
        cluster.folder(ordinal).rename(cluster.root / f"disk-{ordinal}")
        cluster.folder(ordinal)


def test_a_first_run_notes_what_it_made_before_a_master_starts(cluster: Volumes) -> None:
    guard(cluster).run()
    assert cluster.noted() == [0, 1, 2]
    unmount(cluster, 0, 1, 2)
    with pytest.raises(SettingsError, match="is empty"):
        guard(cluster).run()
    assert not any(cluster.folder(0).iterdir())
    for ordinal in range(3):
        cluster.folder(ordinal).rmdir()
        (cluster.root / f"disk-{ordinal}").rename(cluster.folder(ordinal))
    assert not guard(cluster).run()["changed"]


def test_a_forced_format_notes_anew_and_one_that_dies_leaves_no_note(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard(cluster).run()
    cluster.notes = dict.fromkeys(cluster.notes, SINCE)
    forced(cluster).run()
    assert cluster.noted() == [0, 1, 2]
    assert SINCE not in cluster.notes.values()
    found = forced(cluster)
    monkeypatch.setattr(found, "_treated", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        found.run()
    assert cluster.noted() == []


def test_a_disk_that_was_replaced_is_formatted_beside_those_that_lead(cluster: Volumes) -> None:
    guard(cluster).run()
    cluster.serve(True, False, True)
    unmount(cluster, 1)
    cluster.leads = False
    with pytest.raises(SettingsError, match="come to a leader first"):
        guard(cluster).run()
    assert not any(cluster.folder(1).iterdir())
    cluster.leads = True
    assert [item["formatted_now"] for item in guard(cluster).run()["journals"]] == [True]
    assert cluster.noted() == [0, 1, 2]
    assert holds(cluster) == [True, False, True]


def test_a_lost_member_still_counts_as_lost_where_a_run_dies_before_the_next_is_made(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard(cluster).run()
    cluster.serve(True, False, True)
    unmount(cluster, 1)
    found = guard(cluster)
    monkeypatch.setattr(found, "_treated", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        found.run()
    assert cluster.noted() == [0, 1, 2]
    cluster.leads = False
    with pytest.raises(SettingsError, match="come to a leader first"):
        guard(cluster).run()
    cluster.leads = True
    assert [item["formatted_now"] for item in guard(cluster).run()["journals"]] == [True]
    assert not guard(cluster).run()["changed"]


def test_a_newer_alluxio_is_written_down_before_it_starts(cluster: Volumes) -> None:
    guard(cluster).run()
    newer = {**options()["values"], "imageTag": "2.9.10"}
    assert guard(cluster, values=newer).run()["changed"]
    assert not guard(cluster, values=newer).run()["changed"]
    found = marker(cluster, 0)
    assert found is not None
    assert (found.version, found.next_version) == ("2.9.6", "2.9.10")
    with pytest.raises(SettingsError, match=r"Alluxio 2\.9\.10 was to start on") as refusal:
        guard(cluster).run()
    assert "If that never served, remove .alluxops.json" in refusal.value.fix
    # While the release is there, preflight knows what has served: not one whose image cannot be had, say.
    cluster.serve(False, False, False)
    other = {**options()["values"], "imageTag": "2.9.7"}
    for values, left in ((other, "2.9.7"), (options()["values"], "")):
        assert guard(cluster, values=values).run()["changed"]
        assert marker(cluster, 0).next_version == left  # type: ignore[union-attr]


# The markers, while masters serve.


def test_a_journal_that_masters_began_anew_is_not_made_ours(cluster: Volumes) -> None:
    guard(cluster).run()
    unmount(cluster, 0, 1, 2)
    with pytest.raises(SettingsError, match="has no marker") as refusal:
        marked(cluster, ready=[0, 1, 2])
    assert "--replicas=3`" in refusal.value.fix
    assert [marker(cluster, ordinal) for ordinal in range(3)] == [None] * 3


def test_a_member_that_was_replaced_is_made_ours_beside_the_others(cluster: Volumes) -> None:
    guard(cluster).run()
    unmount(cluster, 1)
    with pytest.raises(SettingsError, match="has no marker"):
        marked(cluster, ready=[0, 1], masters=3)  # the third may be the only one that knows
    assert marked(cluster, ready=[0, 1, 2])["changed"]
    assert marker(cluster, 1).adopted_at  # type: ignore[union-attr]


def test_a_journal_from_before_the_notes_gets_one(cluster: Volumes) -> None:
    cluster.write(0)
    assert marked(cluster, dry=True)["noted"] == [claim_name("alluxio", 0)]
    assert cluster.noted() == []
    assert marked(cluster)["changed"]
    assert cluster.noted() == [0]
    assert not marked(cluster)["changed"]
    cluster.notes = {}
    assert marked(cluster)["changed"]  # as after an upgrade of alluxops
    assert cluster.noted() == [0]


def test_an_upgrade_that_dies_leaves_word_of_what_it_was_to_start(cluster: Volumes) -> None:
    cluster.write(0)
    assert marked(cluster, upcoming="2.9.10")["changed"]
    assert (
        marked(cluster)["changed"] is False
    )  # 2.9.6 serves again, and nobody knows who led meanwhile
    found = marker(cluster, 0)
    assert found is not None
    assert (found.version, found.newest) == ("2.9.6", "2.9.10")
    back = served_marker(
        found, EMBEDDED, 0, NOW, upcoming="2.9.6"
    )  # a rollback, which saw what runs
    assert back.newest == "2.9.6"
    newer = replace(EMBEDDED, version="2.9.10")
    ended = served_marker(found, newer, 0, NOW)
    assert (ended.version, ended.next_version) == ("2.9.10", "")


@pytest.mark.parametrize("version", ["2.9.6", "2.9.4", "latest", ""])
def test_what_is_not_newer_is_nothing_to_write_down(version: str) -> None:
    assert about_to_start(SERVED, version) == SERVED


def test_an_older_alluxio_than_one_that_was_to_start_is_refused() -> None:
    found = journals("used", marker=replace(SERVED, next_version="2.9.10"))
    with pytest.raises(SettingsError, match=r"2\.9\.10 was to start on") as refusal:
        decide(found)
    assert "set alluxio_version: 2.9.10" in refusal.value.fix
    assert decide(found, wanted=replace(UFS, version="2.9.10")).format == ()


class Noted(Scaled):
    """A release of one master that had three, whose claims say that a journal lies there."""

    def _claim(self, ordinal: int) -> Json:
        claim = super()._claim(ordinal)
        claim["metadata"] |= self._annotations(claim["metadata"]["name"])
        return claim


def test_nobody_is_to_miss_an_old_copy(tmp_path: Path) -> None:
    cluster = Noted(tmp_path)
    cluster.notes = {claim_name("alluxio", ordinal): SINCE for ordinal in range(3)}
    cluster.not_ready = {"n3"}
    assert mark(cluster)["left"] == [1]
    assert cluster.noted() == [0]


# Preflight, before anything makes a directory in the place of a disk.


def lost(*results: Json | None, leads: bool = False, wanted: Wanted = EMBEDDED) -> list[str]:
    """What preflight says of hosts; None for one that was not looked at."""
    names = [f"n{number}" for number, _ in enumerate(results)]
    claims = [
        {
            "kind": "journal",
            "name": claim_name("alluxio", ordinal),
            "ordinal": ordinal,
            "node": node,
            "path": "/mnt/j",
            "storage_class": volumes.STORAGE_CLASS,
        }
        for ordinal, node in enumerate(names)
    ]
    found = node_report.lost(
        {f"{node}.x": result or {} for node, result in zip(names, results, strict=True)},
        {f"{node}.x": node for node in names},
        [*claims, {"kind": "domain", "name": "d", "ordinal": None, "node": None}],
        wanted,
        noted={str(claim["name"]): SINCE for claim in claims},
        leads=leads,
    )
    return [str(error) for error in found]


def there(ordinal: int, wanted: Wanted = EMBEDDED) -> Json:
    text = served_marker(new_marker(wanted, ordinal, NOW), wanted, ordinal, NOW).text()
    return {
        "marker": base64.b64encode(text.encode()).decode(),
        "records": [wanted.journal_type],
    }


GONE: Json = {"marker": "", "records": []}
BLANK: Json = {"marker": "", "records": ["EMBEDDED"]}


def test_disks_that_are_not_mounted_are_refused_before_directories_take_their_place() -> None:
    (told,) = lost(GONE, GONE, GONE)
    assert "the journal of master 0 (/mnt/j on n0) is empty" in told
    assert "the same goes for masters 1 and 2" in told
    assert "mount the disk" in told
    assert len(lost(GONE, wanted=UFS)) == 1


def test_masters_that_began_anew_are_told_as_long_as_they_serve() -> None:
    (told,) = lost(BLANK, BLANK, BLANK, leads=True)
    assert "has no marker" in told
    assert "--replicas=0" in told


def test_a_disk_that_was_replaced_passes_while_a_master_leads() -> None:
    hosts = (there(0), GONE, there(2))
    assert lost(*hosts, leads=True) == []
    assert "come to a leader first" in lost(*hosts)[0]


def test_what_was_not_looked_at_is_not_lost() -> None:
    assert lost(there(0), None, {"unreachable": True}) == []
    assert lost(there(0), there(1), there(2)) == []
    broken = {"marker": base64.b64encode(b"{").decode()}
    assert lost(broken, wanted=UFS) == []  # its own check tells


def test_claims_tell_since_when() -> None:
    claim: Json = {"metadata": {"name": "c"}, "spec": {}}
    assert volumes.claim_facts(claim)["holds_journal"] == ""
    claim["metadata"]["annotations"] = {HOLDS_JOURNAL: SINCE}
    assert volumes.claim_facts(claim)["holds_journal"] == SINCE
    assert journal.claim_name("a", 2) == "alluxio-journal-a-master-2"
