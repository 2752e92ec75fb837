"""Taking a member out of the quorum: only once the others go on without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action import quorum_member
from ansible_collections.alluxops.cache.plugins.module_utils import quorum
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters
from tests.unit.cache.test_quorum import made


@dataclass
class Led:
    """Masters that always lead: their quorum at each look, then as a removal leaves it. done: what was asked."""

    looks: Iterator[quorum.Quorum]
    done: list[str] = field(default_factory=list)
    namespace: str = "alluxio"
    now: quorum.Quorum = field(default_factory=lambda: made(1))

    def led(self, _: Patience) -> quorum.Quorum:
        self.now = next(self.looks, self.now)
        return self.now

    def look(self) -> Any:
        return SimpleNamespace(leader=SimpleNamespace(pod="alluxio-master-0"))

    def read(self, _pod: str, _domain: str) -> quorum.Quorum:
        return made(1)

    def pod(self, ordinal: int) -> str:
        return f"alluxio-master-{ordinal}"

    def remove(self, member: quorum.Member, _domain: str, _pod: str) -> None:
        self.done.append(f"removed {member.ordinal} of {quorum.shown(self.now)}")
        left = tuple(other for other in self.now.members if other != member)
        self.now = quorum.Quorum(self.now.domain, self.now.leader, left)


def removed(looks: Sequence[quorum.Quorum], *, stay: int = 1, limit_s: float = 60) -> list[str]:
    """What is done to take master 2 out, with a quorum that looks so, one look after the other."""
    masters = Led(iter(looks))
    action = object.__new__(quorum_member.ActionModule)
    try:
        action._remove(cast("Masters", masters), 2, stay, Patience(limit_s))
    except CacheError as error:
        masters.done.append(str(error))
    return masters.done


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quorum_member, "RETRY_EVERY_S", 0.0)


def test_a_member_leaves_once_those_that_stay_answer() -> None:
    dead = made(3, down=(1,))
    assert removed([dead, dead, made(3)]) == ["removed 2 of 3/3 available, leader alluxio-master-0"]


def test_a_member_stays_while_another_is_dead_that_would_be_needed() -> None:
    (told,) = removed([made(3, down=(1,))], limit_s=0)
    assert "alluxio-master-2 stays in the quorum" in told
    assert "master 1 of the quorum does not answer" in told
    assert "kubectl -n alluxio get pods" in told


def test_a_member_that_runs_no_more_leaves() -> None:
    (told,) = removed([made(3, down=(2,))], limit_s=0)
    assert told == "removed 2 of 2/3 available, leader alluxio-master-0, master 2 not"


def test_a_member_that_has_left_is_not_waited_for() -> None:
    assert removed([made(2, down=(1,))], limit_s=0) == []
