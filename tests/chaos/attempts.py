"""A strike until it hits: one that found no victim, or a run that had ended, says nothing and does not count."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tests.chaos.plan import EARLIEST, Strike
from tests.chaos.results import Result

TRIES: Final = 3


def attempts(once: Callable[[Strike], Result], strike: Strike) -> Iterator[Result]:
    """The results of a strike, the last of which hit, or failed, or was the last try.

    Each further try comes earlier: faults wait for their victim, but not for a run that has ended.
    """
    chance = random.Random(strike.seed)
    for _ in range(TRIES):
        result = once(strike)
        yield result
        if result.is_good or not result.holds:
            return
        strike = replace(strike, at=round(chance.uniform(EARLIEST, strike.at), 3))
