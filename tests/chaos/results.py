"""What a chaos run found: a table for people, JSON to compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from tests.chaos.plan import Strike


@dataclass(frozen=True)
class Result:
    """How one strike ended.

    Attributes:
        victim: what the fault hit, or why it hit nothing.
        hit: whether it hit anything while the verb ran.
        run: how the verb that was struck ended: its exit code, or `killed`.
        again: the exit code of the same verb run once more; None where it was not run.
        converged_s: how long that took.
        changed: what a run of site.yml after that still found to change.
        acknowledged: writes that a master acknowledged meanwhile.
        lost: differences of the file tree, and acknowledged writes that are not there.
        error: what kept the strike from being judged.
    """

    strike: Strike
    victim: str = ""
    run: str = ""
    again: int | None = None
    converged_s: float = 0.0
    changed: int = 0
    acknowledged: int = 0
    lost: tuple[str, ...] = field(default=())
    error: str = ""
    hit: bool = True

    @property
    def outcome(self) -> str:
        """One word, and what it is about."""
        if self.error:
            return f"ERROR: {self.error.strip().splitlines()[0][:100]}"
        if self.lost:
            return f"LOST: {self.lost[0]}"
        if self.again:
            return f"NOT CONVERGED: exit code {self.again}"
        if self.changed:
            return f"NOT CONVERGED: {self.changed} changed afterwards"
        return "converged" if self.hit else "HIT NOTHING"

    @property
    def holds(self) -> bool:
        """Nothing lost, and the verb converged, whether or not anything was hit."""
        return self.outcome in ("converged", "HIT NOTHING")

    @property
    def is_good(self) -> bool:
        """Something was hit, nothing lost, and the verb converged: only that counts."""
        return self.outcome == "converged"


HEADER = ("#", "verb", "fault", "hit", "at", "run", "again", "writes", "outcome")


def table(results: Sequence[Result]) -> str:
    """A row a strike."""
    rows = [HEADER, *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(result: Result) -> tuple[str, ...]:
    strike = result.strike
    again = "" if result.again is None else f"{result.converged_s:.0f} s"
    return (
        *(str(strike.number), strike.verb, strike.fault, result.victim, f"{strike.at:.0%}"),
        *(result.run, again, str(result.acknowledged), result.outcome),
    )


def as_json(seed: int, results: Sequence[Result]) -> str:
    """Everything, with the seed that repeats it."""
    found = [
        {**asdict(result), "outcome": result.outcome, "good": result.is_good} for result in results
    ]
    return json.dumps({"seed": seed, "results": found}, indent=2)
