"""Old copies: what lies in the volumes of masters that left is marked, and nothing starts from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import journal_left, journal_marker
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Journal,
    Marker,
    left_marker,
    new_marker,
    read_marker,
    served_marker,
)
from tests.unit.cache.journal_volumes import Volumes, guard, holds, marker, options
from tests.unit.cache.test_journal_plan import EMBEDDED, NOW, UFS, URI, decide, journals
from tools.repository import ROOT

Json = dict[str, Any]
LEFT_AT = "2026-02-03T04:05:06Z"


def left(found: list[Journal], *ordinals: int) -> list[Journal]:
    """The same journals, those of some masters left behind by a smaller quorum."""
    return [
        replace(
            item, marker=replace(_served(item.ordinal), left_at=LEFT_AT, left_by="scale-masters")
        )
        if item.ordinal in ordinals
        else item
        for item in found
    ]


def _served(ordinal: int) -> Marker:
    return replace(new_marker(EMBEDDED, ordinal, NOW), served=True)


# The decision.


@pytest.mark.parametrize("policy", ["if_empty", "never"])
def test_old_copies_that_are_a_majority_are_not_the_truth(policy: Any) -> None:
    # 3 masters became 1, whose disk was lost; then `site` with 3.
    found = left(journals("empty", "used", "used", wanted=EMBEDDED), 1, 2)
    with pytest.raises(SettingsError) as refusal:
        decide(found, policy, EMBEDDED)
    said = refusal.value
    assert "the journals of masters 1 and 2 are old copies" in said.what
    assert f"{LEFT_AT} by scale-masters" in said.what
    assert "`alluxops restore`" in said.fix
    assert "alluxio_confirm_format: alluxio" in said.fix
    assert ".alluxops.json in the volume of claim journal-1" in said.fix


def test_the_journal_of_the_master_that_stayed_is_what_to_start_from() -> None:
    found = left(journals("used", "used", "used", wanted=EMBEDDED), 1, 2)
    with pytest.raises(SettingsError) as refusal:
        decide(found, wanted=EMBEDDED)
    assert "set alluxio_masters: 1 " in refusal.value.fix
    assert "`alluxops scale-masters`" in refusal.value.fix


def test_from_five_to_three_and_back_without_the_release() -> None:
    found = left(journals(*["used"] * 5, wanted=EMBEDDED), 3, 4)
    with pytest.raises(SettingsError, match="masters 3 and 4") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "set alluxio_masters: 3 " in refusal.value.fix
    assert decide(found[:3], wanted=EMBEDDED).format == ()


@pytest.mark.parametrize(("of", "to"), [(3, 1), (5, 3)])
def test_beside_an_interrupted_shrink_nothing_is_to_be_emptied(of: int, to: int) -> None:
    # The last had left; the one before it may have as well, killed before the mark. There is no release of 2 or 4.
    found = left(journals(*["used"] * of, wanted=EMBEDDED), of - 1)
    with pytest.raises(SettingsError, match=f"master {of - 1} is an old copy") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "empty" not in refusal.value.fix
    assert f"set alluxio_masters: {to} " in refusal.value.fix
    assert f"master {to} may have left as well" in refusal.value.fix
    assert "alluxops restore" in refusal.value.fix
    assert decide(found[:to], wanted=EMBEDDED).format == ()


def test_with_a_journal_of_those_that_stayed_lost_there_is_a_backup_or_a_copy() -> None:
    found = left(journals("empty", "used", "used", wanted=EMBEDDED), 2)
    with pytest.raises(SettingsError, match="master 2 is an old copy") as refusal:
        decide(found, wanted=EMBEDDED)
    assert refusal.value.fix.startswith("put the journals of the masters that stayed back")


def test_one_that_left_unmarked_as_its_node_was_down_counts_for_nothing() -> None:
    # 3 masters became 1, and only the volume of master 1 could be marked.
    found = left(journals("used", "used", "used", wanted=EMBEDDED), 1)
    with pytest.raises(SettingsError, match="master 1 is an old copy") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "set alluxio_masters: 1 " in refusal.value.fix
    assert "empty" not in refusal.value.fix


def test_without_its_marker_an_old_copy_is_used_which_is_the_confirmation() -> None:
    found = journals("empty", "adopted-used", "adopted-used", wanted=EMBEDDED)
    assert decide(found, wanted=EMBEDDED).adopt == (1, 2)


def test_an_old_copy_is_replaced_by_force_and_by_a_confirmed_restore_only() -> None:
    found = left(journals("empty", "used", "used", wanted=EMBEDDED), 1, 2)
    plan = decide(found, "force", EMBEDDED, confirmed=True)
    assert (plan.format, plan.needs_backup) == ((0, 1, 2), True)
    with pytest.raises(SettingsError, match="holds metadata"):
        decide(found, wanted=EMBEDDED, restoring=URI)
    restored = decide(found, "force", EMBEDDED, confirmed=True, restoring=URI)
    assert restored.format == (0, 1, 2)


def test_one_that_joins_again_gets_a_new_journal_also_where_the_old_one_holds_nothing() -> None:
    found = left(journals("used", "used", "formatted", wanted=EMBEDDED), 1, 2)[1:]
    assert decide(found, wanted=EMBEDDED, masters=3, stale=True).format == (1, 2)


def test_the_old_copy_of_another_place_says_so() -> None:
    gone = replace(_served(1), left_at=LEFT_AT, left_by="scale-masters")
    with pytest.raises(SettingsError) as refusal:
        decide(journals("other", wanted=EMBEDDED, marker=gone), wanted=EMBEDDED)
    assert f"left the quorum at {LEFT_AT} (`alluxops scale-masters`)" in refusal.value.cause


# The marker.


def item(state: Any, **given: Any) -> Journal:
    return Journal(1, "journal-1", state, **{"journal_type": "EMBEDDED", **given})


def test_the_mark_says_when_and_by_which_verb_and_is_read_back() -> None:
    made = left_marker(item("formatted", marker=_served(1)), EMBEDDED, NOW, "scale-masters")
    assert made is not None
    assert made == replace(_served(1), left_at="2026-01-02T03:04:05Z", left_by="scale-masters")
    assert read_marker(made.encoded()) == made


def test_the_first_mark_stays() -> None:
    old = replace(_served(1), left_at=LEFT_AT, left_by="scale-masters")
    assert left_marker(item("formatted", marker=old), EMBEDDED, NOW, "site") == old


def test_one_that_was_never_marked_gets_the_type_that_it_has() -> None:
    # By now the release has a UFS journal.
    found = item("empty", records=("EMBEDDED",), journal_type="UFS")
    made = left_marker(found, UFS, NOW, "scale-masters")
    assert made is not None
    assert (made.ordinal, made.journal_type) == (1, "EMBEDDED")
    assert made.adopted_at == made.left_at


@pytest.mark.parametrize("state", ["other", "foreign", "absent", "unreadable", "empty"])
def test_what_is_no_journal_of_the_release_is_not_marked(state: Any) -> None:
    records = () if state == "empty" else ("EMBEDDED",)
    assert left_marker(item(state, records=records), EMBEDDED, NOW, "scale-masters") is None


def test_one_that_serves_again_has_not_left() -> None:
    old = replace(_served(1), left_at=LEFT_AT, left_by="scale-masters")
    assert served_marker(old, EMBEDDED, 1, NOW) == _served(1)


# The action.


class Scaled(Volumes):
    """Three masters became one: each of the three has a claim, a volume and a node."""

    def __init__(self, root: Path, *, marked: bool = True) -> None:
        super().__init__(root)
        self.serve(True)
        self.members = [0]
        self.not_ready: set[str] = set()
        for ordinal in (1, 2):
            self.write(ordinal)
            if marked:
                (self.folder(ordinal) / journal.MARKER).write_text(_served(ordinal).text())

    def list_objects(self, path: str, selector: str = "", **more: Any) -> list[Json]:
        if path.endswith("/persistentvolumeclaims"):
            return [self._claim(ordinal) for ordinal in range(3)]
        if path.endswith("/persistentvolumes"):
            return [self._volume(ordinal) for ordinal in range(3)]
        if path.endswith("/nodes"):
            return [self._node(f"n{ordinal + 1}") for ordinal in range(3)]
        return super().list_objects(path, selector, **more)

    def _claim(self, ordinal: int) -> Json:
        return {
            "metadata": {"name": f"alluxio-journal-alluxio-master-{ordinal}"},
            "spec": {"volumeName": f"pv-{ordinal}", "storageClassName": "alluxops-local"},
            "status": {"phase": "Bound"},
        }

    def _volume(self, ordinal: int) -> Json:
        expression = {"key": "kubernetes.io/hostname", "values": [f"host-n{ordinal + 1}"]}
        terms = [{"matchExpressions": [expression]}]
        return {
            "metadata": {"name": f"pv-{ordinal}"},
            "spec": {
                "local": {"path": "/mnt/cache/alluxio/journal"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
            },
        }

    def _node(self, name: str) -> Json:
        ready = "False" if name in self.not_ready else "True"
        return {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": f"host-{name}"}},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }


def mark(cluster: Volumes, *, check: bool = False, **given: Any) -> Json:
    action: Any = journal_left.ActionModule.__new__(journal_left.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    asked = {"by": "scale-masters", "ordinals": [], "passed_over": [], "wait_timeout_s": 5}
    result: Json = action.act(cluster, {**options(masters=1), **asked, **given})
    return result


@pytest.fixture
def cluster(tmp_path: Path) -> Scaled:
    return Scaled(tmp_path)


def left_by(cluster: Volumes) -> list[str]:
    found = [marker(cluster, ordinal) for ordinal in range(3)]
    return [item.left_by if item else "" for item in found]


def test_those_that_left_are_marked_once(cluster: Scaled) -> None:
    result = mark(cluster)
    assert (result["changed"], result["left"], result["warnings"]) == (True, [1, 2], [])
    assert left_by(cluster) == ["", "scale-masters", "scale-masters"]
    assert marker(cluster, 1).served  # type: ignore[union-attr]
    assert "left_by: scale-masters" in result["diff"]["after"]
    assert cluster.jobs == {}
    assert not mark(cluster)["changed"]


def test_a_run_killed_between_leaving_and_marking_is_made_good_by_the_next(
    cluster: Scaled,
) -> None:
    mark(cluster, ordinals=[1])
    assert left_by(cluster) == ["", "scale-masters", ""]
    mark(cluster, passed_over=[1])
    assert left_by(cluster) == ["", "scale-masters", "scale-masters"]


def test_early_journals_without_a_marker_are_marked_too(tmp_path: Path) -> None:
    cluster = Scaled(tmp_path, marked=False)
    mark(cluster)
    assert left_by(cluster) == ["", "scale-masters", "scale-masters"]


def test_a_member_that_does_not_run_has_not_left(cluster: Scaled) -> None:
    cluster.members = [0, 1]
    assert mark(cluster)["left"] == [2]


def test_where_the_journal_is_no_embedded_one_those_that_do_not_run_have_left(
    cluster: Scaled,
) -> None:
    cluster.members = []
    values = options(masters=1)["values"]
    assert mark(cluster, values={**values, "journal": {**values["journal"], "type": "UFS"}})[
        "left"
    ] == [1, 2]
    assert marker(cluster, 2).journal_type == "EMBEDDED"  # type: ignore[union-attr]


def test_nothing_is_old_where_no_master_is_to_run(cluster: Scaled) -> None:
    assert cluster.masters is not None
    cluster.masters["spec"]["replicas"] = 0
    values = options(masters=1)["values"]
    ufs = {**values, "journal": {**values["journal"], "type": "UFS"}}
    assert mark(cluster, values=ufs)["left"] == []


def test_a_node_that_is_down_is_told_and_marked_when_it_is_back(cluster: Scaled) -> None:
    cluster.not_ready = {"n2"}
    result = mark(cluster)
    assert result["left"] == [2]
    [warning] = result["warnings"]
    assert "node host-n2 is not Ready" in warning
    assert "master 1 of alluxio" in warning
    assert "Run `alluxops scale-masters` again" in warning
    cluster.not_ready = set()
    assert mark(cluster)["changed"]
    assert left_by(cluster) == ["", "scale-masters", "scale-masters"]


def test_one_that_cannot_be_looked_into_keeps_no_other_from_its_mark(
    cluster: Scaled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "pod_log", lambda _space, name, *_, **__: broken(name))

    def broken(name: str) -> str:
        return "x" if "master-1" in name else Volumes.pod_log(cluster, "cache", name)

    states = Volumes._job_pod

    def ended(self: Volumes, name: str) -> Json:
        found = states(self, name)
        if "master-1" in name:
            found["status"]["containerStatuses"][0]["state"] = {"terminated": {}}
        return found

    monkeypatch.setattr(Volumes, "_job_pod", ended)
    result = mark(cluster)
    assert result["left"] == [2]
    assert "printed no state" in result["warnings"][0]
    assert cluster.jobs == {}


def test_a_broken_marker_is_left_with_a_warning(cluster: Scaled) -> None:
    (cluster.folder(1) / journal.MARKER).write_text("{")
    result = mark(cluster)
    assert result["left"] == [2]
    assert "cannot be read" in result["warnings"][0]


def test_another_release_s_journal_is_left_alone(cluster: Scaled) -> None:
    theirs = replace(_served(1), release="other")
    (cluster.folder(1) / journal.MARKER).write_text(theirs.text())
    assert mark(cluster)["left"] == [2]
    assert marker(cluster, 1) == theirs


def test_check_mode_looks_at_nothing(cluster: Scaled) -> None:
    assert not mark(cluster, check=True)["changed"]
    assert left_by(cluster) == ["", "", ""]


@pytest.mark.parametrize("name", ["leave", "finish"])
def test_it_waits_as_long_as_the_settings_say(name: str) -> None:
    tasks = yaml.safe_load((ROOT / f"roles/scale_masters/tasks/{name}.yml").read_text())
    [given] = [
        task["alluxops.cache.journal_left"]
        for task in tasks
        if "alluxops.cache.journal_left" in task
    ]
    assert given["wait_timeout_s"] == "{{ alluxops_wait_timeout_s }}"


# All of it, on folders.


def test_a_lost_disk_and_site_with_three_does_not_start_from_old_copies(cluster: Scaled) -> None:
    mark(cluster)
    for path in sorted(cluster.folder(0).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    cluster.pods, cluster.masters = [], None  # uninstalled
    with pytest.raises(SettingsError, match="old copies"):
        guard(cluster).run()
    assert holds(cluster) == [False, True, True]
    assert cluster.jobs == {}


def test_one_that_joins_again_has_a_journal_without_the_mark(cluster: Scaled) -> None:
    mark(cluster)
    guard(cluster, ordinals=[1], stale=True).run()
    assert holds(cluster) == [True, False, True]
    assert left_by(cluster) == ["", "", "scale-masters"]


@pytest.mark.parametrize(("members", "cleared"), [([0, 1], True), ([0], False), ([], False)])
def test_the_mark_goes_where_the_master_is_a_member_again(
    cluster: Scaled, members: list[int], *, cleared: bool
) -> None:
    mark(cluster)
    cluster.members = members
    writer = journal_marker._Writer(cluster, EMBEDDED, "/journal", restored=False)  # type: ignore[arg-type]
    writer.write([{"name": "alluxio-master-1"}], count=2, dry=False)
    result = writer.result()
    assert bool(result["warnings"]) is not cleared
    assert left_by(cluster)[1] == ("" if cleared else "scale-masters")
    if not cleared:
        assert "is no member of the quorum" in result["warnings"][0]


def test_times_are_read_as_they_are_written() -> None:
    made = left_marker(item("formatted", marker=_served(1)), EMBEDDED, datetime.now(UTC), "site")
    assert made is not None
    assert datetime.fromisoformat(made.left_at or "").tzinfo is not None
