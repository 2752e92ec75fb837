"""Reading the quorum before a plan, what is on its way waited for; and the values that each step brings."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import scale_plan
from ansible_collections.alluxops.cache.plugins.module_utils import failover
from ansible_collections.alluxops.cache.plugins.module_utils.scale import (
    Running,
    Wanted,
    plan_scale,
)
from tests.unit.cache.test_quorum import made

SETTLED_S = 0.2


@pytest.mark.parametrize(
    ("leaderless_s", "is_found"), [(2 * SETTLED_S, True), (30 * SETTLED_S, False)]
)
def test_a_leader_is_waited_for_longer_than_the_rest(
    monkeypatch: pytest.MonkeyPatch, leaderless_s: float, *, is_found: bool
) -> None:
    monkeypatch.setattr(scale_plan, "LOOK_EVERY_S", SETTLED_S / 10)
    whole = SimpleNamespace(is_healthy=True, members=[1, 2])
    began = time.monotonic()

    def current() -> Any:
        return whole if time.monotonic() - began > leaderless_s else None

    read: Any = scale_plan.ActionModule._settled
    found = read(None, SimpleNamespace(current=current), {"settle_timeout_s": SETTLED_S}, 2)
    assert (found is whole) is is_found


@pytest.mark.parametrize(("masters", "is_same"), [(1, False), (3, True)])
def test_the_diff_shows_the_steps_that_the_summary_shows(
    monkeypatch: pytest.MonkeyPatch, masters: int, *, is_same: bool
) -> None:
    now = Running("ours", "embedded", 3, 3, made(3, 0))
    monkeypatch.setattr(scale_plan.ActionModule, "_running", lambda *_: now)
    action: Any = scale_plan.ActionModule.__new__(scale_plan.ActionModule)
    action._task = SimpleNamespace(check_mode=True)
    told = action.act(None, {"masters": masters, "ha": "embedded", "hosts": 3, "values": {}})
    assert told["changed"] is not is_same
    assert told["diff"]["after"].splitlines() == ([] if is_same else told["shown"])


@pytest.mark.parametrize("wanted", [Wanted(1, "none", 5), Wanted(1, "embedded", 5)])
def test_masters_keep_the_settings_of_those_that_vote_until_the_last_has_gone(
    wanted: Wanted,
) -> None:
    voting = failover.properties(3, "embedded")
    own = {"alluxio.user.rpc.retry.max.sleep": "1s"}
    now = Running("ours", "embedded", 3, 3, made(3, 0))
    leaving = [step for step in plan_scale(now, wanted) if step.what == "leave"]
    assert len(leaving) == 2
    for step in leaving:
        told = scale_plan._step(step, {"properties": own, "master": {"resources": {}}})["values"]
        assert {**own, **told["properties"]} == {**voting, **own}
        assert told["master"]["updateStrategy"] == {"type": "OnDelete"}
    mine = {"master": {"updateStrategy": {"type": "RollingUpdate"}}}
    assert "updateStrategy" not in scale_plan._step(leaving[0], mine)["values"]["master"]
