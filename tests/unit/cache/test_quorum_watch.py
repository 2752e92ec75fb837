"""Waiting for a quorum, and what is done where its leader goes on missing a member."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from ansible_collections.alluxops.cache.plugins.module_utils import health, quorum
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import (
    MISSED_S,
    Masters,
    QuorumWatch,
)
from tests.unit.cache.test_quorum import made

SEEN = health.Seen(pods=[], leader=None)


@dataclass
class Answers:
    """Masters that give one answer; elected: who was made leader, by whose pod."""

    found: quorum.Quorum | None
    fails: bool = False
    elected: list[tuple[int, str]] = field(default_factory=list)

    def current(self, _: health.Seen) -> quorum.Quorum | None:
        return self.found

    def pod(self, ordinal: int) -> str:
        return f"alluxio-master-{ordinal}"

    def elect(self, member: quorum.Member, pod: str) -> None:
        self.elected.append((member.ordinal, pod))
        if self.fails:
            raise CacheError("no election.")


@dataclass
class Clock:
    """A Patience whose time is told."""

    waited_s: float = 0.0


def looks(masters: Answers, *times_s: float) -> list[str]:
    """What is awaited at these times."""
    watch = QuorumWatch(cast("Masters", masters))
    return [watch.awaited(SEEN, cast("Patience", Clock(time_s))) for time_s in times_s]


def test_a_whole_quorum_is_not_waited_for() -> None:
    assert looks(Answers(made(3)), 0) == [""]


def test_a_leader_that_says_nothing_is_waited_for() -> None:
    assert looks(Answers(None), 0, 100) == ["the leader to tell its quorum"] * 2


def test_a_member_that_is_missed_for_long_gets_another_leader_once_in_a_while() -> None:
    masters = Answers(made(3, leading=2, down=(1,)))
    said = looks(masters, 5, 5 + MISSED_S - 1)
    assert said == ["the quorum: 2/3 available, leader alluxio-master-2, master 1 not"] * 2
    assert masters.elected == []
    looks(masters, 5, 5 + MISSED_S, 6 + MISSED_S, 7 + 2 * MISSED_S)
    assert masters.elected == [(0, "alluxio-master-2")] * 2


def test_an_election_that_fails_is_tried_again() -> None:
    masters = Answers(made(3, down=(1,)), fails=True)
    looks(masters, 0, MISSED_S, 1 + MISSED_S, 1 + 2 * MISSED_S)
    assert len(masters.elected) == 2
