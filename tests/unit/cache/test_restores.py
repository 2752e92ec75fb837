"""Whether a restore goes on, and whether it has ended, by the release's configuration and its markers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import backup as backup_action
from ansible_collections.alluxops.cache.plugins.action import restore as action
from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    census,
    health,
    journal,
    restore,
)
from ansible_collections.alluxops.cache.plugins.module_utils import cluster as facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.restore_check import restore_check
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups, restores
from ansible_collections.alluxops.cache.plugins.plugin_utils import census as censuses
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.stopped_masters import StoppedMasters
from tests.unit.cache.journal_volumes import SET, Volumes
from tests.unit.cache.test_backup import NEW as NAME
from tools.repository import ROOT

URI = f"s3://b/x/{NAME}"
OPTIONS = (
    f"-Dalluxio.master.journal.folder=/journal -Dalluxio.master.journal.init.from.backup={URI}"
)
BEGUN = journal.new_marker(
    journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6"),
    0,
    datetime(2026, 1, 2, tzinfo=UTC),
    URI,
)
ENDED = replace(BEGUN, restoring=None, served=True)


class Configured(Volumes):
    """Masters with a ConfigMap."""

    options = OPTIONS

    def get(self, path: str) -> dict[str, Any] | None:
        if path.endswith("/configmaps/alluxio-config"):
            return {"data": {"ALLUXIO_MASTER_JAVA_OPTS": self.options}}
        if path == SET and self.masters is not None:
            return {
                **self.masters,
                "metadata": {**self.masters["metadata"], "annotations": dict(self.notes)},
            }
        return super().get(path)

    def merge(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == SET
        given = {**self.notes, **body["metadata"]["annotations"]}
        self.notes = {key: value for key, value in given.items() if value is not None}
        self.done.append("merge")
        return body


@pytest.fixture
def kube(tmp_path: Path) -> Any:
    return Configured(tmp_path)


def found(kube: Any) -> restores.Found:
    pods = [facts.pod_facts(pod) for pod in kube.pods]
    return restores.read(kube, "cache", "alluxio", pods)


@pytest.mark.parametrize(
    ("marker", "goes_on", "has_ended"),
    [(BEGUN, URI, False), (ENDED, "", True), (replace(BEGUN, served=True), URI, False)],
)
def test_the_marker_of_a_master_that_serves_tells(
    kube: Any, marker: journal.Marker, goes_on: str, *, has_ended: bool
) -> None:
    kube.serve(False, True)
    (kube.folder(1) / journal.MARKER).write_text(marker.text())
    told = found(kube)
    assert (told.pending, told.goes_on, told.has_ended) == (URI, goes_on, has_ended)


@pytest.mark.parametrize(
    ("markers", "goes_on"),
    [
        ([BEGUN], URI),
        ([replace(BEGUN, served=True)], URI),  # as a run has marked it that only warned
        ([ENDED], ""),
        ([BEGUN, BEGUN, ENDED], URI),
        ([BEGUN, ENDED, ENDED], ""),  # the others bring that one up to date
    ],
)
def test_a_restore_that_no_configuration_names_yet_goes_on_by_the_markers(
    kube: Any, markers: list[journal.Marker], goes_on: str
) -> None:
    kube.options = "-Da=b"
    kube.serve(*[True] * len(markers))
    for ordinal, marker in enumerate(markers):
        (kube.folder(ordinal) / journal.MARKER).write_text(marker.text())
    told = found(kube)
    assert (told.pending, told.goes_on, told.has_ended) == ("", goes_on, False)
    assert restore_check(told.goes_on, "alluxio").ok is not bool(goes_on)


def test_a_restore_goes_on_by_the_markers_of_masters_that_someone_has_started(
    monkeypatch: pytest.MonkeyPatch, kube: Any
) -> None:
    kube.options = "-Da=b"
    kube.serve(True)
    pods = [facts.pod_facts(pod) for pod in kube.pods]
    monkeypatch.setattr(objects, "look", lambda *_: health.Seen(pods=pods, leader=LEADER))
    monkeypatch.setattr(action, "_logs", lambda *_: ["INFO starting"])
    settings: Any = SimpleNamespace(namespace="cache", release="alluxio")
    source = backup.Source("latest", "")
    with pytest.raises(SettingsError, match="alluxio serves"):
        restore.plan(source, action._look(kube, settings), "alluxio", "/journal")
    (kube.folder(0) / journal.MARKER).write_text(BEGUN.text())
    plan = restore.plan(source, action._look(kube, settings), "alluxio", "/journal")
    assert plan == restore.Plan(source, URI)


def test_without_a_marker_or_a_master_nothing_is_told(kube: Any) -> None:
    assert (found(kube).goes_on, found(kube).has_ended) == ("", False)
    kube.serve(True)
    assert (found(kube).goes_on, found(kube).has_ended) == ("", False)


def test_a_note_stays_on_the_masters_until_it_is_taken_away(kube: Any) -> None:
    restores.note(kube, "cache", "alluxio", None)
    assert restores.noted(kube, "cache", "alluxio") == ""
    kube.serve(True)
    for uri, told in ((URI, URI), (URI, URI), (None, ""), (None, "")):
        restores.note(kube, "cache", "alluxio", uri)
        assert restores.noted(kube, "cache", "alluxio") == told
    assert kube.done == ["merge", "merge"]


LEADER = health.Leader("alluxio-master-0", "2.9.6", (), ())


def finish(monkeypatch: pytest.MonkeyPatch, kube: Any, leader: health.Leader | None) -> Any:
    seen = health.Seen(pods=[facts.pod_facts(pod) for pod in kube.pods], leader=leader)
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    monkeypatch.setattr(objects, "look", lambda *_: seen)
    monkeypatch.setattr(action, "_logs", lambda *_: ["INFO starting"])
    monkeypatch.setattr(censuses, "read", lambda *_: census.Census(1, 2, 3, ()))
    options = {"namespace": "cache", "release": "alluxio", "uri": URI, "entries": 0, "values": {}}
    return action.ActionModule.__new__(action.ActionModule)._finish(kube, options)


def test_a_restore_counts_by_its_note_once_its_configuration_and_its_log_are_gone(
    monkeypatch: pytest.MonkeyPatch, kube: Any
) -> None:
    kube.options = "-Da=b"
    kube.serve(True)
    with pytest.raises(CacheError, match="was not restored whole"):
        finish(monkeypatch, kube, LEADER)
    kube.notes = {restore.NOTE: URI}
    assert NAME in finish(monkeypatch, kube, LEADER)["summary"]
    with pytest.raises(CacheError, match=r"restored whole .* no master serves now"):
        finish(monkeypatch, kube, None)
    kube.options = OPTIONS  # of a restore that began again
    with pytest.raises(CacheError, match="was not restored whole"):
        finish(monkeypatch, kube, LEADER)


def test_masters_that_are_stopped_for_new_journals_lose_the_note(kube: Any) -> None:
    kube.serve()
    kube.notes = {restore.NOTE: URI}
    StoppedMasters(kube, "cache", "alluxio").stop(Patience(1))
    assert restore.NOTE not in kube.notes


@pytest.mark.parametrize("place", ["configuration", "note"])
def test_the_verb_backup_waits_for_a_restore_to_end(
    monkeypatch: pytest.MonkeyPatch, kube: Any, place: str
) -> None:
    told = {backup.INIT_PROPERTY: URI} if place == "configuration" else {}
    monkeypatch.setattr(backups, "_Taker", lambda *_, **__: SimpleNamespace(configuration=told))
    kube.serve(True)
    if place == "note":
        backups.refuse_while_restoring(kube, "cache", "alluxio")
        kube.notes = {restore.NOTE: URI}
    options = {"namespace": "cache", "release": "alluxio", "to": "ufs", "keep": 7}
    with pytest.raises(SettingsError, match=f"a restore of {URI} into alluxio has begun") as fault:
        backup_action.ActionModule.__new__(backup_action.ActionModule).act(kube, options)
    assert f"restore_from={NAME}" in fault.value.fix


def test_a_restore_and_site_take_the_note_away_once_the_cache_is_proven() -> None:
    restores_play = yaml.safe_load((ROOT / "playbooks" / "restore.yml").read_text())[-2]
    used = [task["ansible.builtin.import_role"] for task in restores_play["tasks"]]
    assert [(role["name"], role.get("tasks_from")) for role in used] == [
        ("restore", None),
        ("verify", None),
        ("restore", "settled"),
    ]
    site = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())[-2]
    assert site["roles"] == ["verify"]
    assert site["post_tasks"][0]["ansible.builtin.import_role"]["tasks_from"] == "settled"
    [noted, deployed, *_] = yaml.safe_load((ROOT / "roles/restore/tasks/settle.yml").read_text())
    assert noted["alluxops.cache.restore"]["state"] == "noted"
    assert deployed["ansible.builtin.import_role"]["tasks_from"] == "release"
