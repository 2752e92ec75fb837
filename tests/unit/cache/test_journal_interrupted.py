"""A run that dies while it formats journals leaves notes; what they say counts only as long as it is true."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal as action
from ansible_collections.alluxops.cache.plugins.module_utils import noted_backup
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import stopped_masters
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from tests.unit.cache.journal_volumes import (
    SET,
    Volumes,
    fake_backups,
    forced,
    guard,
    holds,
    options,
)
from tests.unit.cache.kube_objects import container, pod

Json = dict[str, Any]


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


@pytest.fixture
def backups(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fake_backups(monkeypatch)


MADE = int(datetime.now(UTC).timestamp()) * 1000
EARLIER = f"s3://b/alluxio-backup-{datetime.now(UTC):%Y-%m-%d}-{MADE}.gz"


def kill_stopped(cluster: Volumes, backup: str = EARLIER, *, come_back: bool = True) -> Json:
    """Masters as a run leaves them that dies once it has stopped them; their StatefulSet."""
    cluster.serve(True, True, True)
    left = stopped_masters.StoppedMasters(cluster, "cache", "alluxio")  # type: ignore[arg-type]
    left.stop(Patience(1), backup_uri=backup, come_back=come_back)
    cluster.done = []
    assert cluster.masters is not None
    return cluster.masters


def test_a_forced_format_that_was_killed_goes_on_with_the_backup_it_had(
    cluster: Volumes, backups: Any
) -> None:
    masters = kill_stopped(cluster)
    result = forced(cluster).run()
    assert backups.taken == []
    assert result["told"] == [
        f"backup {EARLIER}, of what the journals held before they were formatted"
    ]
    assert holds(cluster) == [False] * 3
    assert masters["spec"]["replicas"] == 3
    assert masters["metadata"]["annotations"] == {}


def come_back(cluster: Volumes, masters: Json) -> None:
    """As with `kubectl scale` or `alluxops upgrade`, which leave the notes."""
    stopped = cluster.pods
    cluster.merge(SET, {"metadata": {"annotations": {}}, "spec": {"replicas": 3}})
    assert noted_backup.FORMAT_NOTE in masters["metadata"]["annotations"]
    assert stopped == []
    for ordinal in range(3):
        states = [container("alluxio-master"), container("alluxio-job-master")]
        cluster.pods.append(pod(f"alluxio-master-{ordinal}", "alluxio-master", "n1", states))


@pytest.mark.parametrize("how", [{}, {"restoring": "/x.gz"}])
def test_masters_that_came_back_are_backed_up_anew(
    cluster: Volumes, backups: Any, how: Json
) -> None:
    come_back(cluster, kill_stopped(cluster))
    forced(cluster, **how).run()
    assert backups.taken == [(("cache", "alluxio"), "ufs")]


@pytest.mark.parametrize("how", [{"policy": "force", "confirm": "alluxio"}, {"restoring": "/x.gz"}])
def test_what_masters_knew_that_came_back_and_were_stopped_again_is_in_no_backup(
    cluster: Volumes, backups: Any, how: Json
) -> None:
    masters = kill_stopped(cluster)
    come_back(cluster, masters)
    cluster.merge(SET, {"metadata": {"annotations": {}}, "spec": {"replicas": 0}})
    with pytest.raises(SettingsError, match="metadata"):
        guard(cluster, **how).run()
    assert holds(cluster) == [True] * 3


def test_a_noted_backup_counts_for_a_day(cluster: Volumes, backups: Any) -> None:
    kill_stopped(cluster, "s3://b/alluxio-backup-2026-01-02-1767355200000.gz")
    with pytest.raises(SettingsError, match="no master serves"):
        forced(cluster).run()
    assert holds(cluster) == [True] * 3


def test_the_notes_go_once_masters_run_again(
    cluster: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    masters = kill_stopped(cluster)
    come_back(cluster, masters)
    monkeypatch.setattr(action.ActionModule, "check_mode", True)
    module = action.ActionModule.__new__(action.ActionModule)
    module.act(cluster, options())  # type: ignore[arg-type]
    assert noted_backup.FORMAT_NOTE in masters["metadata"]["annotations"]
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    assert not module.act(cluster, options())["changed"]  # type: ignore[arg-type]
    assert masters["metadata"]["annotations"] == {}
    assert masters["spec"]["replicas"] == 3


def test_a_forced_format_that_was_killed_is_not_started_half_formatted(cluster: Volumes) -> None:
    kill_stopped(cluster, "")
    for ordinal in (0, 1):
        (cluster.folder(ordinal) / "raft" / "02511d47" / "current" / "log_inprogress_0").unlink()
    with pytest.raises(SettingsError, match="2 of 3 journals are empty"):
        guard(cluster).run()


def test_a_rollback_that_died_before_it_formatted_goes_on(cluster: Volumes) -> None:
    kill_stopped(cluster, come_back=False)
    guard(cluster, restoring="/x.gz").run()
    assert holds(cluster) == [False] * 3
