"""What a chaos run will do, decided before it begins: the same seed gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from typing import Final

EARLIEST, LATEST = 0.02, 0.98
"""A fault falls within these parts of a verb's time: later the run may be over before it is struck."""
SHORTEST_S, LONGEST_S = 3.0, 15.0
IN_EVERY_VERB: Final = "killed-run"
"""The fault that users meet in any verb: it comes with each of them first."""


@dataclass(frozen=True)
class Strike:
    """One fault during one verb.

    Attributes:
        number: its place in the plan, from 1.
        at: when, as a part of the time that the verb takes undisturbed.
        hold_s: how long the fault lasts, where it is one that lasts.
        seed: of what the fault chooses by itself: the pod, the node.
    """

    number: int
    verb: str
    fault: str
    at: float
    hold_s: float
    seed: int


def plan(seed: int, faults: int, verbs: Sequence[str], kinds: Sequence[str]) -> tuple[Strike, ...]:
    """The strikes of a run, in order.

    Every pair of fault and verb comes once before any comes again; first those that have each kind of fault once, and
    a killed run with each verb. The seed decides the rest of the order. A longer plan of a seed begins with the shorter
    one, so that `--faults` repeats a part of a run.

    Raises:
        ValueError: there is nothing to strike, or nothing to strike with.
    """
    if not verbs or not kinds:
        raise ValueError("a plan needs a verb and a kind of fault")
    chance = random.Random(seed)
    strikes: list[Strike] = []
    while len(strikes) < faults:
        for verb, kind in _pairs(chance, verbs, kinds):
            at = round(chance.uniform(EARLIEST, LATEST), 3)
            hold_s = round(chance.uniform(SHORTEST_S, LONGEST_S), 1)
            own = chance.randrange(1 << 32)
            strikes.append(Strike(len(strikes) + 1, verb, kind, at, hold_s, own))
    return tuple(strikes[:faults])


def _pairs(
    chance: random.Random, verbs: Sequence[str], kinds: Sequence[str]
) -> list[tuple[str, str]]:
    """Each pair of verb and kind once."""
    pairs = list(product(sorted(verbs), sorted(kinds)))
    chance.shuffle(pairs)
    others = sorted(set(kinds) - {IN_EVERY_VERB})
    chance.shuffle(others)
    turns = sorted(set(verbs))
    chance.shuffle(turns)
    first = [pair for pair in pairs if pair[1] == IN_EVERY_VERB]
    first += zip(cycle(turns), others, strict=False)
    chance.shuffle(first)
    return first + [pair for pair in pairs if pair not in first]


def present(
    wanted: Sequence[str], needs: Mapping[str, Sequence[str]], playbooks: Collection[str]
) -> tuple[list[str], list[str]]:
    """The wanted verbs that can be run, and a line for each that is left out.

    needs: the playbooks that each known verb takes. playbooks: the names of those that there are.

    Raises:
        ValueError: a verb that no chaos run knows.
    """
    if unknown := [verb for verb in wanted if verb not in needs]:
        raise ValueError(f"{', '.join(unknown)}: not among {', '.join(needs)}")
    there, left_out = [], []
    for verb in wanted:
        missing = [f"playbooks/{name}.yml" for name in needs[verb] if name not in playbooks]
        if missing:
            left_out.append(f"{verb} is left out: there is no {' or '.join(missing)}")
        else:
            there.append(verb)
    return there, left_out
