"""The Job that looks and formats: what it is made of, and its scripts on real folders."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import journal_job
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    MARKER,
    UNFINISHED,
    Wanted,
    adopted_marker,
    new_marker,
    read_journal,
    read_marker,
)
from tests.unit.cache.zookeeper_server import zookeeper_server

CLAIM: dict[str, Any] = {
    "name": "alluxio-journal-alluxio-master-1",
    "kind": "journal",
    "ordinal": 1,
}
WANTED = Wanted("cache", "alluxio", "EMBEDDED", "2.9.6")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_format_uses_the_releases_journal_settings() -> None:
    values = {
        "journal": {"type": "UFS", "folder": "/journal"},
        "master": {"count": 3, "properties": {"alluxio.master.journal.log.size.bytes.max": "1MB"}},
        "properties": {
            "alluxio.master.mount.table.root.ufs": "s3://b/",
            "alluxio.master.journal.folder": "/other",
            "alluxio.master.journal.init.from.backup": "/x.gz",
        },
    }
    options = journal_job.java_options(values, "cache", 1)
    assert "-Dalluxio.master.hostname=cache-master-1" in options
    assert "-Dalluxio.master.journal.type=UFS" in options
    assert "-Dalluxio.master.journal.folder=/other" in options
    assert "-Dalluxio.master.journal.log.size.bytes.max=1MB" in options
    assert not any("root.ufs" in option or "backup" in option for option in options)


def test_the_job_runs_the_releases_image_as_the_journals_owner_on_its_volume() -> None:
    values = {
        "image": "mirror/alluxio",
        "imageTag": "2.9.6",
        "user": 1000,
        "imagePullSecrets": ["pull"],
    }
    made = journal_job.job(WANTED, CLAIM, values)
    spec = made["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "mirror/alluxio:2.9.6"
    assert {"name": "JOURNAL_TYPE", "value": "EMBEDDED"} in spec["containers"][0]["env"]
    assert spec["securityContext"]["runAsUser"] == 1000
    assert spec["volumes"][0]["persistentVolumeClaim"]["claimName"] == CLAIM["name"]
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert made["spec"]["backoffLimit"] == 0
    assert made["spec"]["activeDeadlineSeconds"] > 0
    assert "affinity" not in spec


def test_the_job_runs_where_a_masters_pod_has_the_volume() -> None:
    spec = journal_job.job(WANTED, CLAIM, {}, "n2")["spec"]["template"]["spec"]
    assert "'values': ['n2']" in str(spec["affinity"])


def test_a_jobs_name_is_always_the_same_and_short_enough_for_a_label() -> None:
    assert journal_job.job_name(CLAIM["name"]) == journal_job.job_name(CLAIM["name"])
    assert len(journal_job.job_name("x" * 200)) <= 63


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume with a journal of each type that a master has used, a backup and somebody's file."""
    folder = tmp_path / "journal"
    for name in (
        "FileSystemMaster/v1/_format_1",
        "FileSystemMaster/v1/logs/0x0-0x3",
        "raft/02511d47/current/log_inprogress_0",
        "alluxops-backups/alluxio-backup-2026-01-01-1.gz",
        "notes.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("content")
    return folder


@pytest.fixture
def alluxio(tmp_path: Path) -> Path:
    """`alluxio formatJournal` as 2.9.6 does it for type UFS; FAIL makes it fail half-way."""
    program = tmp_path / "bin" / "alluxio"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nset -e\n[ "$1" = formatJournal ]\nrm -rf "$JOURNAL/FileSystemMaster/v1/logs"\n'
        '[ -z "${FAIL:-}" ] || exit 1\nmkdir -p "$JOURNAL/FileSystemMaster/v1"\n'
        'touch "$JOURNAL/FileSystemMaster/v1/_format_2"\n'
    )
    program.chmod(0o755)
    return program.parent


def run(
    text: str, volume: Path, *arguments: str, path: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        journal_job.script(text, str(volume), *arguments),
        env={"JOURNAL": str(volume), "PATH": f"{path or ''}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def files(volume: Path) -> set[str]:
    return {str(path.relative_to(volume)) for path in volume.rglob("*") if path.is_file()}


def test_formatting_an_embedded_journal_leaves_all_else_in_the_volume(volume: Path) -> None:
    before = files(volume)
    marker = new_marker(WANTED, 1, NOW)
    text = journal_job.FORMAT + journal_job.LOOK
    done = run(text, volume, marker.encoded(), JOURNAL_TYPE="EMBEDDED")
    assert done.returncode == 0, done.stderr
    assert files(volume) == before - {"raft/02511d47/current/log_inprogress_0"} | {MARKER}
    after = read_journal(done.stdout, CLAIM, WANTED)
    assert (after.state, after.holds, after.records) == ("formatted", False, ("UFS",))
    assert after.marker == marker


def test_formatting_a_ufs_journal_leaves_all_else_in_the_volume(
    volume: Path, alluxio: Path
) -> None:
    marker = new_marker(replace(WANTED, journal_type="UFS"), 1, NOW)
    text = journal_job.FORMAT + journal_job.LOOK
    done = run(text, volume, marker.encoded(), path=alluxio, JOURNAL_TYPE="UFS")
    assert done.returncode == 0, done.stderr
    after = read_journal(done.stdout, CLAIM, replace(WANTED, journal_type="UFS"))
    assert (after.state, after.holds, after.records) == ("formatted", False, ("EMBEDDED",))
    assert {"notes.txt", "alluxops-backups/alluxio-backup-2026-01-01-1.gz"} <= files(volume)


def test_a_format_that_fails_leaves_no_marker_and_is_told(volume: Path, alluxio: Path) -> None:
    ufs = replace(WANTED, journal_type="UFS")
    run(journal_job.WRITE_MARKER, volume, new_marker(ufs, 1, NOW).encoded())
    marker = new_marker(ufs, 1, NOW).encoded()
    done = run(journal_job.FORMAT, volume, marker, path=alluxio, JOURNAL_TYPE="UFS", FAIL="1")
    assert done.returncode != 0
    assert MARKER not in files(volume)
    assert UNFINISHED in files(volume)


def test_a_format_of_another_folder_than_the_volumes_is_refused(tmp_path: Path) -> None:
    done = run(journal_job.FORMAT, tmp_path, "", JOURNAL="/elsewhere", JOURNAL_TYPE="EMBEDDED")
    assert done.returncode != 0


def test_a_marker_is_written_and_read(volume: Path) -> None:
    marker = adopted_marker(WANTED, 1, NOW)
    assert run(journal_job.READ_MARKER, volume).stdout == ""
    assert run(journal_job.WRITE_MARKER, volume, marker.encoded()).returncode == 0
    assert read_marker(run(journal_job.READ_MARKER, volume).stdout.strip()) == marker


def test_a_nonce_is_read_where_it_was_written_and_nowhere_else(
    volume: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    impatient = journal_job.READ_PROOF.replace("tries=20", "tries=1")
    assert run(journal_job.WRITE_PROOF, volume, "abc").returncode == 0
    assert run(journal_job.READ_PROOF, volume, "abc").returncode == 0
    found = run(impatient, elsewhere, "abc")
    assert (found.returncode, found.stdout.strip()) == (1, "nothing")
    run(journal_job.WRITE_PROOF, elsewhere, "xyz")
    assert run(impatient, elsewhere, "abc").stdout.strip() == "xyz"
    run(journal_job.END_PROOF, volume)
    assert journal_job.PROOF not in files(volume)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Zookeeper version: 3.9\nMode: leader\n", 0),
        ("srvr is not executed because it is not in the whitelist.\n", 0),
        ("This ZooKeeper instance is not currently serving requests\n", 1),
        ("HTTP/1.1 400 Bad Request\n", 1),
    ],
)
def test_an_ensemble_is_there_where_a_server_is_in_a_quorum(
    volume: Path, said: str, code: int
) -> None:
    once = journal_job.ASK_ZOOKEEPER.replace("tries=4", "tries=1")
    with zookeeper_server(said) as address:
        done = run(once, volume, address)
    assert done.returncode == code
    assert done.stdout == ("" if code == 0 else f"{address}: {said}")


def test_an_ensemble_that_elects_is_asked_again(volume: Path) -> None:
    with zookeeper_server("This ZooKeeper instance is not currently serving requests\n") as busy:
        done = run(journal_job.ASK_ZOOKEEPER, volume, busy, ASK_PAUSE_S="0.01")
        assert done.stdout.count(busy) == 1
        with zookeeper_server() as good:
            assert run(journal_job.ASK_ZOOKEEPER, volume, busy, good).returncode == 0
