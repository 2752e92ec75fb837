"""A leader that is struck while clients write: whether all that they were told is done is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from tests.integration.cache_under_test import Cache
from tests.masters_under_test import Masters
from tests.steady_client import SteadyClient

WRITERS = 3
"""Side by side, so that requests are under way whenever the leader is struck."""
ANSWERS = 50


def missing_after(
    cache: Cache,
    masters: Masters,
    client: SteadyClient,
    strike: Callable[[str], float],
    run: str,
    *,
    kind: str = "files",
    moves: bool = False,
) -> list[str]:
    """Strike the leader under load, wait until one leads and answers; the acknowledged writes that are not there.

    strike: takes the leader's pod, returns when. run: a word for names, not used before. kind: as in SteadyClient.load.
    moves: whether it must be another that leads then, as one that only stood still may lead on.
    """
    cache.wait_for("all masters to take part", masters.are_whole)
    before = masters.leader()
    assert before is not None
    with ExitStack() as stack:
        writers = [f"{run}{number}" for number in range(WRITERS)]
        loads = [stack.enter_context(client.load(kind, writer, pause_s=0.02)) for writer in writers]
        for load in loads:
            client.wait_answered(load, ANSWERS)
        struck = strike(before)
        for load in loads:
            client.wait_answered(load, ANSWERS)
        passed_over = (None, before) if moves else (None,)
        cache.wait_for("a leader", lambda: masters.leader() not in passed_over)
        for load in loads:
            client.wait_answered(load, ANSWERS)
    for load in loads:
        late = [one for one in load.operations if one.answered and one.began > struck]
        assert len(late) >= ANSWERS
    return [line for load in loads for line in client.missing(load.acknowledged, kind=kind)]
