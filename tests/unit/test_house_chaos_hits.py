"""Chaos counts strikes that hit: faults wait for their victims, and what hit nothing is tried again."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.attempts import TRIES, attempts
from tests.chaos.faults import KINDS
from tests.chaos.faults.fault import MissedError
from tests.chaos.plan import EARLIEST, Strike
from tests.chaos.results import Result

STRIKE = Strike(3, "site", "dead-node", 0.25, 5.0, 7)


def test_a_strike_that_hit_nothing_is_no_failure_and_does_not_count() -> None:
    missed = Result(STRIKE, "no master's process is there", "0", hit=False)
    assert missed.outcome == "HIT NOTHING"
    assert missed.holds
    assert not missed.is_good
    lost = replace(missed, lost=("/tree/a is gone",))
    assert lost.outcome == "LOST: /tree/a is gone"
    assert not lost.holds


def test_a_strike_that_hit_nothing_is_tried_again_at_an_earlier_moment() -> None:
    tried: list[Strike] = []

    def once(strike: Strike) -> Result:
        tried.append(strike)
        return Result(strike, again=0, hit=len(tried) == 2)

    results = list(attempts(once, STRIKE))
    assert [result.is_good for result in results] == [False, True]
    assert tried[0] == STRIKE
    assert tried[1].number == STRIKE.number
    assert EARLIEST <= tried[1].at < STRIKE.at


def test_a_strike_that_never_hits_ends() -> None:
    results = list(attempts(lambda strike: Result(strike, hit=False), STRIKE))
    assert len(results) == TRIES
    moments = [result.strike.at for result in results]
    assert moments == sorted(moments, reverse=True)


def test_a_loss_is_not_tried_again() -> None:
    lost = Result(STRIKE, hit=False, lost=("/tree/a is gone",))
    assert list(attempts(lambda _strike: lost, STRIKE)) == [lost]


class FakePods:
    """A release whose masters are there from the given look on."""

    name = "chaos"

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.deleted: list[str] = []
        self.lab = self

    def pods(self, _role: str) -> list[dict[str, dict[str, str]]]:
        self.looks -= 1
        return [] if self.looks > 0 else [{"metadata": {"name": "chaos-master-0"}}]

    def kubectl(self, *argv: str) -> str:
        self.deleted.append(argv[4])
        return f'pod "{argv[4]}" force deleted'


class FakeRun:
    """A run that goes on for so many looks, then ends well."""

    returncode: int | None = None

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def poll(self) -> int | None:
        self.looks -= 1
        self.returncode = None if self.looks >= 0 else 0
        return self.returncode


def deleted_master(pods: FakePods, run: FakeRun) -> str:
    scene: Any = SimpleNamespace(release=pods, run=run)
    return KINDS["deleted-master"](scene, random.Random(1)).inject()


def test_a_fault_waits_for_its_victim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    pods = FakePods(looks=3)
    assert deleted_master(pods, FakeRun(looks=9)) == "chaos-master-0"
    assert pods.deleted == ["chaos-master-0"]


def test_a_fault_without_a_victim_until_the_run_ended_has_hit_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    pods = FakePods(looks=9)
    with pytest.raises(MissedError, match="no pod of alluxio-master was there"):
        deleted_master(pods, FakeRun(looks=2))
    assert pods.deleted == []


def test_a_pod_that_is_gone_before_it_is_deleted_was_not_hit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakePods, "kubectl", lambda *_argv: "")
    with pytest.raises(MissedError, match="chaos-master-0 was gone"):
        deleted_master(FakePods(looks=0), FakeRun(looks=9))


def test_a_run_that_ended_by_itself_was_not_killed() -> None:
    run = SimpleNamespace(returncode=0)
    cache = SimpleNamespace(kill=lambda _run: 1)
    scene: Any = SimpleNamespace(release=SimpleNamespace(cache=cache), run=run)
    with pytest.raises(MissedError, match="had ended"):
        KINDS["killed-run"](scene, random.Random(1)).inject()
