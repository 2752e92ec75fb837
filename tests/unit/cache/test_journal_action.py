"""The journal guard on a cluster of folders: Jobs, formatting, adoption, stopping and starting masters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal as action
from ansible_collections.alluxops.cache.plugins.module_utils import (
    journal,
    journal_job,
    noted_backup,
    proven,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import stopped_masters
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import JournalJobs
from tests.unit.cache.journal_volumes import (
    Made,
    Volumes,
    fake_backups,
    forced,
    guard,
    holds,
    marker,
    options,
)
from tests.unit.cache.zookeeper_server import zookeeper_server

Json = dict[str, Any]


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


@pytest.fixture
def backups(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fake_backups(monkeypatch)


def test_a_first_run_formats_all_and_leaves_no_job(cluster: Volumes) -> None:
    result = guard(cluster).run()
    assert result["changed"]
    assert [item["formatted_now"] for item in result["journals"]] == [True] * 3
    assert [marker(cluster, ordinal).ordinal for ordinal in range(3)] == [0, 1, 2]  # type: ignore[union-attr]
    assert cluster.jobs == {}
    again = guard(cluster).run()
    assert not again["changed"]
    assert [item["state"] for item in again["journals"]] == ["formatted"] * 3


def test_a_disk_that_is_not_mounted_is_no_new_journal(cluster: Volumes) -> None:
    labels = {"owner": "helm", "name": "alluxio", "status": "superseded", "version": "3"}
    proof = {"annotations": {proven.ANNOTATION: "3"}}
    cluster.records = [{"metadata": {"name": "r.v3", "labels": labels, **proof}}]
    with pytest.raises(SettingsError, match=r"alluxio has served, and .* is empty"):
        guard(cluster).run()
    assert not any(cluster.folder(0).iterdir())
    cluster.records = [{"metadata": {"name": "r.v3", "labels": labels}}]
    assert guard(cluster).run()["changed"]


def test_another_cluster_that_mounts_the_same_file_system_is_refused(cluster: Volumes) -> None:
    cluster.uid = "uid-prod"
    guard(cluster).run()
    assert marker(cluster, 0).cluster == "uid-prod"  # type: ignore[union-attr]
    cluster.uid = "uid-staging"
    for policy in ("if_empty", "force"):
        with pytest.raises(SettingsError, match=r"of cluster uid-prod.* of cluster uid-staging"):
            guard(cluster, policy=policy, confirm="alluxio").run()
    assert marker(cluster, 0).cluster == "uid-prod"  # type: ignore[union-attr]


@pytest.mark.parametrize(("phase", "placed"), [("Pending", True), ("Bound", False)])
def test_a_volume_that_is_made_with_its_first_pod_is_made_for_the_masters_own_host(
    cluster: Volumes, phase: str, placed: bool
) -> None:
    claim = {**options()["claims"][0], "provisioned": True, "seen_from": "n7"}
    cluster.phase = phase
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6")
    jobs = JournalJobs(cluster, wanted, [claim], options()["values"])  # type: ignore[arg-type]
    jobs.start()
    (job,) = cluster.jobs.values()
    assert ("n7" in str(job["spec"]["template"]["spec"].get("affinity"))) is placed


def test_ready_masters_are_not_looked_at(cluster: Volumes) -> None:
    cluster.serve(True, True, True)
    assert guard(cluster).looked_at == []


def test_a_journal_without_a_marker_gets_one_and_keeps_its_entries(cluster: Volumes) -> None:
    for ordinal in range(3):
        cluster.write(ordinal)
    result = guard(cluster).run()
    assert [item["adopted_now"] for item in result["journals"]] == [True] * 3
    assert holds(cluster) == [True] * 3
    assert marker(cluster, 2).adopted_at  # type: ignore[union-attr]


def test_a_lost_volume_is_formatted_beside_the_masters_that_serve(cluster: Volumes) -> None:
    cluster.serve(True, False, True)
    found = guard(cluster)
    assert [claim["ordinal"] for claim in found.looked_at] == [1]
    result = found.run()
    assert [item["ordinal"] for item in result["journals"]] == [1]
    assert holds(cluster) == [True, False, True]
    assert not [step for step in cluster.done if step.startswith("replicas")]
    assert "delete alluxio-master-1" in cluster.done


def test_two_lost_volumes_of_three_are_refused(cluster: Volumes) -> None:
    cluster.serve(True, False, False)
    with pytest.raises(SettingsError, match="2 of 3 journals are empty"):
        guard(cluster).run()
    assert cluster.jobs == {}


def test_a_rollback_whose_masters_would_format_reads_what_is_not_known_to_fail(
    cluster: Volumes,
) -> None:
    cluster.serve(True, False, False)
    for found in cluster.pods[1:]:
        found["status"]["containerStatuses"] = []  # such as one that cannot be scheduled
    with pytest.raises(SettingsError, match="2 of 3 journals are empty"):
        guard(cluster, read=True).run()
    assert holds(cluster) == [True, False, False]


def test_a_stale_copy_is_formatted_for_a_newcomer(cluster: Volumes) -> None:
    cluster.serve(True)
    cluster.members = [0]
    cluster.write(1)
    result = guard(cluster, ordinals=[1], stale=True).run()
    assert [item["formatted_now"] for item in result["journals"]] == [True]
    assert holds(cluster) == [True, False, False]
    assert cluster.masters is not None
    assert cluster.masters["spec"]["replicas"] == 1


def test_a_copy_is_not_stale_while_its_master_runs(cluster: Volumes) -> None:
    cluster.serve(True, True)
    cluster.members = [0]
    with pytest.raises(SettingsError, match="alluxio-master-1 runs"):
        guard(cluster, ordinals=[1], stale=True).run()
    assert holds(cluster) == [True, True, False]


def test_a_copy_is_not_stale_while_its_master_has_a_vote(cluster: Volumes) -> None:
    cluster.serve(True)
    cluster.members = [0, 1]
    cluster.write(1)
    with pytest.raises(SettingsError, match="alluxio-master-1 is a member of the quorum"):
        guard(cluster, ordinals=[1], stale=True).run()
    assert holds(cluster) == [True, True, False]
    assert cluster.jobs == {}


def test_all_masters_are_not_stale(cluster: Volumes) -> None:
    cluster.write(0)
    with pytest.raises(SettingsError, match="stale copies"):
        guard(cluster, masters=1, ordinals=[0], stale=True).run()
    assert holds(cluster)[0]


def test_force_takes_a_backup_then_stops_formats_and_starts(cluster: Volumes, backups: Any) -> None:
    cluster.serve(True, True, True)
    result = forced(cluster).run()
    assert backups.taken == [(("cache", "alluxio"), "ufs")]
    assert backups.kept
    assert result["backup"] == {"uri": "s3://b/alluxio_backups/x.gz"}
    assert "backup s3://b/alluxio_backups/x.gz, of what the journals held" in result["told"][0]
    assert holds(cluster) == [False] * 3
    assert [step for step in cluster.done if "replicas" in step] == ["replicas 0", "replicas 3"]
    assert cluster.masters is not None
    assert cluster.masters["metadata"]["annotations"] == {}


@pytest.mark.parametrize(
    "how", [{}, {"restoring": "/x.gz"}, {"policy": "force", "confirm": "alluxio"}]
)
def test_what_a_master_has_written_since_the_look_is_not_formatted(
    cluster: Volumes, backups: Any, monkeypatch: pytest.MonkeyPatch, how: Json
) -> None:
    cluster.serve(False, False, False)
    merge = cluster.merge

    def late(path: str, patch: Json) -> Json:
        if patch.get("spec", {}).get("replicas") == 0:
            cluster.write(1)
        return merge(path, patch)

    monkeypatch.setattr(cluster, "merge", late)
    with pytest.raises(CacheError, match="master 1 has written to its journal") as refusal:
        guard(cluster, **how).run()
    assert refusal.value.fix == "run again."
    assert holds(cluster) == [False, True, False]
    assert [step for step in cluster.done if "replicas" in step] == ["replicas 0", "replicas 3"]
    assert cluster.masters is not None
    assert cluster.masters["metadata"]["annotations"] == {}
    assert cluster.jobs == {}


def test_force_without_metadata_needs_no_backup(cluster: Volumes, backups: Any) -> None:
    assert forced(cluster).run()["backup"] is None
    assert backups.taken == []


def test_force_is_refused_where_no_master_can_take_the_backup(
    cluster: Volumes, backups: Any
) -> None:
    for ordinal in range(3):
        cluster.write(ordinal)
    with pytest.raises(SettingsError, match="no master serves") as refusal:
        forced(cluster).run()
    assert "alluxio_confirm_purge=alluxio" in refusal.value.fix
    assert holds(cluster) == [True] * 3


def test_force_is_refused_where_the_backup_fails(cluster: Volumes, backups: Any) -> None:
    cluster.serve(True, True, True)
    backups.error = SettingsError(
        "the root under store is ephemeral", "it goes too", "set a folder."
    )
    with pytest.raises(SettingsError, match="is ephemeral") as refusal:
        forced(cluster).run()
    assert "set a folder." in refusal.value.fix
    assert holds(cluster) == [True] * 3
    assert not [step for step in cluster.done if "replicas" in step]


def test_force_unconfirmed_stops_nothing(cluster: Volumes, backups: Any) -> None:
    cluster.serve(True, True, True)
    with pytest.raises(SettingsError, match="alluxio_confirm_format"):
        guard(cluster, policy="force").run()
    assert backups.taken == []
    assert holds(cluster) == [True] * 3


@pytest.mark.parametrize(
    ("given", "predicted"),
    [
        ({}, "alluxio-journal-alluxio-master-0: formatted unless it holds a journal"),
        (
            {"policy": "force", "confirm": "alluxio"},
            "alluxio-journal-alluxio-master-0: formatted\n",
        ),
        ({"policy": "never"}, ""),
    ],
)
def test_check_mode_tells_what_a_first_run_would_do(
    cluster: Volumes, given: Json, predicted: str
) -> None:
    told = guard(cluster, **given).predict()
    assert told["changed"] is bool(predicted)
    assert predicted in told["diff"]["after"]
    assert cluster.jobs == {}


@pytest.mark.parametrize(
    ("masters", "which"), [(1, "the journal that is in use"), (3, "the 3 journals that are in use")]
)
@pytest.mark.usefixtures("backups")
def test_check_mode_says_that_journals_in_use_would_be_backed_up_and_formatted(
    cluster: Volumes, masters: int, which: str
) -> None:
    cluster.serve(*[True] * masters)
    told = forced(cluster, masters=masters).predict()
    assert told["told"] == [
        f"backup would be made in ufs/before-changes/, then {which} would be formatted"
    ]
    assert told["diff"]["after"].count(": backed up, then formatted\n") == masters
    assert guard(cluster, read=True).predict()["told"] == []


def test_a_restore_leaves_the_masters_stopped_on_marked_new_journals(
    cluster: Volumes, backups: Any
) -> None:
    cluster.serve(True, True, True)
    result = forced(cluster, restoring="/x.gz").run()
    assert result["changed"]
    assert [step for step in cluster.done if "replicas" in step] == ["replicas 0"]
    assert cluster.masters is not None
    assert cluster.masters["metadata"]["annotations"] == {
        noted_backup.FORMAT_NOTE: Made().uri,
        noted_backup.STOPPED_AS: "2",
    }
    assert marker(cluster, 0).restoring == "/x.gz"  # type: ignore[union-attr]
    assert backups.kept


BACKUP = "s3://b/before.gz"


def test_a_rollback_replaces_what_it_has_backed_up(cluster: Volumes) -> None:
    cluster.serve(True, True, True)
    guard(cluster, restoring="/x.gz", backed_up=BACKUP).run()
    assert cluster.masters is not None
    assert cluster.masters["metadata"]["annotations"] == {
        noted_backup.MASTERS_BEFORE: "3",
        noted_backup.FORMAT_NOTE: BACKUP,
        noted_backup.STOPPED_AS: "2",
    }
    assert holds(cluster) == [False] * 3
    left = stopped_masters.StoppedMasters(cluster, "cache", "alluxio")  # type: ignore[arg-type]
    assert left.let_go(3)  # Helm saw nothing to change
    assert cluster.masters["metadata"]["annotations"] == {}
    assert cluster.masters["spec"]["replicas"] == 3


@pytest.mark.parametrize("ready", [True, False])
def test_a_restore_that_serves_is_backed_up_before_it_begins_again(
    cluster: Volumes, backups: Any, *, ready: bool
) -> None:
    cluster.serve(ready, ready, ready)
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6")
    for ordinal in range(3):
        begun = journal.new_marker(wanted, ordinal, datetime.now(UTC), "/x.gz")
        (cluster.folder(ordinal) / journal.MARKER).write_text(begun.text())
        if not ready:
            cluster.write(ordinal)
    result = guard(cluster, restoring="/x.gz").run()
    assert result["backup"] == {"uri": "s3://b/alluxio_backups/x.gz"}
    assert holds(cluster) == [False] * 3


def test_what_nobody_backed_up_is_not_replaced(cluster: Volumes) -> None:
    cluster.serve(False, False, False)
    for ordinal in range(3):
        cluster.write(ordinal)
    with pytest.raises(SettingsError, match="holds metadata") as refusal:
        guard(cluster, restoring="/x.gz").run()
    assert "alluxio_confirm_format" in refusal.value.fix
    assert not [step for step in cluster.done if step.startswith("replicas")]


def test_masters_that_helm_has_started_are_left_alone(cluster: Volumes) -> None:
    cluster.serve(True, True, True)
    left = stopped_masters.StoppedMasters(cluster, "cache", "alluxio")  # type: ignore[arg-type]
    assert not left.let_go(3)
    assert cluster.done == []


def shared(addresses: str, **given: Any) -> Json:
    values = options()["values"]
    zookeeper = {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": addresses}
    return options(values={**values, "properties": zookeeper}, **given)


def test_journals_that_are_not_shared_are_refused_with_zookeeper(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = journal_job.READ_PROOF.replace("tries=20", "tries=1")
    monkeypatch.setattr(journal_job, "READ_PROOF", once)
    with (
        zookeeper_server() as address,
        pytest.raises(SettingsError, match="are not one") as refusal,
    ):
        action._Guard(cluster, shared(address)).run()  # type: ignore[arg-type]
    assert "alluxio_journal_shared_path" in refusal.value.fix
    assert not any(list(cluster.folder(ordinal).iterdir()) for ordinal in range(3))


def test_an_ensemble_that_does_not_answer_is_refused_before_anything_is_formatted(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = journal_job.ASK_ZOOKEEPER.replace("tries=4", "tries=1")
    monkeypatch.setattr(journal_job, "ASK_ZOOKEEPER", once)
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1:1: .*refused") as refusal:
        action._Guard(cluster, shared("127.0.0.1:1, ")).run()  # type: ignore[arg-type]
    assert "alluxio_zookeeper_address" in refusal.value.fix
    assert not any(list(cluster.folder(ordinal).iterdir()) for ordinal in range(3))
    assert cluster.jobs == {}


def test_a_shared_journal_is_proved_and_formatted_once(cluster: Volumes) -> None:
    for ordinal in (1, 2):
        path = cluster.root / f"alluxio-journal-alluxio-master-{ordinal}"
        path.symlink_to(cluster.folder(0))
    with zookeeper_server() as address:
        result = action._Guard(cluster, shared(f"127.0.0.1:1,{address}")).run()  # type: ignore[arg-type]
    assert [item["ordinal"] for item in result["journals"]] == [0]
    assert sorted(path.name for path in cluster.folder(0).iterdir()) == [journal.MARKER]
