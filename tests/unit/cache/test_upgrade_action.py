"""A backup made before an upgrade is known to the run that goes on, and to no run after it has ended."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import upgrade as action
from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    health,
    noted_backup,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects

Json = dict[str, Any]
OPTIONS: Json = {
    "namespace": "cache",
    "release": "alluxio",
    "backup_to": "ufs",
    "wait_timeout_s": 1,
}


class Masters:
    """Kube, as far as the annotations of the masters' StatefulSet go."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}

    def get(self, path: str) -> Json | None:
        if path.endswith("/pods/alluxio-journal-conversion"):
            return None
        assert path.endswith("/statefulsets/alluxio-master")
        return {"metadata": {"annotations": self.notes}, "spec": {"replicas": 1}}

    def merge(self, _path: str, patch: Json) -> None:
        given = {**self.notes, **patch["metadata"]["annotations"]}
        self.notes = {key: value for key, value in given.items() if value is not None}


@pytest.fixture
def kube() -> Any:
    return Masters()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> action.ActionModule:
    """The action on a cluster in which nobody serves, until a test says so."""
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    serve(monkeypatch, None)
    monkeypatch.setattr(objects, "raw_pods", lambda *_: [PENDING])
    return action.ActionModule.__new__(action.ActionModule)


def serve(monkeypatch: pytest.MonkeyPatch, leader: health.Leader | None) -> None:
    seen = health.Seen(pods=[], leader=leader, masters_set=None, workers_set=None)
    monkeypatch.setattr(objects, "look", lambda *_: seen)


PENDING: Json = {
    "metadata": {
        "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "labels": {"role": "alluxio-master"},
    },
    "status": {},
}
"""A master that has never served."""
IN_20_HOURS = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 20 * 3600))


def test_a_run_that_goes_on_knows_the_backup(
    module: action.ActionModule, kube: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"alluxio-backup-{time.strftime('%Y-%m-%d', time.gmtime())}-{int(time.time())}000.gz"
    made = backup.Backup(f"s3://b/{name}", "", "2.9.4", 12)
    monkeypatch.setattr(backups, "take", lambda *_, **__: made)
    assert module._backup(kube, OPTIONS)["where"] == action.NOBODY
    serve(monkeypatch, health.Leader("alluxio-master-0", "2.9.4", (), ()))
    assert module._backup(kube, OPTIONS)["changed"]

    serve(monkeypatch, None)
    found = module._backup(kube, OPTIONS)
    assert found["backup"] == {"where": made.uri}
    assert "made by the run that did not end; no master serves" in found["where"]
    assert noted_backup.QUIET_NOTE in kube.notes

    later = {**PENDING, "metadata": {**PENDING["metadata"], "creationTimestamp": IN_20_HOURS}}
    monkeypatch.setattr(objects, "raw_pods", lambda *_: [later])
    assert module._backup(kube, OPTIONS)["backup"] == {}

    kube.notes[noted_backup.FORMAT_NOTE] = made.uri
    module._end(kube, OPTIONS)
    assert kube.notes == {}
    assert module._backup(kube, OPTIONS)["backup"] == {}
