"""The schedule of backups: what the CronJob is, that it restarts nothing, and its script on a cache of shell script."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.module_utils.backup import INIT_PROPERTY
from ansible_collections.alluxops.cache.plugins.module_utils.backup_place import Place
from tests.unit.cache.test_backup import MID, NEW, OLD
from tests.unit.chart.rendering import CHART, Chart, Rendered, Values

SCRIPT = CHART / "files" / "backup.sh"
ROOT_UFS = "alluxio.master.mount.table.root.ufs"
CACHE = "/alluxio_backups/cache/alluxio"

ALLUXIO = r"""#!/bin/bash
echo "$*" >>"$HERE/said"
case "$1 $2" in
"fsadmin backup")
  if [[ -e "$HERE/fails" ]]; then echo 'Local backup failed: no room' >&2; exit 255; fi
  if [[ -e "$HERE/fails-on-stdout" ]]; then printf ' Backup state: Running\rRemote backup failed: lost\n'; exit 255; fi
  if [[ -e "$HERE/mute" ]]; then echo 'Backup Host        : m'; exit; fi
  touch "$HERE/store/NAME" "$HERE/store/NAME.complete"
  [[ -e "$HERE/torn" ]] && rm "$HERE/store/NAME.complete"
  printf ' Backup state: Running\r Backup state: Completed\rBackup Host        : m\nBackup URI         : s3://b/x/NAME\n'
  printf 'Backup Entry Count : 7\n' ;;
"fsadmin report")
  [[ -e "$HERE/up" ]] || exit 1
  printf 'Alluxio cluster summary: \n    Started: 11-20-2026 20:03:14:707\n    Uptime: %s\n' "$(cat "$HERE/up")" ;;
"fs -D"*)
  for file in "$HERE"/store/*; do
    echo "-rw-r--r-- a b $(wc -c <"$file") PERSISTED 11-24-2026 20:03:14:707 0% $4/${file##*/}"
  done ;;
"fs rm") [[ "$3" == -R ]] || rm "$HERE/store/"${3##*/} ;;
esac
""".replace("NAME", NEW)


def values(schedule: str = "30 2 * * *", root: str = "s3://b/x/") -> Values:
    return {"backup": {"schedule": schedule, "keep": 3}, "properties": {ROOT_UFS: root}}


def test_there_is_none_without_a_schedule(default: Rendered) -> None:
    assert default.names("CronJob") == []


def test_the_cronjob_is_one_at_a_time_and_without_access_to_the_api(chart: Chart) -> None:
    job = chart.render(values()).get("CronJob", "alluxio-backup")["spec"]
    assert (job["schedule"], job["concurrencyPolicy"], job["timeZone"]) == (
        "30 2 * * *",
        "Forbid",
        "Etc/UTC",
    )
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": "alluxio-config"}}]
    assert container["image"].startswith("alluxio/alluxio:2.9")


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ("s3://b/", CACHE),
        ("s3://b", CACHE),
        ("s3://b/x/", f"/x{CACHE}"),
        ("hdfs://nn:8020/x", f"/x{CACHE}"),
        ("/mnt/nfs", f"/mnt/nfs{CACHE}"),
    ],
)
def test_backups_lie_where_alluxops_looks_for_them(chart: Chart, root: str, folder: str) -> None:
    job = chart.render(values(root=root)).get("CronJob", "alluxio-backup")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert (env["UFS_FOLDER"], env["CACHE_FOLDER"], env["KEEP"]) == (folder, CACHE, "3")


def test_the_schedule_s_backups_lie_in_the_cluster_s_own_directory(chart: Chart) -> None:
    scheduled: Values = {"schedule": "@daily", "cluster": "uid-1"}
    job = chart.render({**values(), "backup": scheduled}).get("CronJob", "alluxio-backup")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    place = Place("cache", "alluxio", "uid-1")
    assert (env["UFS_FOLDER"], env["CACHE_FOLDER"]) == (place.in_ufs("s3://b/x/"), place.in_cache)


def test_a_changed_schedule_restarts_nothing(chart: Chart) -> None:
    before, after = (chart.render(values(schedule)) for schedule in ("30 2 * * *", "@hourly"))
    for kind, name in (("StatefulSet", "alluxio-master"), ("DaemonSet", "alluxio-worker")):
        assert before.pod(kind, name) == after.pod(kind, name)


@pytest.mark.parametrize("below", ["master", None])
def test_the_schedule_rests_while_a_backup_is_restored(chart: Chart, below: str | None) -> None:
    told: Values = {INIT_PROPERTY: "s3://b/x/alluxio-backup-1.gz"}
    root: Values = {ROOT_UFS: "s3://b/x/"}
    at_rest: Values = {**values(), "master": {"properties": told}}
    if below is None:
        at_rest = {**values(), "properties": {**root, **told}}
    before, during = chart.render(values()), chart.render(at_rest)
    specs = [each.get("CronJob", "alluxio-backup")["spec"] for each in (before, during)]
    assert specs[1] == {**specs[0], "suspend": True}
    assert "suspend" not in specs[0]
    # What restarts the masters is their property, which the schedule has no part in.
    unscheduled = chart.render({**at_rest, "backup": {}})
    for kind, name in (("StatefulSet", "alluxio-master"), ("DaemonSet", "alluxio-worker")):
        assert during.pod(kind, name) == unscheduled.pod(kind, name)


def test_metrics_are_mounted_where_their_configuration_is_read(chart: Chart) -> None:
    job = chart.render({**values(), "metrics": {"enabled": True}}).get("CronJob", "alluxio-backup")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["volumes"]] == ["metrics"]


def test_a_backup_that_ends_with_the_pods_is_refused(chart: Chart) -> None:
    assert "lies in the pods" in chart.refused({"backup": {"schedule": "@daily"}})
    assert "lies in the pods" in chart.refused(values(root="/opt/alluxio/underFSStorage"))


class Run:
    """The script's surroundings: an `alluxio`, and the store's directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.store.mkdir()
        (folder / "bin").mkdir()
        (folder / "bin/alluxio").write_text(ALLUXIO)
        (folder / "bin/alluxio").chmod(0o755)
        self.up(days=3)

    def up(self, days: int, hours: int = 1) -> None:
        """Say since when the leader runs: OLD, MID and NEW are a day apart."""
        told = f"{days} day(s), {hours} hour(s), 0 minute(s), and 9 second(s)"
        (self.folder / "up").write_text(told)

    def __call__(self, keep: int, **options: str) -> subprocess.CompletedProcess[str]:
        env = {
            **options,
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "HERE": str(self.folder),
            "UFS_FOLDER": f"/x{CACHE}",
            "CACHE_FOLDER": CACHE,
            "KEEP": str(keep),
        }
        return subprocess.run(
            ["bash", "-c", SCRIPT.read_text()], env=env, capture_output=True, text=True, check=False
        )

    def put(self, *names: str) -> None:
        for name in names:
            (self.store / name).touch()

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in self.store.iterdir())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.parametrize(
    ("keep", "kept"), [(0, [OLD, MID, NEW]), (1, [NEW]), (2, [MID, NEW]), (7, [OLD, MID, NEW])]
)
def test_the_script_keeps_the_newest(run: Run, keep: int, kept: list[str]) -> None:
    run.put(OLD, f"{OLD}.complete", MID, f"{MID}.complete", "notes.txt")
    done = run(keep)
    assert done.returncode == 0, done.stderr
    assert f"Backup URI         : s3://b/x/{NEW}" in done.stdout
    assert run.kept == sorted([*kept, *(f"{name}.complete" for name in kept), "notes.txt"])


def test_the_script_keeps_what_knows_much_more(run: Run) -> None:
    run.put(OLD, f"{OLD}.complete", MID, f"{MID}.complete")
    (run.store / NEW).write_text("nothing")
    (run.store / OLD).write_text("much more than that, and more than five times as long")
    (run.store / MID).write_text("about as much as that")
    done = run(1)
    assert done.returncode == 0, done.stderr
    assert [name for name in run.kept if name.endswith(".gz")] == [OLD, NEW]
    assert f"{OLD} stays" in done.stderr
    assert f"> {backup.SHRUNK} * $(size_of" in SCRIPT.read_text()


@pytest.mark.parametrize(
    ("days", "hours", "kept", "told"),
    [
        (2, 1, [NEW], ""),
        (1, 1, [OLD, NEW], "1 older stay"),
        (0, 23, [OLD, MID, NEW], "2 older stay"),
        (0, 0, [OLD, MID, NEW], "2 older stay"),
    ],
)
def test_the_script_keeps_what_may_be_of_another_journal(
    run: Run, days: int, hours: int, kept: list[str], told: str
) -> None:
    """After a reboot the leader may serve an old disk's journal, whose backups are no smaller, night after night."""
    run.put(OLD, f"{OLD}.complete", MID, f"{MID}.complete")
    run.up(days, hours)
    done = run(1)
    assert done.returncode == 0, done.stderr
    assert [name for name in run.kept if name.endswith(".gz")] == kept
    assert told in done.stderr
    assert ("stay:" in done.stderr) is (told != "")


@pytest.mark.parametrize("told", [None, "since yesterday"])
def test_the_script_removes_none_where_the_leader_does_not_tell_since_when_it_runs(
    run: Run, told: str | None
) -> None:
    run.put(OLD, f"{OLD}.complete", MID, f"{MID}.complete")
    (run.folder / "up").unlink()
    if told is not None:
        (run.folder / "up").write_text(told)
    done = run(1)
    assert done.returncode == 0, done.stderr
    assert [name for name in run.kept if name.endswith(".gz")] == [OLD, MID, NEW]
    assert "does not tell when" in done.stderr


@pytest.mark.parametrize(("keep", "kept"), [(1, [NEW]), (2, [OLD, MID, NEW])])
def test_a_torn_one_pushes_no_whole_one_out(run: Run, keep: int, kept: list[str]) -> None:
    run.put(OLD, f"{OLD}.complete", MID)
    assert run(keep).returncode == 0
    assert [name for name in run.kept if name.endswith(".gz")] == kept
    said = (run.folder / "said").read_text().splitlines()
    assert said[0] == f"fsadmin backup /x{CACHE} --allow-leader"
    assert said[-1] == f"fs rm -R --alluxioOnly {CACHE}"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("fails", "no room"),
        ("fails-on-stdout", "Remote backup failed: lost\nNo backup was made in /x"),
        ("mute", "No backup was made in /x"),
        ("torn", f"{NEW} is not whole"),
    ],
)
def test_the_script_fails_where_no_whole_backup_was_made(run: Run, fault: str, told: str) -> None:
    run.put(OLD, MID)
    (run.folder / fault).touch()
    done = run(1)
    assert done.returncode == 1
    assert told in done.stderr
    assert {OLD, MID} <= set(run.kept)


@pytest.mark.parametrize("options", ["ALLUXIO_JAVA_OPTS", "ALLUXIO_MASTER_JAVA_OPTS"])
def test_a_job_that_someone_makes_meanwhile_makes_no_backup(run: Run, options: str) -> None:
    run.put(OLD, f"{OLD}.complete")
    done = run(1, **{options: f"-Da=b -D{INIT_PROPERTY}=s3://b/x/{OLD} -Dc=d"})
    assert done.returncode == 1
    assert "A restore has not ended" in done.stderr
    assert not (run.folder / "said").exists()
    assert run.kept == [OLD, f"{OLD}.complete"]
