"""Restarts of masters: one at a time, never the majority, the leader last."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import roll
from ansible_collections.alluxops.cache.plugins.module_utils.health import Leader, Seen
from tests.unit.cache.test_quorum import made

Json = dict[str, Any]


def master(
    number: int, revision: str = "old", *, ready: int = 2, terminating: bool = False
) -> Json:
    return {
        "name": f"alluxio-master-{number}",
        "role": "alluxio-master",
        "revision": revision,
        "ready": ready,
        "total": 2,
        "terminating": terminating,
    }


def seen(pods: list[Json], leading: int = 0, **facts: Any) -> Seen:
    masters_set = {
        "name": "alluxio-master",
        "replicas": 3,
        "rolls_itself": False,
        "observed": True,
        "update_revision": "new",
        **facts,
    }
    leader = Leader(f"alluxio-master-{leading}", "2.9.6", (), ()) if leading >= 0 else None
    return Seen(pods, leader, masters_set)


THREE = [master(0), master(1), master(2)]


def test_standbys_go_first_and_the_leader_last() -> None:
    look = seen(THREE, leading=2)
    assert roll.order(look, roll.stale(look)) == [f"alluxio-master-{n}" for n in (1, 0, 2)]


def test_a_master_that_does_not_serve_goes_before_all() -> None:
    look = seen([master(0, ready=1), master(1), master(2)], leading=2)
    assert roll.order(look, roll.stale(look))[0] == "alluxio-master-0"


@pytest.mark.parametrize(
    ("look", "awaited"),
    [
        (seen(THREE, observed=False), "Kubernetes to see the change of alluxio-master"),
        (seen([*THREE[:2], master(2, terminating=True)]), "alluxio-master-2 to end"),
        (seen(THREE[:2]), "1 of 3 masters to be made"),
        (seen([*THREE[:2], master(2, "new", ready=1)]), "alluxio-master-2 to be ready"),
        (seen(THREE, leading=-1), "a master to lead"),
    ],
)
def test_what_a_restart_waits_for(look: Seen, awaited: str) -> None:
    assert roll.before_quorum(look, 0) == roll.Next(awaited=awaited)


@pytest.mark.parametrize(
    "look",
    [
        Seen([], None, None),
        seen(THREE, rolls_itself=True),
        seen([master(number, "new") for number in range(3)]),
    ],
)
def test_nothing_to_restart(look: Seen) -> None:
    assert roll.before_quorum(look, 0) == roll.Next()


def test_the_last_one_is_waited_for() -> None:
    pods = [master(0, "new", ready=0), master(1, "new"), master(2, "new")]
    assert roll.before_quorum(seen(pods, leading=1), 0) == roll.Next(
        awaited="alluxio-master-0 to be ready"
    )


def test_masters_that_never_elect_a_leader_are_restarted_together() -> None:
    pods = [master(0, ready=1), master(1, ready=1), master(2, "new", ready=1)]
    look = seen(pods, leading=-1)
    assert roll.before_quorum(look, 59) == roll.Next(awaited="alluxio-master-2 to be ready")
    assert roll.before_quorum(look, 60) == roll.Next(
        restart=("alluxio-master-1", "alluxio-master-0")
    )


def test_the_quorum_decides_whether_a_member_may_go() -> None:
    look = seen(THREE, leading=1)
    assert roll.before_quorum(look, 0) is None
    assert roll.after_quorum(look, made(3, leading=1), is_embedded=True) == roll.Next(
        restart=("alluxio-master-2",)
    )
    down = roll.after_quorum(look, made(3, leading=1, down=(0,)), is_embedded=True)
    assert down.restart == ()
    assert down.awaited == "the quorum: master 0 of the quorum does not answer"
    silent = roll.after_quorum(look, None, is_embedded=True)
    assert silent == roll.Next(awaited="the leader to tell its quorum")


def test_without_a_quorum_every_other_master_is_ready() -> None:
    pods = [master(0), master(1, ready=1), master(2)]
    look = seen(pods)
    assert roll.after_quorum(look, None, is_embedded=False) == roll.Next(
        restart=("alluxio-master-1",)
    )
    two_down = seen([master(0, ready=1), master(1, ready=1), master(2)], leading=2)
    assert roll.after_quorum(two_down, None, is_embedded=False).restart == ()
