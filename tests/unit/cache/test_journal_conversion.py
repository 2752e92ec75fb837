"""The action that turns a journal into one of another type, on a volume that is a folder and a master that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import journal_conversion
from ansible_collections.alluxops.cache.plugins.action.journal_conversion import (
    ActionModule,
    LoneMaster,
)
from ansible_collections.alluxops.cache.plugins.module_utils import (
    census,
    conversion,
    journal,
)
from ansible_collections.alluxops.cache.plugins.module_utils import scale as scaling
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from tests.unit.cache.journal_volumes import SET, Volumes, marker
from tests.unit.cache.kube_objects import container, pod
from tests.unit.cache.test_journal_marker import marked
from tools.repository import ROOT

Json = dict[str, Any]
BACKUP = "alluxio-backup-2026-11-26-1795679100000.gz"
VALUES = {"imageTag": "2.9.6", "journal": {"type": "UFS", "volumeType": "persistentVolumeClaim"}}


class Cluster(Volumes):
    """Master 0's volume with a journal of each type, as numbers of paths; and the lone master that serves one."""

    def __init__(self, root: Path, **paths: int) -> None:
        super().__init__(root)
        self.paths = paths
        self.serving = ""
        self.backup = 0
        self.lone: Json | None = None
        self.limits: dict[str, float] = {}
        self.tell: Callable[[Json], Json] = dict
        spec = {"containers": [{"name": "alluxio-master"}]}
        self.masters = {
            "metadata": {"name": "alluxio-master", "namespace": "cache"},
            "spec": {"replicas": 0, "template": {"spec": spec}},
        }

    def say(self, journal_type: str, **given: Any) -> None:
        """Write a marker."""
        known = journal.Marker("cache", "alluxio", 0, journal_type, served=True)
        text = journal.Marker(**{**vars(known), **given}).text()
        (self.folder(0) / journal.MARKER).write_text(text)

    def get(self, path: str) -> Json | None:
        if path == SET:
            return self.masters
        return self.lone if path.endswith(conversion.pod_name("alluxio")) else None

    def list_objects(self, path: str, selector: str = "", **_: Any) -> list[Json]:
        if f"task={conversion.TASK}" not in selector:
            return super().list_objects(path, selector)
        return [self.lone] if self.lone is not None else []

    def create(self, path: str, body: Json) -> Json:
        assert path.endswith("/pods")
        name = body["metadata"]["name"]
        self.lifetime_s = body["spec"]["activeDeadlineSeconds"]
        self.lone = pod(name, "", "n1", [container("alluxio-master")])
        return self.lone

    def delete(self, path: str, **_: Any) -> bool:
        assert path.endswith(conversion.pod_name("alluxio"))
        self.lone, was = None, self.lone
        return was is not None

    def exec(
        self,
        _namespace: str,
        name: str,
        _: str,
        command: list[str],
        timeout_s: float = 0,
        **__: Any,
    ) -> ExecResult:
        if name == "alluxio-master-0":  # it serves, and is asked for its marker
            return super().exec("", name, "", command)
        assert name == conversion.pod_name("alluxio")
        script = command[2]
        self.limits["backup" if "fsadmin backup" in script else "other"] = timeout_s
        kind = (re.findall(r"journal\.type=([A-Z]+)", script) or [""])[0]
        if command[0] == "/bin/sh":
            done = self._run("alluxio-master-0", command)
            return ExecResult(done.returncode, done.stdout, done.stderr)
        if "entrypoint.sh" in script:
            self.serving = kind
            self.paths[kind] = self.paths.get(kind) or (
                self.backup if "from.backup" in script else 0
            )
        elif script == conversion.STOP:
            self.serving = ""
        elif "fsadmin backup" in script:
            self.backup = self.paths[self.serving]
            return ExecResult(0, f"Backup Host : x\nBackup URI : /journal/{BACKUP}\n", "")
        elif "formatJournal" in script or "rm -rf" in script:
            formatted = kind or "EMBEDDED"
            self.done.append(f"format {formatted}")
            self.paths[formatted] = 0
        return ExecResult(0, "", "")

    def pod_http(self, *where: Any) -> str:
        if not self.serving:
            return ""
        if "metrics" in where[-1]:
            counts = dict.fromkeys(census.GAUGES.values(), 1)
            counts["Master.TotalPaths"] = self.paths[self.serving]
            told = {name: {"value": count} for name, count in counts.items()}
            return json.dumps({"gauges": self.tell(told)})
        return json.dumps({"version": "2.9.6", "workers": [], "mountPoints": {}})


def convert(cluster: Cluster, was: str, wanted: str) -> Json:
    action: Any = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    names = {"namespace": "cache", "release": "alluxio", "values": VALUES}
    limits = {"wait_timeout_s": 5, "backup_timeout_s": 900}
    result: Json = action.act(cluster, {**names, **limits, "from_type": was, "to_type": wanted})
    return result


def scale(cluster: Cluster, ha: str, wanted: str, masters: int, *, running: int) -> Json:
    """What the role's convert.yml does, which begins with the marker of what serves."""
    now = scaling.Running("ours", ha, 1, running)
    [first, *_] = scaling.plan_scale(now, scaling.Wanted(masters, wanted, 3))
    assert first.what == "convert"
    if first.stops:
        marked(cluster, kind=first.from_type)
    return convert(cluster, first.from_type, first.journal_type)


def test_the_role_does_what_these_tests_do() -> None:
    tasks = yaml.safe_load((ROOT / "roles/scale_masters/tasks/convert.yml").read_text())
    first, _, last = tasks
    assert first["when"] == "step.stops"
    assert "'type': step.from_type" in first["alluxops.cache.journal_marker"]["values"]
    assert last["alluxops.cache.journal_conversion"]["from_type"] == "{{ step.from_type }}"


def test_a_journal_is_converted_and_marked(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS")
    result = scale(cluster, "none", "embedded", 3, running=1)
    assert result["changed"]
    assert result["census"]["paths"] == 7
    assert cluster.paths == {"UFS": 7, "EMBEDDED": 7}
    marked = marker(cluster, 0)
    assert marked is not None
    assert (marked.journal_type, marked.served) == ("EMBEDDED", True)
    assert marked.formatted_at
    assert cluster.lone is None


def test_a_backup_may_take_as_long_as_the_verb_s(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS")
    convert(cluster, "UFS", "EMBEDDED")
    assert cluster.limits["backup"] == 900
    assert cluster.lifetime_s >= 3 * 5 + 2 * 900
    verb = argument_spec("backup")["wait_timeout_s"]["default"]
    assert argument_spec("journal_conversion")["backup_timeout_s"]["default"] == verb


def test_reading_the_backup_has_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster: Any = Cluster(tmp_path)
    limits = {"wait_timeout_s": 5, "backup_timeout_s": 900}
    names = {"namespace": "cache", "release": "alluxio", "values": VALUES}
    master = LoneMaster(cluster, {**names, **limits})
    monkeypatch.setattr(master, "_leader", object)
    master.start("EMBEDDED", {"alluxio.master.journal.init.from.backup": BACKUP})
    assert master.patience.timeout_s == 905
    master.start("EMBEDDED")
    assert master.patience.timeout_s == 5
    longer = LoneMaster(cluster, {**names, "wait_timeout_s": 7200, "backup_timeout_s": 900})
    assert longer.backup_timeout_s == 7200


@pytest.mark.parametrize("gauge", list(census.GAUGES.values()))
@pytest.mark.parametrize("serves", ["UFS", "EMBEDDED"])
def test_a_conversion_that_nothing_proves_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gauge: str, serves: str
) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS")
    cluster.tell = lambda told: {
        name: value for name, value in told.items() if (name, cluster.serving) != (gauge, serves)
    }
    monkeypatch.setattr(journal_conversion, "COUNTED_WITHIN_S", 0)
    with pytest.raises(CacheError, match="does not count") as refusal:
        convert(cluster, "UFS", "EMBEDDED")
    assert gauge in refusal.value.fix
    assert "Alluxio 2.9.6" in refusal.value.fix
    assert marker(cluster, 0).journal_type == "UFS"  # type: ignore[union-attr]
    assert cluster.paths["UFS"] == 7
    assert ("format EMBEDDED" in cluster.done) == (serves == "EMBEDDED")
    assert cluster.lone is None


def test_counts_that_come_a_little_later_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_conversion, "LOOK_EVERY_S", 0)
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS")
    looks = iter(range(99))
    cluster.tell = lambda told: told if next(looks) % 3 == 2 else {}
    assert convert(cluster, "UFS", "EMBEDDED")["changed"]


def test_a_release_that_went_back_does_not_cost_the_journal_in_use(tmp_path: Path) -> None:
    # Converted, and written to since; then the release was put back to the revision before, of the old type.
    cluster = Cluster(tmp_path, UFS=7, EMBEDDED=9)
    cluster.say("EMBEDDED")
    with pytest.raises(SettingsError, match="was served from as type EMBEDDED last"):
        scale(cluster, "none", "embedded", 3, running=1)
    assert marker(cluster, 0).journal_type == "EMBEDDED"  # type: ignore[union-attr]
    result = scale(cluster, "none", "embedded", 3, running=0)
    assert not result["changed"]
    assert cluster.done == []
    assert cluster.paths == {"UFS": 7, "EMBEDDED": 9}
    assert cluster.lone is None


def test_a_conversion_that_was_killed_once_it_had_ended_goes_on_with_either_aim(
    tmp_path: Path,
) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS")
    assert scale(cluster, "none", "embedded", 3, running=1)["changed"]
    assert not scale(cluster, "none", "embedded", 3, running=0)["changed"]
    assert marked(cluster, kind="EMBEDDED") is not None  # finish: it serves
    assert scale(cluster, "none", "none", 1, running=0)["changed"]
    assert not marked(cluster, kind="UFS")["warnings"]
    assert cluster.paths == {"UFS": 7, "EMBEDDED": 7}


def test_an_aim_that_is_given_up_converts_back_from_the_journal_in_use(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, UFS=7, EMBEDDED=9)
    cluster.say("EMBEDDED")
    assert convert(cluster, "UFS", "UFS")["changed"]
    assert cluster.done == ["format UFS"]
    assert cluster.paths == {"UFS": 9, "EMBEDDED": 9}
    assert marker(cluster, 0).journal_type == "UFS"  # type: ignore[union-attr]


def test_without_a_marker_the_release_tells_the_type_in_use(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    assert not convert(cluster, "UFS", "UFS")["changed"]
    assert convert(cluster, "UFS", "EMBEDDED")["changed"]
    assert cluster.done == ["format EMBEDDED"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"release": "other"}, "belongs to master 0 of release other"),
        ({"restoring": "/x.gz"}, "a restore of /x.gz"),
    ],
)
def test_a_journal_that_is_not_ours_or_not_whole_is_left_alone(
    tmp_path: Path, given: Json, said: str
) -> None:
    cluster = Cluster(tmp_path, UFS=7)
    cluster.say("UFS", **given)
    with pytest.raises(SettingsError, match=said):
        convert(cluster, "UFS", "EMBEDDED")
    assert cluster.done == []
    assert cluster.lone is None


@pytest.mark.parametrize("text", ["", '{"release": "allu', "[]"])
def test_a_broken_marker_does_not_leave_it_to_the_release(tmp_path: Path, text: str) -> None:
    # Of the two journals in the volume it is the marker that tells which one would be overwritten.
    cluster = Cluster(tmp_path, UFS=7, EMBEDDED=9)
    (cluster.folder(0) / journal.MARKER).write_text(text)
    with pytest.raises(CacheError, match="cannot be read") as refusal:
        convert(cluster, "UFS", "EMBEDDED")
    assert f"remove {journal.MARKER}" in refusal.value.fix
    assert cluster.done == []
    assert cluster.paths == {"UFS": 7, "EMBEDDED": 9}


@pytest.mark.parametrize(
    ("was", "wanted"), [("none", "none"), ("none", "embedded"), ("embedded", "none")]
)
def test_stopped_masters_begin_with_the_journal_whatever_the_release_says(
    was: str, wanted: str
) -> None:
    now = scaling.Running("ours", was, 1, 0)
    first = scaling.plan_scale(now, scaling.Wanted(1, wanted, 3))[0]
    assert (first.what, first.stops) == ("convert", False)
    assert first.from_type == scaling.JOURNAL_TYPES[was]
    assert first.journal_type == scaling.JOURNAL_TYPES[wanted]
