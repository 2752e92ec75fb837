"""Nothing goes back to where metadata would be lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import master_start, rollback
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.upgrade import (
    GOAL_NOTE,
    Masters,
    Revision,
)
from tests.unit.cache.test_upgrade import asked, config, seen, workload

Json = dict[str, Any]
OLD = Masters(1, "none", "alluxio/alluxio:2.9.4")
NEW = Masters(1, "none", "alluxio/alluxio:2.9.6-custom")


def test_a_rollback_that_changes_settings_only_is_fine() -> None:
    rollback.check_rollback(NEW, NEW, "2.9.6", 3)
    rollback.check_rollback(OLD, NEW, "2.9.4", 3)  # the newer one never served


@pytest.mark.parametrize("newest", ["2.9.6", ""])
def test_a_rollback_that_would_lose_metadata_is_refused(newest: str) -> None:
    with pytest.raises(SettingsError) as fault:
        rollback.check_rollback(OLD, NEW, newest, 3)
    assert "restore_from" in fault.value.fix


@pytest.mark.parametrize("goal", [replace(NEW, count=3, ha="embedded"), replace(NEW, count=0)])
def test_masters_neither_come_nor_go_with_a_rollback(goal: Masters) -> None:
    with pytest.raises(SettingsError) as fault:
        rollback.check_masters(goal, NEW, 3, "cache")
    assert "scale-masters" in fault.value.fix


def test_an_older_alluxio_takes_a_backup_to_restore() -> None:
    assert rollback.check_rollback(OLD, NEW, "2.9.6", 3, restore_from="latest")
    assert not rollback.check_rollback(OLD, NEW, "2.9.4", 3)
    with pytest.raises(SettingsError, match="can read the journal as it is"):
        rollback.check_rollback(OLD, OLD, "2.9.4", 3, restore_from="latest")
    with pytest.raises(SettingsError, match="has begun and did not end"):
        rollback.check_rollback(OLD, OLD, "2.9.4", 3, has_begun=True)
    assert rollback.check_rollback(OLD, OLD, "2.9.4", 3, restore_from="latest", has_begun=True)


def test_where_helm_is_there_already_the_same_command_only_ends_what_is_left() -> None:
    assert not rollback.check_rollback(OLD, OLD, "2.9.4", 3, restore_from="latest", is_there=True)


LAST = Revision(5, "deployed", is_half=False, run="b")
PAST = [Revision(4, "superseded", is_half=False, run="a"), LAST]
GONE_BACK = [*PAST, Revision(6, "deployed", is_half=False, run="a")]
BEGUN = [*PAST, Revision(6, "deployed", is_half=True, goal=4)]
UNTOLD: Json = {
    "current": [workload("StatefulSet", "alluxio-master", "alluxio:prod")],
    "cluster": {},
}
IS_NEEDED = "has written the journal"
IS_NOT_NEEDED = "can read the journal as it is"


@pytest.mark.parametrize(
    ("wanted", "found", "given", "restored"),
    [
        ("2.9.4", {}, {"revision": 0, "restore_from": "latest"}, False),  # an upgrade
        ("2.9.4", {}, {}, False),
        ("2.9.3", {}, {}, IS_NEEDED),
        ("2.9.3", {}, {"restore_from": "latest"}, True),
        ("2.9.4", {}, {"restore_from": "latest"}, IS_NOT_NEEDED),
        # Masters, the leader and the marker tell who wrote the journal: the newest counts.
        ("2.9.4", {"masters": "2.9.6"}, {}, IS_NEEDED),
        ("2.9.4", {"marked": "2.9.6"}, {}, IS_NEEDED),
        ("2.9.4", UNTOLD, {}, False),
        ("2.9.4", {**UNTOLD, "leader": ""}, {}, "one that nothing tells the version of"),
        ("2.9.4", {"past": BEGUN}, {}, "has begun and did not end"),
        ("2.9.4", {"past": BEGUN}, {"restore_from": "latest"}, True),
        # Helm is there already: a backup on the way was restored by the run that did not end.
        (
            "2.9.4",
            {"past": GONE_BACK, "notes": {GOAL_NOTE: "4 5"}},
            {"action": "none", "restore_from": "latest"},
            False,
        ),
        (
            "2.9.4",
            {"past": GONE_BACK, "notes": {GOAL_NOTE: "4 5"}},
            {"restore_from": "latest"},
            IS_NOT_NEEDED,
        ),
        (
            "2.9.4",
            {"past": GONE_BACK},
            {"action": "none", "restore_from": "latest"},
            IS_NOT_NEEDED,
        ),
        ("prod", {}, {}, "names no version"),
        ("prod", {}, {"rollback_version": "2.9.4"}, False),
    ],
)
def test_whether_a_backup_is_restored(
    wanted: str, found: Json, given: Json, restored: bool | str
) -> None:
    was = seen(**{"wanted": f"alluxio:{wanted}", "past": PAST, **found})
    options = asked(**{"revision": 4, **given})
    if isinstance(restored, bool):
        assert rollback.restores(was, options) == restored
        return
    with pytest.raises(SettingsError) as fault:
        rollback.restores(was, options)
    assert restored in fault.value.what


def test_a_revision_of_other_names_has_other_claims() -> None:
    ours = [workload("StatefulSet", "cache-master"), config()]
    theirs = [workload("StatefulSet", "cache-alluxio-master"), config()]
    assert rollback.both_masters(ours, ours, "cache", 3)[0].image == "alluxio/alluxio:2.9.4"
    with pytest.raises(SettingsError, match="revision 3 has no StatefulSet cache-master") as fault:
        rollback.both_masters(theirs, ours, "cache", 3)
    assert "fullnameOverride: cache" in fault.value.cause
    assert "rollback_revision" in fault.value.fix
    with pytest.raises(SettingsError, match="as it is now has no StatefulSet cache-master"):
        rollback.both_masters(ours, theirs, "cache", 3)


PROD = replace(NEW, image="r:5000/alluxio:prod")
DIGEST = replace(NEW, image="alluxio/alluxio@sha256:0a1b")


@pytest.mark.parametrize("goal", [PROD, DIGEST])
@pytest.mark.parametrize("restore_from", ["", "latest"])
def test_an_image_that_does_not_tell_its_version_may_be_older(
    goal: Masters, restore_from: str
) -> None:
    with pytest.raises(SettingsError, match=r"2\.9\.6 has written the journal") as fault:
        rollback.check_rollback(goal, NEW, "2.9.6", 3, restore_from=restore_from)
    assert goal.image in fault.value.what
    assert "-e rollback_version=" in fault.value.fix
    with pytest.raises(SettingsError, match="rollback_version is 'mine'"):
        rollback.check_rollback(goal, NEW, "2.9.6", 3, restore_from=restore_from, said="mine")


@pytest.mark.parametrize("goal", [PROD, DIGEST])
def test_its_version_can_be_said(goal: Masters) -> None:
    assert not rollback.check_rollback(goal, NEW, "2.9.6", 3, said="2.9.6")
    with pytest.raises(SettingsError, match=r"Alluxio 2\.9\.4, and 2\.9\.6 has written"):
        rollback.check_rollback(goal, NEW, "2.9.6", 3, said="2.9.4")
    assert rollback.check_rollback(goal, NEW, "2.9.6", 3, said="2.9.4", restore_from="latest")


def test_what_a_tag_says_is_not_said_otherwise() -> None:
    with pytest.raises(SettingsError, match=r"Alluxio 2\.9\.4, and 2\.9\.6 has written"):
        rollback.check_rollback(OLD, NEW, "2.9.6", 3, said="2.9.6")


ZOOKEEPER = "-Dalluxio.zookeeper.enabled=true -Dalluxio.zookeeper.address="


def elects(address: str) -> list[Json]:
    """Masters that elect through these servers, rendered."""
    return [workload("StatefulSet", "alluxio-master"), config(ZOOKEEPER + address)]


@pytest.mark.parametrize("restore_from", ["", "latest"])
def test_masters_do_not_go_back_to_another_ensemble(restore_from: str) -> None:
    there, now = elects("a:2181,b:2181"), elects("c:2181")
    was = replace(seen(), wanted=there, current=now, past=PAST)
    with pytest.raises(
        SettingsError, match="revision 4 elects through a:2181,b:2181; now"
    ) as fault:
        rollback.restores(was, asked(revision=4, restore_from=restore_from))
    assert "Two leaders on one journal" in fault.value.cause
    assert "`alluxops uninstall`" in fault.value.fix
    for same in ("b:2181,c:2181", "b.cache.svc.cluster.local"):
        assert not rollback.restores(replace(was, current=elects(same)), asked(revision=4))


def test_nothing_is_undone_by_itself_to_another_ensemble() -> None:
    there, now = elects("a:2181"), elects("c:2181")
    why = rollback.why_not_undone(there, now, "alluxio", 3, "cache")
    assert "its masters elect through c:2181, those of revision 3 through a:2181" in why
    for same in ("a:2181,c:2181", "a.cache.svc"):
        assert rollback.why_not_undone(there, elects(same), "alluxio", 3, "cache") == ""


def test_the_same_image_reads_what_it_wrote() -> None:
    assert not rollback.check_rollback(PROD, PROD, "2.9.6", 3)
    assert not rollback.check_rollback(PROD, PROD, "", 3)
    assert rollback.check_rollback(PROD, NEW, "2.9.6", 3, restore_from="latest", has_begun=True)


def test_a_journal_of_which_nobody_knows_who_wrote_it_is_replaced_or_stays() -> None:
    with pytest.raises(SettingsError, match="nothing tells the version of has written"):
        rollback.check_rollback(OLD, PROD, "", 3)
    assert rollback.check_rollback(OLD, PROD, "", 3, restore_from="latest")


ROLE = Path(__file__).parents[3] / "roles/upgrade/tasks"
OURS = (
    Path(__file__).parents[3].joinpath("charts/alluxio/files/format-journal.sh").read_text("utf-8")
)


def masters_set(init: Json | None = None, args: list[str] | None = None) -> Json:
    """The masters of upstream's chart."""
    found = workload("StatefulSet", "alluxio-master")
    pod = found["spec"]["template"]["spec"]
    pod["containers"][0].update(
        command=["tini", "--", "/entrypoint.sh"], args=args or ["master-only", "--no-format"]
    )
    pod["initContainers"] = [init] if init else None  # upstream's chart leaves the key empty
    return found


@pytest.mark.parametrize(
    "masters",
    [
        pytest.param(
            masters_set({"name": "journal-format", "command": ["alluxio", "formatJournal"]}),
            id="upstream's init container",
        ),
        pytest.param(
            masters_set({"name": "x", "command": ["sh", "-c"], "args": ["alluxio formatMaster"]}),
            id="a script that does not look first",
        ),
        pytest.param(
            masters_set({"name": "x", "command": ["bin/alluxio", "format"]}), id="all of it"
        ),
        pytest.param(masters_set(args=["master-only"]), id="an entry point that formats"),
    ],
)
def test_nothing_goes_back_to_a_revision_whose_masters_erase_their_journal(masters: Json) -> None:
    rendered = [config(), masters, workload("DaemonSet", "alluxio-worker")]
    assert master_start.formatting(rendered) == ["alluxio-master"]
    with pytest.raises(SettingsError, match="revision 1 formats the journal") as fault:
        rollback.restores(replace(seen(past=PAST), wanted=rendered), asked(revision=1))
    assert "alluxio-master" in fault.value.what
    assert "rollback_revision" in fault.value.fix


@pytest.mark.parametrize(
    "masters",
    [
        pytest.param(masters_set(), id="none"),
        pytest.param(
            masters_set({"name": "journal-format", "command": ["bash", "-c"], "args": [OURS]}),
            id="our script, which looks first",
        ),
        pytest.param(masters_set({"name": "x", "command": ["chown", "/journal"]}), id="another"),
    ],
)
def test_masters_that_keep_their_journal_can_be_gone_back_to(masters: Json) -> None:
    assert master_start.formatting([masters]) == []
    rollback.check_formatting([masters], 1)


def test_a_revision_whose_masters_format_what_is_empty_has_all_journals_read_before() -> None:
    looks = masters_set({"name": "journal-format", "command": ["bash", "-c"], "args": [OURS]})
    assert master_start.formats_new([config(), looks])
    assert not master_start.formats_new([config(), masters_set()])
    steps = yaml.safe_load((ROLE / "rollback.yml").read_text("utf-8"))
    names = [step.get("ansible.builtin.import_tasks", "") for step in steps]
    assert names.index("plan_back.yml") < names.index("journals.yml") < names.index("backup.yml")
    assert "__upgrade_plan.formats_new" in steps[names.index("journals.yml")]["when"]
    guard = yaml.safe_load((ROLE / "journals.yml").read_text("utf-8"))[-1]
    assert guard["alluxops.cache.journal"]["read"]
