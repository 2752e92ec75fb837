"""Five masters: everything that counts members, from the settings to a plan that was killed anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from ansible_collections.alluxops.cache.plugins.action import scale_plan
from ansible_collections.alluxops.cache.plugins.module_utils import (
    claims,
    quorum,
    scale,
    settings_check,
    values,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.scale import (
    Running,
    Step,
    Wanted,
    plan_scale,
)
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Node
from ansible_collections.alluxops.cache.plugins.module_utils.values import Chart
from tests.unit.cache.settings_cases import with_
from tests.unit.cache.test_journal_left import left
from tests.unit.cache.test_journal_plan import EMBEDDED, URI, begun, decide, journals
from tests.unit.cache.test_quorum import made

HOSTS = tuple(Node(f"h{number}", f"n{number}") for number in range(1, 6))
OURS = Chart("alluxio", "0.1.0", "ours")
FIVE = with_(masters=5, ha="embedded", cache_masters=HOSTS)


@dataclass(frozen=True)
class Cluster:
    """What a run has come to: the release's numbers, and who has a vote."""

    count: int
    running: int
    members: int
    leading: int = 0

    def now(self) -> Running:
        members = made(self.members, self.leading, tuple(range(self.running, self.members)))
        return Running("ours", "embedded", self.count, self.running, members)

    def after(self, step: Step) -> list[Cluster]:
        """The states that a step leads through: a run may be killed in each; the last is the step's end."""
        told = scale_plan._step(step, {})["values"]["master"]
        release = replace(self, count=told["count"], running=told["running"])
        if step.what == "lead":
            return [replace(self, leading=step.ordinal)]
        if step.what == "leave":
            gone = replace(self, members=min(self.members, step.ordinal))
            return [gone, replace(gone, count=release.count, running=release.running)]
        if step.what == "join":
            return [release, replace(release, members=self.members + 1)]
        return [release]


def run(cluster: Cluster, wanted: Wanted, kill_after: int = 99) -> tuple[Cluster, bool]:
    """Do the plan's steps, up to a number of states; the state reached, and whether that was the end."""
    for step in plan_scale(cluster.now(), wanted):
        for state in cluster.after(step):
            assert abs(state.members - cluster.members) + (state.leading != cluster.leading) <= 1
            assert state.leading < state.members
            assert state.running <= state.count
            cluster = state
            kill_after -= 1
            if not kill_after:
                return cluster, False
    return cluster, True


@pytest.mark.parametrize(
    ("start", "masters"),
    [
        (Cluster(3, 3, 3), 5),
        (Cluster(1, 1, 1), 5),
        (Cluster(5, 5, 5), 3),
        (Cluster(5, 5, 5, leading=4), 3),
        (Cluster(5, 5, 5, leading=2), 1),
    ],
)
@pytest.mark.parametrize("aim", [1, 3, 5])
def test_a_run_killed_anywhere_is_continued_to_any_aim(
    start: Cluster, masters: int, aim: int
) -> None:
    wanted, kill_after, is_whole = Wanted(aim, "embedded", 5), 0, False
    while not is_whole:
        kill_after += 1
        cluster, is_whole = run(start, Wanted(masters, "embedded", 5), kill_after)
        end, has_ended = run(cluster, wanted)
        assert has_ended, kill_after
        assert (end.count, end.running, end.members) == (aim, aim, aim), kill_after
        assert end.leading < aim
        [last] = plan_scale(end.now(), wanted)
        assert last.what == "finish"
    assert kill_after > 4


@pytest.mark.parametrize(("members", "bears"), [(3, 1), (4, 1), (5, 2)])
def test_how_many_losses_a_quorum_bears(members: int, bears: int) -> None:
    lost = tuple(range(members - bears, members))
    assert made(members, down=lost).decides
    assert not made(members, down=(*lost, members - bears - 1)).decides


def test_a_plan_from_five_goes_on_beside_two_dead_that_are_to_go_and_not_beside_one_that_stays() -> (
    None
):
    now = Running("ours", "embedded", 5, 5, made(5, down=(3, 4)))
    assert [step.what for step in plan_scale(now, Wanted(3, "embedded", 5))] == [
        "leave",
        "leave",
        "finish",
    ]
    sick = Running("ours", "embedded", 5, 5, made(5, down=(1,)))
    with pytest.raises(SettingsError, match="master 1 not"):
        plan_scale(sick, Wanted(3, "embedded", 5))


def test_three_hosts_carry_no_five_masters() -> None:
    with pytest.raises(SettingsError, match="5 with 3 hosts in cache_masters"):
        plan_scale(Running("ours", "embedded", 3, 3, made(3)), Wanted(5, "embedded", 3))
    three = replace(FIVE, cache_masters=HOSTS[:3])
    faults = [str(fault) for fault in settings_check._master_faults(three, World())]  # type: ignore[arg-type]
    assert len(faults) == 1
    assert "5 with 3 hosts in cache_masters" in faults[0]
    assert list(settings_check._master_faults(FIVE, World())) == []  # type: ignore[arg-type]


class World:
    """Where settings come from, as far as a fault asks."""

    @staticmethod
    def fault(name: str, value: object, cause: str, fix: str) -> SettingsError:
        return SettingsError(f"{name} is {value}.", cause, fix)


def test_each_of_five_masters_has_a_journal_of_its_own_host() -> None:
    final = values.compose(FIVE, OURS, []).effective
    found = claims.claims(FIVE, final)
    assert [(claim["ordinal"], claim["node"]) for claim in found] == [
        (number, f"n{number + 1}") for number in range(5)
    ]
    assert final["master"]["count"] == 5


def test_a_rolling_restart_of_five_ends_with_the_leader() -> None:
    assert quorum.roll_order(2, {0, 1, 2, 3, 4}) == (4, 3, 1, 0, 2)
    assert quorum.may_lose(made(5, leading=2), 4) == ""
    # One at a time, though five bear the loss of two.
    assert "master 3 of the quorum" in quorum.may_lose(made(5, down=(3,)), 4)


def test_of_five_journals_a_minority_may_be_lost() -> None:
    two = journals("used", "empty", "used", "empty", "used", wanted=EMBEDDED)
    assert decide(two, wanted=EMBEDDED).format == (1, 3)
    three = journals("used", "empty", "used", "empty", "empty", wanted=EMBEDDED)
    with pytest.raises(SettingsError, match="3 of 5 journals are empty"):
        decide(three, wanted=EMBEDDED)


def test_of_five_journals_two_old_copies_and_one_lost_are_not_three_that_know() -> None:
    found = left(journals("used", "used", "empty", "used", "used", wanted=EMBEDDED), 3, 4)
    with pytest.raises(SettingsError, match="masters 3 and 4 are old copies"):
        decide(found, wanted=EMBEDDED)


def test_a_restore_makes_five_new_journals_and_goes_on_with_those_it_has_made() -> None:
    assert decide(journals(*["empty"] * 5), restoring=URI).format == (0, 1, 2, 3, 4)
    half = [*begun(*["formatted"] * 2), *journals(*["empty"] * 5)[2:]]
    assert decide(half, restoring=URI).format == (2, 3, 4)


def test_the_lines_for_the_inventory() -> None:
    class Plan(scale_plan.ActionModule):
        @property
        def check_mode(self) -> bool:
            return False

        def _running(self, *_: object) -> Running:
            return Running("ours", "embedded", 3, 3, made(3))

    options = {"masters": 5, "ha": "embedded", "hosts": 5, "values": {}}
    result = Plan.__new__(Plan).act(None, options)  # type: ignore[arg-type]
    assert result["lines"] == ["alluxio_masters: 5", "alluxio_ha: embedded"]
    assert [step["what"] for step in result["steps"]] == ["release", "join", "join", "finish"]
    assert scale.MOST == 5
