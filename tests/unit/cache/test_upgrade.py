"""What an upgrade changes is told before, and nothing goes back to where metadata would be lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    health,
    noted_backup,
    upgrade,
    upgrade_told,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.release import RUN_LABEL, STEP_LABEL
from ansible_collections.alluxops.cache.plugins.module_utils.upgrade import Masters, Plan

Json = dict[str, Any]


def secret(
    number: int, status: str = "superseded", step: str = "whole", name: str = "alluxio"
) -> Json:
    labels = {"owner": "helm", "name": name, "version": str(number), "status": status}
    return {"metadata": {"name": f"v{number}", "labels": {**labels, STEP_LABEL: step}}}


HISTORY = [
    secret(11, "deployed"),
    secret(7),
    secret(8, "failed"),
    secret(9),
    secret(10, step="masters"),
    secret(12, name="other"),
]


def test_a_rollback_goes_to_the_last_whole_revision_that_was_deployed() -> None:
    found = upgrade.revisions(HISTORY, "alluxio")
    assert [one.number for one in found] == [7, 8, 9, 10, 11]
    assert upgrade.target(found, 0, "alluxio") == 9
    assert upgrade.target(found, 7, "alluxio") == 7


@pytest.mark.parametrize("wanted", [8, 10, 11, 3])
def test_a_revision_that_is_none_to_go_back_to_is_refused(wanted: int) -> None:
    with pytest.raises(SettingsError, match=f"rollback_revision is {wanted}") as fault:
        upgrade.target(upgrade.revisions(HISTORY, "alluxio"), wanted, "alluxio")
    assert "7, 9" in fault.value.cause


def test_a_rollback_that_is_on_its_way_goes_on_there() -> None:
    found = upgrade.revisions([*HISTORY, secret(13, "deployed", step="restore-7")], "alluxio")
    assert [one.number for one in found if one.goal] == [13]
    assert upgrade.target(found, 0, "alluxio") == 7
    assert upgrade.target(found, 7, "alluxio") == 7
    with pytest.raises(SettingsError, match="rollback_revision is 9"):
        upgrade.target(found, 9, "alluxio")
    found = upgrade.revisions([*HISTORY, secret(13, step="restore-7"), secret(14)], "alluxio")
    assert upgrade.target(found, 0, "alluxio") == 11


def by(run: int, number: int, status: str = "superseded", step: str = "whole") -> Json:
    """A revision by a run; one that goes back has the labels of the one that it goes back to."""
    found = secret(number, status, step)
    found["metadata"]["labels"][RUN_LABEL] = f"host.{run}"
    return found


TWO = [by(4, 4), by(5, 5, "deployed")]


@pytest.mark.parametrize(
    "since",
    [
        [],  # it died before Helm's part
        [by(4, 6, "pending-rollback")],  # while Helm was at work
        [by(4, 6, "failed")],
        [by(4, 6, "deployed")],  # before the masters had restarted
        [by(6, 6, "deployed", "restore-4"), by(4, 7, "deployed")],  # the same, after a restore
    ],
)
def test_a_rollback_that_died_goes_on_to_the_revision_that_it_was_to_reach(
    since: list[Json],
) -> None:
    found = upgrade.revisions([*TWO, *since], "alluxio")
    note = upgrade.goal_note(4, upgrade.revisions(TWO, "alluxio"))
    assert upgrade.target(found, 0, "alluxio", note) == 4
    again = upgrade.goal_note(4, found)
    assert upgrade.target(found, 0, "alluxio", again) == 4
    if since:
        # Said by number, another one is taken, but for a restore that goes on.
        assert upgrade.target(found, 5, "alluxio", note) == 5


@pytest.mark.parametrize(
    ("note", "since"),
    [
        ("", [by(4, 6, "deployed")]),
        ("nonsense", [by(4, 6, "deployed")]),
        ("3 5", [by(4, 6, "deployed")]),  # Helm has forgotten it
        ("4 5", [by(6, 6, "deployed")]),  # somebody has changed the release since
        ("4 5", [by(4, 6), by(7, 7), by(4, 8, "deployed")]),
    ],
)
def test_a_note_that_the_release_has_outlived_says_nothing(note: str, since: list[Json]) -> None:
    found = upgrade.revisions([*TWO, *since], "alluxio")
    assert upgrade.noted_goal(found, note) == 0
    assert upgrade.target(found, 0, "alluxio", note) == upgrade.target(found, 0, "alluxio")


def test_without_an_earlier_revision_there_is_nothing_to_go_back_to() -> None:
    for history in ([], [secret(1, "deployed")]):
        with pytest.raises(SettingsError):
            upgrade.target(upgrade.revisions(history, "alluxio"), 0, "alluxio")


def workload(kind: str, name: str, image: str = "alluxio/alluxio:2.9.4", replicas: int = 1) -> Json:
    template = {"spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "template": template},
    }


def config(options: str = "-Dalluxio.master.journal.type=UFS") -> Json:
    return {
        "kind": "ConfigMap",
        "metadata": {"name": "alluxio-config"},
        "data": {"ALLUXIO_JAVA_OPTS": options},
    }


def test_what_restarts_is_what_has_another_pod_template() -> None:
    before = [workload("StatefulSet", "alluxio-master"), workload("DaemonSet", "alluxio-worker")]
    after = [
        workload("StatefulSet", "alluxio-master", "alluxio/alluxio:2.9.6"),
        workload("DaemonSet", "alluxio-worker"),
        workload("DaemonSet", "alluxio-fuse"),
        config(),
    ]
    assert upgrade.restarting(before, after) == (
        ["alluxio-master", "alluxio-fuse"],
        ["alluxio-worker"],
    )


def test_workers_that_a_run_held_back_restart_though_their_template_is_the_new_one() -> None:
    held, freed = (workload("DaemonSet", "alluxio-worker") for _ in range(2))
    held["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert upgrade.restarting([held], [freed]) == (["alluxio-worker"], [])
    assert upgrade.restarting([held], [held]) == ([], ["alluxio-worker"])


def test_masters_are_read_from_rendered_objects() -> None:
    rendered = [workload("StatefulSet", "alluxio-master", replicas=3), config()]
    assert upgrade.masters_of(rendered, "alluxio") == Masters(3, "none")
    embedded = config("-Dalluxio.master.journal.type=EMBEDDED")
    found = upgrade.masters_of([rendered[0], embedded], "alluxio")
    assert found == Masters(3, "embedded")
    assert upgrade.masters_of([], "alluxio") is None
    # Stopped to convert their journal: nothing goes back to that.
    stopped = [workload("StatefulSet", "alluxio-master", replicas=0), config()]
    assert upgrade.masters_of(stopped, "alluxio") == Masters(0, "none")
    rendered[0]["spec"]["template"]["spec"]["containers"] = [
        {"name": "sidecar", "image": "sidecar:1"},
        {"name": "alluxio-master", "image": "alluxio:2.9.6"},
    ]
    masters = upgrade.masters_of(rendered, "alluxio")
    assert masters is not None
    assert masters.image == "alluxio:2.9.6"


def test_no_journal_is_converted_that_nobody_could_back_up() -> None:
    with pytest.raises(SettingsError, match=r"alluxio_version is 2\.9\.6, no master") as fault:
        upgrade.check_backup(PLAN, "", "")
    assert "upgrade_without_backup=alluxio" in fault.value.fix
    with pytest.raises(SettingsError, match="upgrade_without_backup is 'yes'"):
        upgrade.check_backup(PLAN, "", "yes")


def test_a_master_that_a_killed_run_did_not_reach_has_a_journal_to_convert() -> None:
    mixed = replace(PLAN, before="2.9.6", behind="2.9.4")
    with pytest.raises(SettingsError, match=r"serves, and some run 2\.9\.4 yet") as fault:
        upgrade.check_backup(mixed, "", "")
    assert "the journal of 2.9.4" in fault.value.cause
    assert "`alluxops status`" in fault.value.fix
    upgrade.check_backup(mixed, "s3://b/x.gz", "")
    upgrade.check_backup(mixed, "", "alluxio")
    assert "Alluxio 2.9.4 becomes 2.9.6" in upgrade_told.lines(mixed)[0]


def test_what_converts_no_journal_or_is_backed_up_goes_on_without_a_master() -> None:
    upgrade.check_backup(PLAN, "", "alluxio")
    upgrade.check_backup(PLAN, "s3://b/x.gz", "")
    upgrade.check_backup(replace(PLAN, before="2.9.6-custom"), "", "")  # other settings
    upgrade.check_backup(replace(PLAN, revision=3), "", "")


PLAN = Plan(
    release="alluxio",
    namespace="cache",
    before="2.9.4",
    after="2.9.6",
    chart="alluxio-0.1.0",
    reasons=["changed: StatefulSet alluxio-master"],
    restarts=["alluxio-master", "alluxio-worker", "alluxio-fuse"],
    stays=["alluxio-proxy"],
    masters=["alluxio-master-1", "alluxio-master-2", "alluxio-master-0"],
    workers=["n1", "n2"],
    backup_to="s3://datasets/alluxio_backups/cache/alluxio/",
    held=True,
)


def test_the_plan_says_what_restarts_in_which_order() -> None:
    text = "\n".join(upgrade_told.lines(PLAN))
    assert "Alluxio 2.9.4 becomes 2.9.6 (alluxio-0.1.0)" in text
    assert (
        "alluxio-master-1, alluxio-master-2, then the leader alluxio-master-0; one at a time"
        in text
    )
    assert "n1 n2, a few at a time, once the masters serve" in text
    assert "alluxio_backups" in text
    assert "restart too  alluxio-fuse" in text
    assert "stay         alluxio-proxy" in text


def test_the_plan_of_a_rollback_reminds_of_the_inventory() -> None:
    plan = replace(PLAN, before="2.9.6", revision=4, restarts=["alluxio-worker"])
    text = "\n".join(upgrade_told.lines(plan))
    assert "other settings for Alluxio 2.9.6" in text
    assert "back to revision 4" in text
    assert "2 masters    stay as they are" in text
    assert "set the inventory" in text


def test_the_plan_of_a_rollback_that_restores_says_what_goes() -> None:
    plan = replace(PLAN, before="2.9.6", after="2.9.4", revision=4, restore_from="latest")
    text = "\n".join(upgrade_told.lines(plan))
    assert "latest: its paths, mounts, pins, TTLs and ACLs replace all that the cache knows" in text
    assert "all stop, and start with new journals from the backup" in text
    assert "what clients write between the backup that the run makes" in text
    assert "stop the clients before" in text


def test_a_plan_without_changes_says_so() -> None:
    plan = replace(PLAN, before="2.9.6", changes=False)
    assert upgrade_told.lines(plan) == [
        "alluxio in cache: nothing to do, Alluxio 2.9.6 runs as the settings say"
    ]


def pod(name: str, tag: str, *, ready: int = 2, started: bool = True) -> Json:
    return {
        "name": name,
        "image": f"alluxio/alluxio:{tag}",
        "ready": ready,
        "total": 2,
        "terminating": False,
        "started": started,
        "no_image": False,
    }


def test_where_it_stopped_is_told_by_version() -> None:
    pods = [
        pod("alluxio-worker-x", "2.9.4"),
        pod("alluxio-master-0", "2.9.99", ready=0, started=False),
    ]
    said = upgrade_told.state(
        pods, after="2.9.99", goal=3, leader="", verb="upgrade", backup="s3://b/x.gz"
    )
    text = "\n".join(said)
    assert "No master serves" in text
    assert "2.9.99   alluxio-master-0 never started" in text
    assert "2.9.4    alluxio-worker-x ready" in text
    assert "s3://b/x.gz" in text
    assert "`alluxops rollback`, to revision 3" in text
    again = upgrade_told.state(
        pods, after="2.9.6", goal=3, leader="alluxio-master-0", verb="rollback", backup=""
    )
    assert "run `rollback` again" in "\n".join(again)


LEFT = "the run that made the last change did not end"
BACKED_UP = {noted_backup.BACKUP_NOTE: "s3://b/x.gz"}
GOES_BACK = {upgrade.GOAL_NOTE: "4 5"}


def seen(
    masters: str = "2.9.4 2.9.4 2.9.4",
    wanted: str = "alluxio:2.9.6",
    leader: str = "2",
    **given: Any,
) -> upgrade.Seen:
    """Of a release with a worker; masters: what each runs, where those of 2.9.6 have the last settings."""
    pods = [
        {**pod(f"alluxio-master-{number}", tag), "role": "alluxio-master", "revision": tag}
        for number, tag in enumerate(masters.split())
    ]
    worker = {**pod("alluxio-worker-x", "2.9.4"), "role": "alluxio-worker", "node": "n1"}
    leads = health.Leader(f"alluxio-master-{leader}", "2.9.4", (), ()) if leader else None
    stays = workload("DaemonSet", "alluxio-worker")
    return upgrade.Seen(
        **{
            "current": [workload("StatefulSet", "alluxio-master"), stays],
            "wanted": [workload("StatefulSet", "alluxio-master", wanted), stays] if wanted else [],
            "cluster": {"pods": pods, "masters": {"image": "alluxio:2.9.4", "replicas": len(pods)}},
            "cache": health.Seen([*pods, worker], leads, {"update_revision": "2.9.6"}),
            "notes": {},
            **given,
        }
    )


def asked(**given: Any) -> Json:
    options = {"release": "alluxio", "namespace": "cache", "rendered": {"chart": "alluxio-0.1.0"}}
    said = {"action": "upgrade", "reasons": ["why"], "revision": 0, "may_hold_workers": True}
    return {**options, **said, "restore_from": "", "rollback_version": "", **given}


@pytest.mark.parametrize(
    ("action", "masters", "notes", "reasons", "stale", "order"),
    [
        ("upgrade", "2.9.4 2.9.4 2.9.4", {}, ["why"], False, "1 0 2"),
        # What an interrupted run has left is said only where Helm has nothing to change.
        ("upgrade", "2.9.4 2.9.6 2.9.4", BACKED_UP, ["why"], False, "1 0 2"),
        ("none", "2.9.6 2.9.6 2.9.6", {}, [], False, "1 0 2"),
        ("none", "2.9.6 2.9.6 2.9.6", BACKED_UP, [LEFT], False, "1 0 2"),
        ("none", "2.9.6 2.9.6 2.9.6", GOES_BACK, [LEFT], False, "1 0 2"),
        ("none", "2.9.4 2.9.6 2.9.4", {}, ["alluxio-master-0, alluxio-master-2 did"], True, "0 2"),
        ("none", "2.9.4 2.9.6 2.9.6", BACKED_UP, ["alluxio-master-0 did", LEFT], True, "0"),
        ("upgrade", "", {}, ["why"], False, ""),
    ],
)
def test_what_is_to_be_done_and_which_masters_restart(
    action: str, masters: str, notes: Json, reasons: list[str], stale: bool, order: str
) -> None:
    plan = upgrade.plan(seen(masters, notes=notes), asked(action=action), restores=False)
    assert plan.changes == bool(reasons)
    assert plan.stale == stale
    assert plan.masters == [f"alluxio-master-{number}" for number in order.split()]
    assert plan.leads == order.endswith("2")
    assert len(plan.reasons) == len(reasons)
    assert all(one.startswith(said) for one, said in zip(plan.reasons, reasons, strict=True))
    # The release makes these anew, whatever an interrupted run has left.
    assert (plan.restarts, plan.stays) == (["alluxio-master"], ["alluxio-worker"])


@pytest.mark.parametrize(
    ("found", "given", "before", "after", "behind"),
    [
        (seen(), {}, "2.9.4", "2.9.6", "2.9.4"),
        (seen("2.9.6 2.9.6 2.9.4"), {}, "2.9.6", "2.9.6", "2.9.4"),
        (seen("2.9.6 2.9.6 2.9.4"), {"revision": 4}, "2.9.6", "2.9.6", ""),
        (seen("2.9.6 2.9.6 2.9.6"), {}, "2.9.6", "2.9.6", ""),
        (seen(wanted="alluxio@sha256:0a"), {}, "2.9.4", "", ""),
        (
            seen(wanted="alluxio@sha256:0a"),
            {"rollback_version": "2.9.5"},
            "2.9.4",
            "2.9.5",
            "2.9.4",
        ),
        (seen(wanted="alluxio:2.9.6"), {"rollback_version": "2.9.5"}, "2.9.4", "2.9.6", "2.9.4"),
        (seen(wanted=""), {"rollback_version": "2.9.5"}, "2.9.4", "2.9.4", ""),
    ],
)
def test_which_alluxio_becomes_which(
    found: upgrade.Seen, given: Json, before: str, after: str, behind: str
) -> None:
    plan = upgrade.plan(found, asked(**given), restores=False)
    assert (plan.before, plan.after, plan.behind) == (before, after, behind)


def test_a_plan_names_a_backup_to_restore_only_where_it_restores_one() -> None:
    going_on = asked(revision=4, restore_from="latest")
    for restores, named in ((True, "latest"), (False, "")):
        assert upgrade.plan(seen(), going_on, restores=restores).restore_from == named


def test_without_a_leader_no_master_is_said_to_lead() -> None:
    plan = upgrade.plan(seen(leader=""), asked(), restores=False)
    assert (plan.masters[-1], plan.leads, plan.workers) == ("alluxio-master-0", False, ["n1"])
