"""Plans to change the number of masters: each from what runs, so that a killed run is continued."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.scale import (
    Running,
    Step,
    Wanted,
    plan_scale,
)
from tests.unit.cache.test_quorum import made

ONE = Wanted(1, "none", 5)
EMBEDDED_1 = Wanted(1, "embedded", 5)
EMBEDDED_3 = Wanted(3, "embedded", 5)
EMBEDDED_5 = Wanted(5, "embedded", 5)


def embedded(
    members: int,
    running: int | None = None,
    count: int | None = None,
    *,
    leading: int = 0,
    down: tuple[int, ...] = (),
) -> Running:
    running = members if running is None else running
    quorum = made(members, leading, down)
    return Running("ours", "embedded", members if count is None else count, running, quorum)


def short(steps: tuple[Step, ...]) -> list[str]:
    """`what:ordinal count/running`, without the finish that ends every plan."""
    assert [step.what for step in steps].index("finish") == len(steps) - 1
    return [f"{step.what}:{step.ordinal} {step.running}/{step.count}" for step in steps[:-1]]


@pytest.mark.parametrize(
    ("now", "wanted", "steps"),
    [
        (Running("ours", "none", 1, 1), ONE, []),
        (embedded(1), EMBEDDED_1, []),
        (embedded(3), EMBEDDED_3, []),
        (Running("ours", "none", 1, 1), EMBEDDED_1, ["convert:0 1/1"]),
        (
            Running("ours", "none", 1, 1),
            EMBEDDED_3,
            ["convert:0 1/3", "release:0 1/3", "join:1 2/3", "join:2 3/3"],
        ),
        (embedded(1), EMBEDDED_3, ["release:0 1/3", "join:1 2/3", "join:2 3/3"]),
        (embedded(3), EMBEDDED_5, ["release:2 3/5", "join:3 4/5", "join:4 5/5"]),
        (embedded(3), EMBEDDED_1, ["leave:2 2/3", "leave:1 1/3"]),
        (embedded(3), ONE, ["leave:2 2/3", "leave:1 1/3", "convert:0 1/1"]),
        (embedded(5, leading=1), EMBEDDED_3, ["leave:4 4/5", "leave:3 3/5"]),
        (embedded(3, leading=2), EMBEDDED_1, ["lead:0 3/3", "leave:2 2/3", "leave:1 1/3"]),
        (embedded(1), ONE, ["convert:0 1/1"]),
    ],
)
def test_plans_from_a_settled_release(now: Running, wanted: Wanted, steps: list[str]) -> None:
    assert short(plan_scale(now, wanted)) == steps


@pytest.mark.parametrize(
    ("now", "wanted", "steps"),
    [
        # Stopped while converting: the release's settings still name the old journal, which is whole.
        (
            Running("ours", "none", 1, 0),
            EMBEDDED_3,
            ["convert:0 1/3", "release:0 1/3", "join:1 2/3", "join:2 3/3"],
        ),
        # Converted, and Helm was killed when the settings named three and no master was started yet.
        (
            Running("ours", "embedded", 3, 0),
            EMBEDDED_3,
            ["convert:0 1/3", "release:0 1/3", "join:1 2/3", "join:2 3/3"],
        ),
        (Running("ours", "embedded", 1, 0), EMBEDDED_1, ["convert:0 1/1"]),
        (Running("ours", "embedded", 3, 0), ONE, ["convert:0 1/1"]),
        # The aim was given up.
        (Running("ours", "none", 1, 0), ONE, ["convert:0 1/1"]),
        # Converted, and the release names three.
        (embedded(1, count=3), EMBEDDED_3, ["join:1 2/3", "join:2 3/3"]),
        # One newcomer is in.
        (embedded(2, count=3), EMBEDDED_3, ["join:2 3/3"]),
        # A newcomer was started and has not joined.
        (embedded(2, running=3, count=3), EMBEDDED_3, ["release:1 2/3", "join:2 3/3"]),
        # It left the quorum and was not stopped yet.
        (embedded(2, running=3, count=3), EMBEDDED_1, ["leave:2 2/3", "leave:1 1/3"]),
        (embedded(1, running=2, count=3), EMBEDDED_1, ["leave:1 1/3"]),
        # All have left; the release still names three.
        (embedded(1, count=3), EMBEDDED_1, []),
        # Stopped before it had left: without it there is no majority to let it go.
        (
            embedded(2, running=1, count=3, down=(1,)),
            EMBEDDED_1,
            ["release:1 2/3", "leave:1 1/3"],
        ),
        # The same while growing: it is a member, and its journal is not empty.
        (embedded(2, running=1, count=3, down=(1,)), EMBEDDED_3, ["release:1 2/3", "join:2 3/3"]),
        # Scaled down by hand, and the majority is left: it just leaves.
        (embedded(3, running=2, down=(2,)), EMBEDDED_1, ["leave:2 2/3", "leave:1 1/3"]),
        # Another aim half-way.
        (embedded(4, count=5), EMBEDDED_3, ["leave:3 3/5"]),
        (Running("ours", "embedded", 1, 0), ONE, ["convert:0 1/1"]),
    ],
)
def test_an_interrupted_run_goes_on(now: Running, wanted: Wanted, steps: list[str]) -> None:
    assert short(plan_scale(now, wanted)) == steps


def test_a_dead_member_that_is_to_go_is_no_hindrance() -> None:
    now = embedded(3, down=(2,))
    assert short(plan_scale(now, EMBEDDED_1)) == ["leave:2 2/3", "leave:1 1/3"]
    now = embedded(5, down=(3,))
    assert short(plan_scale(now, EMBEDDED_3)) == ["leave:4 4/5", "leave:3 3/5"]


@pytest.mark.parametrize(
    ("now", "wanted", "said"),
    [
        (embedded(1), Wanted(2, "embedded", 5), "alluxio_masters is 2"),
        (embedded(3), Wanted(4, "embedded", 5), "even number"),
        (embedded(3), Wanted(7, "embedded", 9), "more than 5"),
        (embedded(1), Wanted(3, "none", 3), "alluxio_ha: embedded"),
        (embedded(1), Wanted(3, "embedded", 2), "2 hosts in cache_masters"),
        (embedded(1), Wanted(3, "zookeeper", 3), "share one journal"),
        (Running("ours", "zookeeper", 1, 1), Wanted(3, "zookeeper", 3), "share one journal"),
        (Running("ours", "zookeeper", 3, 3), Wanted(1, "zookeeper", 3), "share one journal"),
        (Running("ours", "zookeeper", 3, 3), EMBEDDED_3, "from 3 masters (zookeeper)"),
        (Running("upstream", "none", 1, 1), EMBEDDED_3, "outvote"),
        (
            embedded(3, down=(1,)),
            EMBEDDED_5,
            "2/3 available, leader alluxio-master-0, master 1 not",
        ),
        (embedded(3, down=(0,), leading=1), EMBEDDED_1, "bring master 0 back"),
        (embedded(3, down=(1, 2)), EMBEDDED_1, "bring masters 1 and 2 back"),
        # It is to go, but once master 2 has left it is one of two, which must agree.
        (embedded(3, down=(1,)), EMBEDDED_1, "bring master 1 back"),
        (embedded(5, down=(1, 2)), EMBEDDED_1, "bring masters 1 and 2 back"),
        (embedded(3, leading=-1), EMBEDDED_5, "no leader"),
        (Running("ours", "embedded", 3, 3), EMBEDDED_5, "no master leads"),
        (Running("ours", "embedded", 3, 0), EMBEDDED_5, "scale-masters` with alluxio_masters: 3"),
        (Running("ours", "embedded", 3, 0), EMBEDDED_1, "masters are stopped"),
    ],
)
def test_what_is_refused(now: Running, wanted: Wanted, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        plan_scale(now, wanted)
    assert said in str(refused.value)


def test_what_takes_a_release_of_upstreams_chart_over_is_one_that_works() -> None:
    with pytest.raises(SettingsError) as refusal:
        plan_scale(Running("upstream", "none", 1, 1), EMBEDDED_3)
    fix = refusal.value.fix
    # Helm cannot replace the masters' StatefulSet in place: `site` over the release is refused.
    assert fix.index("alluxops uninstall") < fix.index("alluxops site")


def test_to_and_from_zookeeper_a_restore_leads() -> None:
    """A `site` in between would refuse the kept journals, or make new ones, which a restore refuses."""
    for now, wanted in (
        (embedded(3), Wanted(3, "zookeeper", 3)),
        (Running("ours", "zookeeper", 3, 3), EMBEDDED_3),
    ):
        with pytest.raises(SettingsError) as refusal:
            plan_scale(now, wanted)
        fix = refusal.value.fix
        assert "`alluxops uninstall`, then `alluxops restore` with the new settings" in fix
        assert "deploy it" not in fix


def test_nothing_to_do_is_no_fault_with_upstreams_chart_or_zookeeper() -> None:
    assert short(plan_scale(Running("upstream", "none", 1, 1), ONE)) == []
    three = Wanted(3, "zookeeper", 3)
    assert short(plan_scale(Running("ours", "zookeeper", 3, 3), three)) == []


@pytest.mark.parametrize(
    ("now", "wanted", "steps"),
    [
        (Running("ours", "zookeeper", 3, 3), 5, ["prove:-1 3/3"]),
        (Running("ours", "zookeeper", 5, 3), 5, ["prove:-1 3/5"]),
        (Running("ours", "zookeeper", 5, 5), 3, []),
        (Running("ours", "zookeeper", 5, 0), 5, ["prove:-1 0/5"]),
    ],
)
def test_masters_that_share_a_journal_come_once_it_is_proven_to_be_theirs(
    now: Running, wanted: int, steps: list[str]
) -> None:
    found = plan_scale(now, Wanted(wanted, "zookeeper", 5))
    assert short(found) == steps
    assert (found[-1].running, found[-1].count) == (wanted, wanted)


def test_a_quorum_with_a_gap_is_refused() -> None:
    quorum = made(3)
    gap = type(quorum)(quorum.domain, quorum.leader, (quorum.members[0], quorum.members[2]))
    with pytest.raises(SettingsError, match="with a gap"):
        plan_scale(Running("ours", "embedded", 3, 3, gap), EMBEDDED_1)


def test_the_journals_type_changes_at_the_conversion() -> None:
    steps = plan_scale(Running("ours", "none", 1, 1), EMBEDDED_3)
    assert {step.journal_type for step in steps} == {"EMBEDDED"}
    back = plan_scale(embedded(3), ONE)
    assert [step.journal_type for step in back] == ["EMBEDDED", "EMBEDDED", "UFS", "UFS"]
