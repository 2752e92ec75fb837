"""A backup is taken, seen to be whole, fetched where it is wanted, and older ones go: on an Alluxio of shell script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action.journal_conversion import LoneMaster
from ansible_collections.alluxops.cache.plugins.module_utils import backup, backup_place
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups, census
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from tests.unit.cache.kube_objects import pod
from tests.unit.cache.shell_pods import ShellPods
from tests.unit.cache.test_backup import MID, NEW, OLD

FOLDER = "alluxio_backups/ns/alluxio/uid-1"
# Keeps the under store in $HERE/ufs. STATE holds how often `backup` fails yet, and with what.
ALLUXIO = r"""#!/bin/sh
echo "$*" >> "$HERE/said"
case "$1 $2" in
"fsadmin backup")
  if [ -s "$HERE/fails" ] && ! echo "$*" | grep -q bypass; then
    head -n 1 "$HERE/fails" >&2; sed -i 1d "$HERE/fails"; exit 255
  fi
  host=alluxio-master-1 folder=$3 shown=s3://b/$3
  case "$*" in *--local*) folder=$HERE/$host/journal/alluxops-backups shown=file://$3;; esac
  mkdir -p "$folder"; printf 0123456789 > "$folder/NAME"
  [ -e "$HERE/torn" ] || : > "$folder/NAME.complete"
  printf 'Backup Host        : %s\nBackup URI         : %s/NAME\nBackup Entry Count : 7\n' $host "$shown" ;;
"fs -D"*)
  for file in "$HERE/ufs$4"/*; do
    echo "-rw-r--r--  a b $(wc -c < "$file") PERSISTED 11-24-2026 20:03:14:707 0% $4/${file##*/}"
  done ;;
"fs rm")
  case "$3" in -R) ;; *) rm "$HERE/ufs"$3 ;; esac ;;
esac
""".replace("NAME", NEW)


class Cluster(ShellPods):
    """Two masters, of which alluxio-master-0 leads, over an under store that is a directory."""

    def __init__(self, folder: Path, root: str = "s3://b/") -> None:
        super().__init__(folder)
        self.root = root
        self.leads = True
        (folder / "bin").mkdir()
        (folder / "bin/alluxio").write_text(ALLUXIO)
        (folder / "bin/alluxio").chmod(0o755)

    def list_objects(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [
            pod(f"alluxio-master-{number}", "alluxio-master", f"n{number}") for number in (0, 1)
        ]

    def get(self, path: str) -> dict[str, Any] | None:
        name = path.rsplit("/", 1)[-1]
        if path == "/api/v1/namespaces/kube-system":
            return {"metadata": {"uid": "uid-1"}}
        return pod(name, "alluxio-master", "n0") if "/pods/" in path else None

    def pod_http(self, _namespace: str, name: str, _port: int, path: str) -> str | None:
        if name != "alluxio-master-0" or not self.leads:
            return None
        if "metrics" in path:
            return json.dumps({"gauges": {"Master.TotalPaths": {"value": 5}}})
        properties = {
            "alluxio.master.mount.table.root.ufs": self.root,
            "alluxio.master.journal.folder": "/journal",
        }
        return json.dumps(
            {
                "version": "2.9.6",
                "workers": [],
                "configuration": properties,
                "mountPoints": {"/": {"ufsUri": self.root}},
            }
        )

    @property
    def said(self) -> list[str]:
        """The commands of Alluxio that were run."""
        return (self.folder / "said").read_text().splitlines()


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    (tmp_path / "ufs" / FOLDER).mkdir(parents=True)
    return Cluster(tmp_path)


def take(cluster: Cluster, to: str = "ufs", keep: int = 0, timeout_s: float = 30) -> Any:
    kube = cast("Kube", cluster)
    return backups.take(kube, "ns", "alluxio", to=to, keep=keep, patience=Patience(timeout_s))


def in_ufs(cluster: Cluster) -> list[str]:
    return sorted(path.name for path in (cluster.folder / "ufs" / FOLDER).iterdir())


def store(cluster: Cluster, *names: str) -> None:
    """Older backups in the under store, and something that is none."""
    for name in names:
        (cluster.folder / "ufs" / FOLDER / name).write_text("old")
        (cluster.folder / "ufs" / FOLDER / f"{name}.complete").touch()


@pytest.fixture
def written_below(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The stub writes where it is told: send it into the under store's directory."""
    monkeypatch.setattr(backup_place.Place, "in_ufs", lambda *_: f"/ufs/{FOLDER}")
    return cluster


def test_a_backup_in_the_under_store_is_whole_and_older_ones_go(written_below: Cluster) -> None:
    store(written_below, OLD, MID, "notes.txt")
    made = take(written_below, keep=2)
    assert made.uri.endswith(f"/{FOLDER}/{NEW}")
    assert (made.entries, made.size_bytes, made.version) == (7, 10, "2.9.6")
    assert made.taken_at == "2026-11-24T20:03:14Z"
    assert made.pruned == (OLD,)
    kept = [MID, NEW, "notes.txt"]
    assert in_ufs(written_below) == sorted(
        each for name in kept for each in (name, name + ".complete")
    )
    # What listing put into the cache's metadata is taken out again.
    assert written_below.said[-1] == "fs rm -R --alluxioOnly /alluxio_backups"


def test_a_torn_backup_does_not_push_a_whole_one_out(written_below: Cluster) -> None:
    store(written_below, OLD, MID)
    (written_below.folder / "ufs" / FOLDER / f"{MID}.complete").unlink()
    assert take(written_below, keep=2).pruned == ()
    assert {OLD, MID, NEW} <= set(in_ufs(written_below))


def test_backups_of_other_clusters_and_of_before_stay_whatever_is_kept(
    written_below: Cluster,
) -> None:
    shared = (written_below.folder / "ufs" / FOLDER).parent
    (shared / "uid-2").mkdir()
    others = [shared / OLD, shared / f"{OLD}.complete", shared / "uid-2" / MID]
    for path in others:
        path.write_text("old")
    assert take(written_below, keep=1).pruned == ()
    assert all(path.exists() for path in others)


def test_what_knows_much_more_than_the_new_one_stays(written_below: Cluster) -> None:
    store(written_below, OLD, MID)
    (written_below.folder / "ufs" / FOLDER / OLD).write_text("x" * 60)
    made = take(written_below, keep=1)
    assert made.size_bytes == 10
    assert made.pruned == (MID,)
    assert OLD in in_ufs(written_below)


def test_the_way_back_from_a_change_lies_apart(cluster: Cluster) -> None:
    kube = cast("Kube", cluster)
    for kept, where in ((False, "uid-1/"), (True, "uid-1/before-changes/")):
        assert backups.plan(kube, "ns", "alluxio", to="ufs", kept=kept).endswith(f"/{where}")


def test_a_backup_that_was_not_finished_is_an_error_and_removes_none(
    written_below: Cluster,
) -> None:
    store(written_below, OLD, MID)
    (written_below.folder / "torn").touch()
    with pytest.raises(CacheError, match="is not whole"):
        take(written_below, keep=1)
    assert {OLD, MID} <= set(in_ufs(written_below))


def test_a_backup_is_fetched_from_whichever_master_wrote_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    to = tmp_path / "backups"
    mine = to / "ns" / "alluxio" / "uid-1"
    mine.mkdir(parents=True)
    theirs = to / "ns" / "alluxio" / "uid-2"
    theirs.mkdir()
    for name in (OLD, MID, "notes.txt"):
        (mine / name).write_text("old")
        (theirs / name).write_text("old")
    made = take(cluster, to=str(to), keep=1)
    assert made.file == str(mine / NEW)
    assert made.uri == f"/journal/alluxops-backups/{NEW}"
    assert (mine / NEW).read_text() == "0123456789"
    assert sorted(each.name for each in mine.iterdir()) == [NEW, "notes.txt"]
    assert len(list(theirs.iterdir())) == 3
    assert list(cluster.path("alluxio-master-1", "/journal/alluxops-backups").iterdir()) == []


def left_behind(cluster: Cluster, *names: str) -> list[Path]:
    """Files in the journals: what a conversion left, and runs that were killed before they fetched theirs."""
    found = []
    for number in (0, 1):
        folder = cluster.path(f"alluxio-master-{number}", "/journal/alluxops-backups")
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("mount options, credentials among them")
        found.append(folder)
    return found


@pytest.mark.parametrize("to", ["ufs", "here"])
def test_the_next_backup_clears_the_masters_journals_of_older_ones(
    written_below: Cluster, tmp_path: Path, to: str
) -> None:
    folders = left_behind(written_below, OLD, f"{OLD}.complete", MID, "notes.txt")
    take(written_below, to=str(tmp_path / "backups") if to == "here" else to)
    for folder in folders:
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_backup_that_fails_keeps_the_newest_whole_one_of_a_journal_and_no_others(
    written_below: Cluster, tmp_path: Path
) -> None:
    folders = left_behind(written_below, OLD, f"{OLD}.complete", MID)
    fails = written_below.folder / "fails"
    fails.write_text("Local backup failed: No space left on device\n")
    with pytest.raises(CacheError, match="made no backup"):
        take(written_below, to=str(tmp_path / "backups"))
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == [OLD, f"{OLD}.complete"]


def test_a_conversion_keeps_its_own_backup_and_clears_older_ones(cluster: Cluster) -> None:
    """Its own is what the new journal is made from, also where no mark says that it is whole."""
    (folder, _) = left_behind(cluster, OLD, f"{OLD}.complete", MID, "notes.txt")
    values = {"journal": {"folder": "/journal"}}
    master = LoneMaster.__new__(LoneMaster)
    vars(master).update(
        kube=cluster,
        namespace="ns",
        release="alluxio",
        values=values,
        pod="alluxio-master-0",
        patience=Patience(0),
        backup_timeout_s=900,
        _exec=lambda script, **_: _converted(cluster, folder, script),
    )
    assert master.back_up("UFS").uri == f"/journal/alluxops-backups/{NEW}"
    assert sorted(path.name for path in folder.iterdir()) == [NEW, "notes.txt"]


def _converted(cluster: Cluster, folder: Path, script: str) -> ExecResult:
    """Answer a conversion's `fsadmin backup`, and run the rest in the pod."""
    if "fsadmin backup" in script:
        (folder / NEW).write_text("new")
        said = f"Backup Host : x\nBackup URI : /journal/alluxops-backups/{NEW}\n"
        return ExecResult(0, said, "")
    command = ["/bin/bash", "-c", script]
    return cluster.exec("ns", "alluxio-master-0", "alluxio-master", command, timeout_s=9)


def test_a_journal_that_cannot_be_cleared_does_not_undo_a_backup(
    written_below: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "forget_in_journal", lambda *_, **__: "exit 1")
    assert take(written_below).entries == 7


def test_a_leader_without_a_standby_that_takes_it_takes_it_itself(written_below: Cluster) -> None:
    fails = written_below.folder / "fails"
    fails.write_text("alluxio.X.InternalException: Failed to delegate the backup.\n")
    assert take(written_below).entries == 7
    ran = [line for line in written_below.said if "fsadmin" in line]
    assert [("--bypass-delegation" in line) for line in ran] == [False, True]


def test_a_backup_that_another_run_makes_is_waited_for(
    written_below: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Patience, "pause", lambda *_: None)
    fails = written_below.folder / "fails"
    fails.write_text("alluxio.X.InternalException: Backup in progress\n" * 2)
    assert take(written_below).entries == 7
    fails.write_text("alluxio.X.InternalException: Backup in progress\n" * 2)
    with pytest.raises(CacheError, match="made no backup"):
        take(written_below, timeout_s=0)


def test_a_failure_is_told_in_alluxio_s_words(written_below: Cluster) -> None:
    fails = written_below.folder / "fails"
    fails.write_text("Local backup failed: Failed to create directory /x\n")
    with pytest.raises(CacheError) as error:
        take(written_below)
    assert error.value.cause == "Local backup failed: Failed to create directory /x"


def test_a_backup_that_would_end_with_the_pods_is_refused(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, root="/opt/alluxio/underFSStorage")
    with pytest.raises(SettingsError, match="ephemeral"):
        take(cluster)
    assert not (tmp_path / "said").exists()
    assert backups.plan(cast("Kube", cluster), "ns", "alluxio", to="/b") == "/b/ns/alluxio/uid-1/"


def test_check_mode_tells_where_it_would_be(cluster: Cluster) -> None:
    where = backups.plan(cast("Kube", cluster), "ns", "alluxio", to="ufs")
    assert where == f"s3://b/{FOLDER}/"
    assert not (cluster.folder / "said").exists()


def test_a_master_that_restarts_is_waited_for(tmp_path: Path) -> None:
    looks = iter([False, False, True])

    class Restarting(Cluster):
        def pod_http(self, namespace: str, name: str, port: int, path: str) -> str | None:
            if name == "alluxio-master-0" and not self.leads:
                self.leads = next(looks)
            return super().pod_http(namespace, name, port, path)

    restarting = Restarting(tmp_path)
    restarting.leads = False
    backups.refuse_while_restoring(cast("Kube", restarting), "ns", "alluxio")
    assert restarting.leads


def test_nobody_serves_so_nobody_makes_a_backup(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LEADER_S", 0.1)
    cluster.leads = False
    with pytest.raises(CacheError, match="no master of ns/alluxio serves"):
        take(cluster)


def test_a_census_is_two_pages_of_the_leader(cluster: Cluster) -> None:
    read = census.read(cast("Kube", cluster), "ns", "alluxio-master-0")
    assert (read.paths, read.mounts[0].ufs) == (5, "s3://b/")
    with pytest.raises(CacheError, match="alluxio-master-1 does not tell"):
        census.read(cast("Kube", cluster), "ns", "alluxio-master-1")
    assert cluster.ran == []
