"""Which pairs of nodes are measured, and when: in rounds, in each of which a node takes part once at most. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

Pair = tuple[str, str]


@dataclass(frozen=True)
class Schedule:
    """The rounds, and how many pairs there would be without the limit."""

    rounds: tuple[tuple[Pair, ...], ...]
    possible: int

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All of them, in order."""
        return tuple(pair for pairs in self.rounds for pair in pairs)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Those that take part, by name."""
        return tuple(sorted({node for pair in self.pairs for node in pair}))


def tournament(nodes: Sequence[str]) -> list[list[Pair]]:
    """Every pair once, in as few rounds as there can be: one node stands still, the others go around it.

    With an odd number of nodes one of them rests in each round.
    """
    circle: list[str | None] = [*nodes, *([None] if len(nodes) % 2 else [])]
    half = len(circle) // 2
    rounds: list[list[Pair]] = []
    for _ in range(len(circle) - 1):
        facing = zip(circle[:half], reversed(circle[half:]), strict=True)
        rounds.append([(a, b) for a, b in facing if a is not None and b is not None])
        circle = [circle[0], circle[-1], *circle[1:-1]]
    return rounds


def schedule(workers: Collection[str], compute: Collection[str], limit: int, seed: int) -> Schedule:
    """The rounds for these nodes. Two that only compute have nothing to tell one another.

    limit: most pairs. Of more, whole rounds are taken as long as they fit, since in a round as many nodes take part as
    can; seed says which.
    """
    nodes = sorted({*workers, *compute})
    rounds = _useful(tournament(nodes), workers)
    possible = sum(map(len, rounds))
    if possible > limit:
        shuffled = random.Random(seed).sample(nodes, len(nodes))  # noqa: S311 - a sample, no secret
        rounds = _cut(_useful(tournament(shuffled), workers), limit)
    ordered = tuple(tuple(sorted(_sorted(pair) for pair in pairs)) for pairs in rounds)
    return Schedule(ordered, possible)


def _sorted(pair: Pair) -> Pair:
    return (min(pair), max(pair))


def _useful(rounds: Sequence[Sequence[Pair]], workers: Collection[str]) -> list[list[Pair]]:
    wanted = [[pair for pair in pairs if not set(pair).isdisjoint(workers)] for pairs in rounds]
    return [pairs for pairs in wanted if pairs]


def _cut(rounds: Sequence[Sequence[Pair]], limit: int) -> list[list[Pair]]:
    kept: list[list[Pair]] = []
    for pairs in rounds:
        if not limit:
            break
        kept.append([*pairs[:limit]])
        limit -= len(kept[-1])
    return kept
