"""A backup of what may be another journal: it lies apart, says so, and pushes out none of the right one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action.backup import ActionModule
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import HOLDS_JOURNAL
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import served_journals
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from tests.unit.cache.journal_volumes import Volumes
from tests.unit.cache.test_backup import MID, NEW, OLD
from tests.unit.cache.test_backups import FOLDER, Cluster, in_ufs, left_behind, store

Json = dict[str, Any]
WANTED = journal.Wanted("cache", "alluxio", "EMBEDDED", cluster="uid-1")
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD_MADE = datetime(2025, 5, 5, tzinfo=UTC)
NOTE = "2026-01-02T03:04:09Z, made 2026-01-02T03:04:05Z"


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    """Three masters whose claims speak of the journals that they serve from."""
    cluster = Volumes(tmp_path)
    cluster.serve(True, True, True)
    for ordinal in range(3):
        mark(cluster, ordinal, journal.new_marker(WANTED, ordinal, MADE))
        cluster.notes[journal.claim_name("alluxio", ordinal)] = NOTE
    return cluster


def mark(cluster: Volumes, ordinal: int, marker: journal.Marker | None) -> None:
    path = cluster.folder(ordinal) / journal.MARKER
    path.unlink(missing_ok=True)
    if marker is not None:
        path.write_text(marker.text())


def doubt(cluster: Volumes, wanted: journal.Wanted = WANTED) -> str:
    kube = cast("Kube", cluster)
    seen = objects.look(kube, "cache", "alluxio")
    return served_journals.doubt(kube, wanted, seen, "/journal")


def test_the_journals_that_the_claims_speak_of_are_believed(cluster: Volumes) -> None:
    assert doubt(cluster) == ""


def test_journals_of_whose_claims_nothing_is_known_are_believed(cluster: Volumes) -> None:
    cluster.notes = {}
    mark(cluster, 0, None)
    mark(cluster, 1, journal.new_marker(WANTED, 1, OLD_MADE))
    assert doubt(cluster) == ""


def test_an_old_disk_over_the_journal_is_doubted(cluster: Volumes) -> None:
    mark(cluster, 2, journal.new_marker(WANTED, 2, OLD_MADE))
    said = doubt(cluster)
    assert "was made at 2025-05-05T00:00:00Z, says its marker" in said
    assert "Fix: stop the masters" in said


def test_a_journal_begun_anew_in_the_place_of_a_lost_one_is_doubted(cluster: Volumes) -> None:
    for ordinal in (0, 1):
        mark(cluster, ordinal, None)
    assert "alluxio-journal-alluxio-master-0 says that one of alluxio lies there" in doubt(cluster)


def test_a_minority_that_the_others_bring_up_to_date_is_believed(cluster: Volumes) -> None:
    mark(cluster, 1, None)
    assert doubt(cluster) == ""
    alone = replace(WANTED, journal_type="UFS")
    assert "says that one of alluxio lies there" in doubt(cluster, alone)


def test_another_release_s_journal_is_doubted(cluster: Volumes) -> None:
    mark(cluster, 0, journal.new_marker(replace(WANTED, release="other"), 0, MADE))
    assert "names master 0 of release other" in doubt(cluster)


@pytest.mark.parametrize(("newer", "older"), [("EMBEDDED", "UFS"), ("UFS", "EMBEDDED")])
def test_a_release_put_back_to_before_a_conversion_is_doubted(
    cluster: Volumes, newer: Any, older: Any
) -> None:
    # `helm rollback` by hand: one volume, one marker, which the claim speaks of; the other journal in it is served.
    converted = replace(WANTED, journal_type=newer)
    made = journal.new_marker(converted, 0, MADE)
    mark(cluster, 0, journal.served_marker(made, converted, 0, MADE))
    cluster.notes = {journal.claim_name("alluxio", 0): NOTE}
    assert doubt(cluster, converted) == ""
    said = doubt(cluster, replace(WANTED, journal_type=older))
    assert f"serves from a journal of type {older}, and" in said
    assert f"was served from as type {newer} last" in said
    assert "Fix: stop the masters" in said


def test_a_marker_that_cannot_be_read_is_doubted(cluster: Volumes) -> None:
    (cluster.folder(0) / journal.MARKER).write_text("{")
    assert journal.BROKEN_MARKER in doubt(cluster)


def test_a_shared_journal_is_the_leader_s_and_master_0_s(cluster: Volumes) -> None:
    shared = replace(WANTED, journal_type="UFS", shared=True)
    cluster.notes = {journal.claim_name("alluxio", 0): NOTE}
    assert doubt(cluster, shared) == ""
    mark(cluster, 0, journal.new_marker(shared, 0, OLD_MADE))
    assert "was made at 2025-05-05T00:00:00Z" in doubt(cluster, shared)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({}, ("UFS", False)),
        ({"alluxio.master.journal.type": "EMBEDDED"}, ("EMBEDDED", False)),
        ({"alluxio.zookeeper.enabled": "true"}, ("UFS", True)),
    ],
)
def test_how_the_journals_are_used_is_read_from_the_leader(told: Json, wanted: Any) -> None:
    found = served_journals.wanted_of(told, "cache", "alluxio", cluster_uid="uid-1")
    assert (found.journal_type, found.shared, found.cluster) == (*wanted, "uid-1")


# The verb.


class Noted(Cluster):
    """A cluster whose first claim speaks of a journal."""

    note = NOTE

    def list_objects(self, *where: Any, **how: Any) -> list[Json]:
        if not str(where[0]).endswith("/persistentvolumeclaims"):
            return super().list_objects(*where, **how)
        name = journal.claim_name("alluxio", 0)
        return [{"metadata": {"name": name, "annotations": {HOLDS_JOURNAL: self.note}}}]

    def mark(self, made: datetime) -> None:
        wanted = journal.Wanted("ns", "alluxio", cluster="uid-1")
        path = self.path("alluxio-master-0", "/journal") / journal.MARKER
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(journal.new_marker(wanted, 0, made).text())


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noted:
    apart = tmp_path / "ufs" / FOLDER / "before-changes"
    apart.mkdir(parents=True)
    cluster = Noted(tmp_path)
    in_ufs_of: Any = lambda place, _root: "/ufs" + place.in_cache  # noqa: E731
    monkeypatch.setattr(
        "ansible_collections.alluxops.cache.plugins.module_utils.backup_place.Place.in_ufs",
        in_ufs_of,
    )
    store(cluster, OLD, MID)
    return cluster


def back_up(cluster: Noted, *, check: bool = False, to: str = "ufs") -> Json:
    action = ActionModule.__new__(ActionModule)
    action._task = cast("Any", SimpleNamespace(check_mode=check))
    options = {
        "namespace": "ns",
        "release": "alluxio",
        "to": to,
        "keep": 1,
        "wait_timeout_s": 30,
    }
    return action.act(cast("Kube", cluster), options)


def test_a_backup_of_the_right_journal_pushes_older_ones_out(noted: Noted) -> None:
    noted.mark(MADE)
    result = back_up(noted)
    assert result["backup"]["pruned"] == [OLD, MID]
    assert result["warnings"] == []


def test_a_backup_of_another_journal_lies_apart_and_pushes_none_out(noted: Noted) -> None:
    noted.mark(OLD_MADE)
    result = back_up(noted)
    assert result["backup"]["pruned"] == []
    assert result["backup"]["uri"].endswith(f"/before-changes/{NEW}")
    (warning,) = result["warnings"]
    assert "none of them is removed" in warning
    assert "was made at 2025-05-05T00:00:00Z, says its marker" in warning
    assert {OLD, MID, "before-changes"} <= set(in_ufs(noted))
    assert NEW not in in_ufs(noted)


def test_a_backup_of_the_journal_from_before_a_conversion_pushes_none_out(noted: Noted) -> None:
    noted.mark(MADE)
    converted = journal.Wanted("ns", "alluxio", "EMBEDDED", cluster="uid-1")
    made = journal.new_marker(converted, 0, MADE)
    path = noted.path("alluxio-master-0", "/journal") / journal.MARKER
    path.write_text(journal.served_marker(made, converted, 0, MADE).text())
    result = back_up(noted)
    assert result["backup"]["pruned"] == []
    assert result["backup"]["uri"].endswith(f"/before-changes/{NEW}")
    assert "was served from as type EMBEDDED last" in result["warnings"][0]


def test_neither_goes_what_lies_beside_the_journals(noted: Noted, tmp_path: Path) -> None:
    noted.mark(OLD_MADE)
    folders = left_behind(noted, OLD, f"{OLD}.complete")
    back_up(noted, to=str(tmp_path / "backups"))
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == [OLD, f"{OLD}.complete"]


def test_check_mode_speaks_of_what_goes_not_of_backups_that_may_not_be_there(noted: Noted) -> None:
    noted.mark(MADE)
    summary = back_up(noted, check=True)["summary"]
    assert summary.endswith("; of more than 1 there, the oldest would go")


def test_check_mode_says_the_same(noted: Noted) -> None:
    noted.mark(OLD_MADE)
    result = back_up(noted, check=True)
    assert "before-changes/" in result["summary"]
    assert "would go" not in result["summary"]
    assert len(result["warnings"]) == 1
