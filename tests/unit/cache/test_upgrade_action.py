"""A backup made before an upgrade is known to the run that goes on, and to no run after it has ended."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import upgrade as action
from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    health,
    noted_backup,
    upgrade,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from tools.repository import ROOT

Json = dict[str, Any]
OPTIONS: Json = {
    "namespace": "cache",
    "release": "alluxio",
    "backup_to": "ufs",
    "revision": 0,
    "restores": False,
    "kept": False,
    "wait_timeout_s": 1,
}


class Masters:
    """Kube, as far as the annotations of the masters' StatefulSet go."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.replicas = 1

    def get(self, path: str) -> Json | None:
        if path.endswith("/pods/alluxio-journal-conversion"):
            return None
        assert path.endswith("/statefulsets/alluxio-master")
        return {"metadata": {"annotations": self.notes}, "spec": {"replicas": self.replicas}}

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


PAST = [
    upgrade.Revision(4, "superseded", False, run="a"),
    upgrade.Revision(5, "deployed", False, run="b"),
]


def test_the_revision_that_a_rollback_goes_to_is_known_to_the_run_that_goes_on(
    module: action.ActionModule, kube: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = list(PAST)
    monkeypatch.setattr(action, "_revisions", lambda *_: past)
    assert action._target(kube, OPTIONS)["revision"] == 4
    module._backup(kube, {**OPTIONS, "revision": 4})
    assert kube.notes == {upgrade.GOAL_NOTE: "4 5"}
    past.append(upgrade.Revision(6, "deployed", False, run="a"))
    assert action._target(kube, OPTIONS)["revision"] == 4
    module._backup(kube, OPTIONS)  # an upgrade begins
    assert kube.notes == {}
    assert action._target(kube, OPTIONS)["revision"] == 5
    module._backup(kube, {**OPTIONS, "revision": 5})
    kube.notes[noted_backup.BACKUP_NOTE] = "s3://b/x.gz"
    module._end(kube, OPTIONS)
    # Nothing is proven yet: where that fails, the same command goes on and not forward again.
    assert kube.notes == {upgrade.GOAL_NOTE: "5 6"}
    past.append(upgrade.Revision(7, "deployed", False, run="b"))
    assert action._target(kube, OPTIONS)["revision"] == 5
    monkeypatch.setattr(action.ActionModule, "check_mode", True)
    module._settle(kube, OPTIONS)
    assert kube.notes == {upgrade.GOAL_NOTE: "5 6"}
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    module._settle(kube, OPTIONS)
    assert kube.notes == {}
    assert action._target(kube, OPTIONS)["revision"] == 6


def test_a_rollback_forgets_where_it_was_going_once_it_is_proven() -> None:
    [*_, last] = yaml.safe_load((ROOT / "playbooks" / "rollback.yml").read_text())
    assert [one["role"] for one in last["roles"]] == ["verify"]
    [settled] = last["post_tasks"]
    assert settled["ansible.builtin.import_role"]["tasks_from"] == "settled"


def test_a_rollback_reads_the_settings_values_only_where_journals_are_made_with_them() -> None:
    tasks = yaml.safe_load((ROOT / "roles/upgrade/tasks/rollback.yml").read_text())
    [read] = [task for task in tasks if task["name"].startswith("Check and merge")]
    [find] = [task for task in tasks if task["name"].startswith("Find the backup")]
    assert read["when"] == find["when"] == "__upgrade_plan.restores"


def rolled_back(monkeypatch: pytest.MonkeyPatch) -> Json:
    """What a run is given that goes on with a rollback which Helm has done."""
    past = [*PAST, upgrade.Revision(6, "deployed", False, run="a")]
    monkeypatch.setattr(action, "_revisions", lambda *_: past)
    monkeypatch.setattr(action, "_marker_version", lambda *_: "2.9.6")
    return {"revision": 4, "journal_folder": "/journal"}


def test_a_rollback_whose_proof_failed_has_something_to_finish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on = rolled_back(monkeypatch)
    found = plan(monkeypatch, "r2", "r2", "r2", goal="4 5", **going_on)
    assert (found["changes"], found["restarts"], found["leads"]) == (True, [], True)
    assert "did not end" in "\n".join(found["summary"])


def test_a_backup_before_which_masters_served_on_does_not_let_journals_go(
    module: action.ActionModule, kube: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action, "_revisions", lambda *_: PAST)
    name = f"alluxio-backup-{time.strftime('%Y-%m-%d', time.gmtime())}-{int(time.time())}000.gz"
    kube.notes = {noted_backup.BACKUP_NOTE: f"s3://b/{name}"}
    assert module._backup(kube, {**OPTIONS, "revision": 4})["backup"]
    replacing = {**OPTIONS, "revision": 4, "restores": True}
    found = module._backup(kube, replacing)
    assert (found["backup"], found["where"]) == ({}, action.UNSAVED)
    # One that was made right before a run stopped them all for just that does.
    kube.notes |= {noted_backup.FORMAT_NOTE: f"s3://b/{name}", noted_backup.STOPPED_AS: "0"}
    kube.replicas = 0
    assert module._backup(kube, replacing)["backup"] == {"where": f"s3://b/{name}"}


LEADER = health.Leader("alluxio-master-2", "2.9.6", (), ())
RENDERED = """
kind: StatefulSet
metadata: {name: alluxio-master}
spec: {replicas: 3, template: {spec: {containers: [{name: alluxio-master, image: "r/alluxio:2.9.6"}]}}}
"""


def plan(
    monkeypatch: pytest.MonkeyPatch,
    *revisions: str,
    note: str = "",
    old: str = "2.9.6",
    leader: health.Leader | None = LEADER,
    **given: Any,
) -> dict[str, Any]:
    """Of a release that is as the settings say; revisions: those of its masters, where the last is r2.

    old: what masters of others run.
    """
    pods = [
        {
            "name": f"alluxio-master-{number}",
            "role": "alluxio-master",
            "revision": revision,
            "ready": 2,
            "total": 2,
            "started": True,
            "no_image": False,
            "terminating": False,
            "image": f"r/alluxio:{'2.9.6' if revision == 'r2' else old}",
            "node": f"n{number}",
        }
        for number, revision in enumerate(revisions)
    ]
    seen = health.Seen(
        pods=pods,
        leader=leader,
        masters_set={"update_revision": "r2"},
    )
    found = {"pods": pods, "masters": {"image": "r/alluxio:2.9.6", "replicas": len(pods)}}
    monkeypatch.setattr(objects, "look", lambda *_: seen)
    monkeypatch.setattr(objects, "read_cluster", lambda *_: found)
    monkeypatch.setattr(action, "_live", lambda *_: {})
    monkeypatch.setattr(backups, "plan", lambda *_, **__: "s3://b/")
    kube: Any = Masters()
    kube.notes = {noted_backup.BACKUP_NOTE: note} if note else {}
    kube.notes |= {upgrade.GOAL_NOTE: given.pop("goal")} if "goal" in given else {}
    options = {
        **OPTIONS,
        "rendered": {"current": RENDERED, "wanted": RENDERED, "chart": "alluxio-1.0.0"},
        "action": "none",
        "reasons": [],
        "revision": 0,
        "rollback_version": "",
        "may_hold_workers": True,
        "restore_from": "",
        "without_backup": "",
        **given,
    }
    module = action.ActionModule.__new__(action.ActionModule)
    return module._plan(kube, options)


def test_a_release_as_the_settings_say_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not plan(monkeypatch, "r2", "r2", "r2")["changes"]


PLANNED = upgrade.Plan("alluxio", "cache", before="2.9.4", after="2.9.6", chart="")


@pytest.mark.parametrize(
    ("planned", "leader", "where"),
    [
        (PLANNED, LEADER, "ufs, kept"),
        (replace(PLANNED, before="2.9.6"), LEADER, "ufs"),
        (replace(PLANNED, before="2.9.6", behind="2.9.4"), LEADER, "ufs, kept"),
        (replace(PLANNED, before="2.9.6", restore_from="latest"), LEADER, "ufs, kept"),
        (replace(PLANNED, changes=False), LEADER, ""),
        (replace(PLANNED, changes=False), None, ""),
        (replace(PLANNED, before="2.9.6"), None, action.NOBODY),
        (replace(PLANNED, revision=4), None, action.NOBODY),
        (replace(PLANNED, revision=4, restore_from="latest"), None, action.UNSAVED),
        (PLANNED, None, None),
    ],
)
def test_a_backup_is_asked_for_where_anything_changes(
    module: action.ActionModule,
    kube: Any,
    monkeypatch: pytest.MonkeyPatch,
    planned: upgrade.Plan,
    leader: health.Leader | None,
    where: str | None,
) -> None:
    monkeypatch.setattr(backups, "plan", lambda *_, to, kept: f"{to}, kept" if kept else to)
    seen = upgrade.Seen([], [], {}, health.Seen([], leader), {})
    options = {**OPTIONS, "without_backup": ""}
    if where is None:
        with pytest.raises(SettingsError, match="no master of cache/alluxio serves"):
            action._with_backup(kube, options, seen, planned)
        return
    assert action._with_backup(kube, options, seen, planned) == replace(planned, backup_to=where)


def test_whether_a_master_leads_is_told_for_the_look_into_their_journals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [plan(monkeypatch, "r2", leader=one) for one in (LEADER, None)]
    assert [one["leads"] for one in told] == [True, False]
    assert (told[1]["image"], told[1]["image_version"]) == ("r/alluxio", "2.9.6")


def test_masters_that_a_killed_run_did_not_restart_are_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = plan(monkeypatch, "r1", "r2", "r1")
    assert found["changes"]
    # In check mode these alone are foretold: the release itself makes no pod anew.
    assert found["restarts"] == []
    said = "\n".join(found["summary"])
    assert "alluxio-master-0, alluxio-master-2 did not restart since the last change" in said
    assert "alluxio-master-0, then the leader alluxio-master-2" in said
    assert not found["hold_workers"]
    standbys = plan(monkeypatch, "r1", "r1", "r2")
    assert "alluxio-master-1, then alluxio-master-0; one" in "\n".join(standbys["summary"])


def test_the_workers_wait_for_the_masters_that_a_killed_run_did_not_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert plan(monkeypatch, "r1", "r1", "r2", old="2.9.4")["hold_workers"]


def test_masters_that_a_killed_rollback_did_not_restart_are_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on = rolled_back(monkeypatch)
    found = plan(monkeypatch, "r1", "r2", "r2", **going_on)
    assert found["changes"]
    assert "alluxio-master-0 did not restart since" in "\n".join(found["summary"])
    assert not plan(monkeypatch, "r2", "r2", "r2", **going_on)["changes"]
    # The same command, after the restore on its way has ended.
    found = plan(monkeypatch, "r2", "r2", "r2", goal="4 5", restore_from="latest", **going_on)
    assert found["changes"]
    assert not found["restores"]
    with pytest.raises(SettingsError, match="can read the journal as it is"):
        plan(monkeypatch, "r2", "r2", "r2", restore_from="latest", **going_on)


def test_a_killed_run_s_backup_note_is_worked_off(monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan(monkeypatch, "r2", "r2", "r2", note="s3://b/x.gz")
    assert found["changes"]
    assert found["restarts"] == []
