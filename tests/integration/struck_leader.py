"""A leader that is struck while clients write: whether all that they were told is done is there afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.chaos.faults.dead_node import power_off, power_on
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


def missing_after_pause(
    cache: Cache, masters: Masters, client: SteadyClient, pause_s: float
) -> list[str]:
    """Have the leader stand still under load, until another leads; the acknowledged writes that are not there."""

    def pause(pod: str) -> float:
        return masters.pause_process(pod, pause_s)

    return missing_after(cache, masters, client, pause, "pause", moves=True)


def missing_after_dead_node(cache: Cache, masters: Masters, client: SteadyClient) -> list[str]:
    """Cut the power of the leader's node under load; the acknowledged writes that are not there. The node is back then.

    The leader is moved off the node that carries the API first; the client has to run on that one.
    """
    state = cache.lab.state

    def node_of(pod: str) -> str:
        return str(cache.pods()[pod]["spec"]["nodeName"])

    def kill(pod: str) -> float:
        power_off(state, next(node for node in state.joined if node.name == node_of(pod)))
        return time.time()

    def leads_elsewhere() -> bool:
        cache.wait_for("all masters to take part", masters.are_whole)
        leader = masters.leader()
        if leader is None or node_of(leader) != state.control.name:
            return leader is not None
        masters.kill_process(leader)
        return False

    cache.wait_for("a leader on a node that can be killed", leads_elsewhere)
    try:
        # Directories: what a file holds goes with the node's worker, as nothing is persisted.
        return missing_after(cache, masters, client, kill, "node", kind="dirs")
    finally:
        power_on(state)
