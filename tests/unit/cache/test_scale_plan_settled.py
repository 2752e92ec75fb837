"""Reading the quorum before a plan: what is on its way is waited for, longest for a leader."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import scale_plan

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
