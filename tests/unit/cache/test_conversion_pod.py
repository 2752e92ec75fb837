"""A conversion that was killed leaves a master that writes: it goes before others start, or are stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal as journal_action
from ansible_collections.alluxops.cache.plugins.action import upgrade as upgrade_action
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import conversion_pod
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.stopped_masters import StoppedMasters
from tests.unit.cache.journal_volumes import Volumes, options

Json = dict[str, Any]
POD = "/api/v1/namespaces/cache/pods/alluxio-journal-conversion"


class Interrupted(Volumes):
    """Masters that a killed run has stopped, and the pod that it left; it takes some looks to end."""

    def __init__(self, root: Path, *, looks: int = 2) -> None:
        super().__init__(root)
        self.serve(False)
        self.pods = []
        assert self.masters is not None
        self.masters["spec"]["replicas"] = 0
        self.looks = looks
        self.is_deleted = False

    def get(self, path: str) -> Json | None:
        if path != POD:
            return super().get(path)
        self.looks -= self.is_deleted
        return {"metadata": {"name": "alluxio-journal-conversion"}} if self.looks > 0 else None

    def delete(self, path: str, **given: Any) -> bool:
        self.is_deleted |= path == POD
        return super().delete(path, **given)

    def create(self, path: str, body: Json) -> Json:
        assert self.looks <= 0
        return super().create(path, body)

    def merge(self, path: str, patch: Json) -> Json:
        assert self.looks <= 0
        return super().merge(path, patch)


@pytest.fixture
def cluster(tmp_path: Path) -> Interrupted:
    return Interrupted(tmp_path)


@pytest.fixture(autouse=True)
def no_check_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    for action in (journal_action, upgrade_action):
        monkeypatch.setattr(action.ActionModule, "check_mode", False)


def test_the_journal_guard_looks_once_it_is_gone(cluster: Interrupted) -> None:
    module = journal_action.ActionModule.__new__(journal_action.ActionModule)
    module.act(cluster, options(masters=1))  # type: ignore[arg-type]
    assert cluster.is_deleted


def test_masters_are_stopped_once_it_is_gone(cluster: Interrupted) -> None:
    StoppedMasters(cluster, "cache", "alluxio").stop(Patience(5))  # type: ignore[arg-type]
    assert cluster.is_deleted


def test_an_upgrade_starts_masters_once_it_is_gone(cluster: Interrupted) -> None:
    module = upgrade_action.ActionModule.__new__(upgrade_action.ActionModule)
    names = {"namespace": "cache", "release": "alluxio", "backup_to": "ufs", "wait_timeout_s": 5}
    module._backup(cluster, {**names, "revision": 0, "restores": False})  # type: ignore[arg-type]
    assert cluster.looks <= 0


def test_check_mode_leaves_it(cluster: Interrupted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_action.ActionModule, "check_mode", True)
    module = journal_action.ActionModule.__new__(journal_action.ActionModule)
    module.act(cluster, options(masters=1))  # type: ignore[arg-type]
    assert not cluster.is_deleted


def test_one_that_does_not_end_stops_the_run(tmp_path: Path) -> None:
    cluster: Any = Interrupted(tmp_path, looks=99)
    with pytest.raises(CacheError, match="alluxio-journal-conversion does not end"):
        conversion_pod.remove(cluster, "cache", "alluxio", Patience(0))
