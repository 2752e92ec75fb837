"""What lies in a journal volume is read, never guessed: the Job's script on real folders, and the marker."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    MARKER,
    UNFINISHED,
    Journal,
    Marker,
    Wanted,
    adopted_marker,
    is_in_volume,
    is_shared,
    new_marker,
    read_journal,
    read_marker,
    served_marker,
    version_numbers,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_job import LOOK

CLAIM: dict[str, Any] = {
    "name": "alluxio-journal-alluxio-master-0",
    "kind": "journal",
    "ordinal": 0,
    "path": "/mnt/fuse3/cache/alluxio/journal",
    "node": "n1",
    "storage_class": "alluxops-local",
}
UFS = Wanted("cache", "alluxio", "UFS", "2.9.6")
EMBEDDED = replace(UFS, journal_type="EMBEDDED")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MASTERS = ("BlockMaster", "FileSystemMaster", "MetaMaster")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """An empty journal volume."""
    folder = tmp_path / "journal"
    folder.mkdir()
    return folder


def look(volume: Path, wanted: Wanted = UFS) -> Journal:
    """Run the Job's script on a folder, as the pod would, and judge what it prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", LOOK],
        env={"JOURNAL": str(volume), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return read_journal(done.stdout, CLAIM, wanted)


def format_ufs(volume: Path, masters: tuple[str, ...] = MASTERS) -> None:
    """What `alluxio formatJournal` of 2.9.6 leaves for type UFS."""
    for name in masters:
        folder = volume / name / "v1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "_format_1700000000000").touch()


def write_ufs(volume: Path) -> None:
    """What a master leaves that has served for a while."""
    logs = volume / "FileSystemMaster" / "v1" / "logs"
    logs.mkdir(parents=True)
    (logs / "0x0-0x3").write_bytes(b"entries")


def write_raft(volume: Path) -> None:
    """What a member of a quorum leaves that had a leader."""
    current = volume / "raft" / "02511d47-d67c-49a3-9011-abb3109a44c1" / "current"
    current.mkdir(parents=True)
    (current / "raft-meta").write_text("term=1\n")
    (current / "log_inprogress_0").write_bytes(b"entries")


def mark(volume: Path, marker: Marker) -> None:
    (volume / MARKER).write_text(marker.text())


OURS = new_marker(UFS, 0, NOW)
OURS_EMBEDDED = new_marker(EMBEDDED, 0, NOW)


def test_an_empty_volume(volume: Path) -> None:
    assert look(volume).state == "empty"
    for name in ("lost+found", ".snapshot", "alluxops-backups"):
        (volume / name).mkdir()
    (volume / "alluxops-backups" / "alluxio-backup-2026-01-01-1.gz").touch()
    (volume / ".alluxops-proof").touch()
    found = look(volume)
    assert (found.state, found.types, found.records) == ("empty", (), ())


def test_a_ufs_journal_of_ours(volume: Path) -> None:
    format_ufs(volume)
    mark(volume, OURS)
    found = look(volume)
    assert (found.state, found.types, found.holds) == ("formatted", ("UFS",), False)
    write_ufs(volume)
    found = look(volume)
    assert (found.state, found.records, found.holds) == ("formatted", ("UFS",), True)


def test_another_cluster_s_journal_is_told_by_the_cluster_alone(volume: Path) -> None:
    prod, staging = replace(UFS, cluster="uid-prod"), replace(UFS, cluster="uid-staging")
    format_ufs(volume)
    mark(volume, new_marker(prod, 0, NOW))
    assert look(volume, prod).state == "formatted"
    found = look(volume, staging)
    assert found.state == "other"
    assert found.detail == "master 0 of release alluxio in namespace cache of cluster uid-prod"


def test_a_marker_that_names_no_cluster_is_ours_and_gets_it(volume: Path) -> None:
    wanted = replace(UFS, cluster="uid-prod")
    format_ufs(volume)
    mark(volume, OURS)
    assert look(volume, wanted).state == "formatted"
    served = served_marker(OURS, wanted, 0, NOW)
    assert served.cluster == "uid-prod"
    assert '"cluster": "uid-prod"' in served.text()
    encoded = base64.b64encode(served.text().encode()).decode()
    assert read_marker(encoded) == served
    assert "cluster" not in OURS.text()


def test_a_formatted_journal_without_a_marker_is_adopted(volume: Path) -> None:
    format_ufs(volume)
    assert look(volume).state == "adopted"


def test_an_embedded_journal(volume: Path) -> None:
    write_raft(volume)
    found = look(volume, EMBEDDED)
    assert (found.state, found.types, found.holds) == ("adopted", ("EMBEDDED",), True)
    mark(volume, OURS_EMBEDDED)
    assert look(volume, EMBEDDED).state == "formatted"


def test_a_new_embedded_journal_is_an_empty_folder_that_the_marker_tells_from_one_never_used(
    volume: Path,
) -> None:
    assert look(volume, EMBEDDED).state == "empty"
    mark(volume, OURS_EMBEDDED)
    found = look(volume, EMBEDDED)
    assert (found.state, found.holds) == ("formatted", False)


def test_a_raft_folder_without_a_log_holds_nothing(volume: Path) -> None:
    current = volume / "raft" / "02511d47-d67c-49a3-9011-abb3109a44c1" / "current"
    current.mkdir(parents=True)
    (current / "raft-meta").touch()
    assert not look(volume, EMBEDDED).holds


def test_both_types_in_one_volume_are_told_apart(volume: Path) -> None:
    format_ufs(volume)
    write_ufs(volume)
    found = look(volume, EMBEDDED)
    assert (found.state, found.types, found.records) == ("empty", ("UFS",), ("UFS",))
    write_raft(volume)
    mark(volume, OURS_EMBEDDED)
    assert look(volume, EMBEDDED).state == "formatted"
    assert look(volume, UFS).records == ("UFS", "EMBEDDED")


def test_an_interrupted_first_format_left_nothing_worth_keeping(volume: Path) -> None:
    (volume / UNFINISHED).touch()
    format_ufs(volume, MASTERS[:1])
    assert look(volume).state == "empty"


def test_a_format_that_someone_else_interrupted_is_begun_again(volume: Path) -> None:
    format_ufs(volume, MASTERS[:1])
    (volume / "FileSystemMaster" / "v1").mkdir(parents=True)
    assert look(volume).state == "empty"


def test_an_interrupted_format_of_a_used_journal_is_not_taken_for_a_journal(volume: Path) -> None:
    format_ufs(volume)
    write_ufs(volume)
    (volume / UNFINISHED).touch()
    found = look(volume)
    assert found.state == "unfinished"
    assert "logs/0x0-0x3" in found.detail


def test_a_folder_that_an_upgrade_added_does_not_make_a_journal_unformatted(volume: Path) -> None:
    format_ufs(volume)
    write_ufs(volume)
    (volume / "ThrottleMaster" / "v1" / "logs").mkdir(parents=True)
    assert look(volume).state == "adopted"


@pytest.mark.parametrize(
    ("marker", "whose"),
    [
        (replace(OURS, release="other"), "release other in namespace cache"),
        (replace(OURS, namespace="elsewhere"), "namespace elsewhere"),
        (replace(OURS, ordinal=2), "master 2 of release alluxio"),
    ],
)
def test_a_marker_of_another_is_told_by_name(volume: Path, marker: Marker, whose: str) -> None:
    format_ufs(volume)
    mark(volume, marker)
    found = look(volume)
    assert found.state == "other"
    assert whose in found.detail
    assert found.marker_path == "/mnt/fuse3/cache/alluxio/journal/.alluxops.json on n1"


def test_a_shared_journal_carries_master_0s_marker(volume: Path) -> None:
    format_ufs(volume)
    shared = replace(UFS, shared=True)
    mark(volume, new_marker(shared, 2, NOW))
    assert look(volume, shared).state == "formatted"


def test_a_marker_without_a_namespace_is_ours(volume: Path) -> None:
    format_ufs(volume)
    early = {"release": "alluxio", "ordinal": 0, "formatted_at": "2026-01-02T03:04:05Z"}
    (volume / MARKER).write_text(json.dumps(early))
    assert look(volume).state == "formatted"


def test_foreign_files_are_told_by_name(volume: Path) -> None:
    (volume / "thesis.tex").write_text("dear diary")
    found = look(volume)
    assert found.state == "foreign"
    assert "thesis.tex" in found.detail


@pytest.mark.parametrize("name", ['a "quoted" \\ name', "two\nlines", "tab\tand\x01more"])
def test_odd_names_do_not_break_the_line(volume: Path, name: str) -> None:
    (volume / name).touch()
    assert look(volume).state == "foreign"


@pytest.mark.parametrize(
    "text", ["", "journal-state {", "journal-state []", "sh: not found", "journal-state"]
)
def test_output_without_a_state_is_an_error(text: str) -> None:
    with pytest.raises(CacheError, match="printed no state"):
        read_journal(text, CLAIM, UFS)


def test_the_place_is_told_for_volumes_of_ours_only(volume: Path) -> None:
    line = 'journal-state {"error":""}'
    assert read_journal(line, CLAIM, UFS).place == "/mnt/fuse3/cache/alluxio/journal on n1"
    cloud = read_journal(line, {**CLAIM, "storage_class": "gp3"}, UFS)
    assert cloud.place == ""
    assert CLAIM["name"] in cloud.marker_path


def test_a_marker_is_read_as_it_was_written() -> None:
    for marker in (
        new_marker(UFS, 0, NOW, "s3://b/alluxio_backups/x.gz"),
        adopted_marker(EMBEDDED, 2, NOW),
        served_marker(None, UFS, 0, NOW),
    ):
        assert read_marker(marker.encoded()) == marker
    assert read_marker("") is None
    assert read_marker(base64.b64encode(b"not json").decode()) is None


def test_a_marker_says_what_the_brief_of_a_volume_is() -> None:
    assert json.loads(new_marker(EMBEDDED, 1, NOW).text()) == {
        "namespace": "cache",
        "release": "alluxio",
        "ordinal": 1,
        "journal_type": "EMBEDDED",
        "version": "2.9.6",
        "formatted_at": "2026-01-02T03:04:05Z",
    }


def test_serving_adopts_and_keeps_the_newest_version() -> None:
    adopted = served_marker(None, UFS, 0, NOW)
    assert adopted.adopted_at == "2026-01-02T03:04:05Z"
    assert adopted.served
    newer = served_marker(replace(OURS, version="2.9.10"), UFS, 0, NOW)
    assert newer.version == "2.9.10"
    older = served_marker(replace(OURS, version="2.8.1"), UFS, 0, NOW)
    assert (older.version, older.formatted_at) == ("2.9.6", OURS.formatted_at)
    assert served_marker(older, UFS, 0, NOW) == older


def test_serving_does_not_end_a_restore_unless_it_is_said_so() -> None:
    begun = new_marker(UFS, 0, NOW, "backup.gz")
    assert served_marker(begun, UFS, 0, NOW).restoring == "backup.gz"
    assert served_marker(begun, UFS, 0, NOW, restored=True).restoring is None


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("2.9.6", (2, 9, 6)),
        ("2.9.6-custom", (2, 9, 6)),
        ("2.10", (2, 10)),
        ("latest", ()),
        ("", ()),
    ],
)
def test_versions_are_compared_by_number(version: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(version) == numbers


def test_what_is_wanted_is_read_from_the_values() -> None:
    values = {
        "imageTag": "2.9.6",
        "journal": {"type": "UFS", "volumeType": "persistentVolumeClaim"},
        "properties": {"alluxio.zookeeper.enabled": "true"},
    }
    assert Wanted.from_values("cache", "alluxio", values, cluster="") == replace(UFS, shared=True)
    assert is_in_volume(values)
    assert not is_in_volume({"journal": {"type": "UFS", "ufsType": "HDFS"}})
    assert not is_in_volume({"journal": {"type": "EMBEDDED", "volumeType": "emptyDir"}})


@pytest.mark.parametrize(
    ("properties", "shared"),
    [
        ({"alluxio.zookeeper.enabled": "true"}, True),
        ({"alluxio.zookeeper.enabled": True}, True),
        ({}, False),
    ],
)
def test_with_zookeeper_all_masters_use_one_journal(
    properties: dict[str, object], *, shared: bool
) -> None:
    assert is_shared({"properties": properties}) is shared
