"""What a bench found, as a table for people and JSON for comparison."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One thing measured several times, perhaps against another way to the same end.

    Attributes:
        unit: of samples, baseline and limit.
        samples: in the order they were taken.
        baseline_name: the other way; without samples of it, why there are none.
        baseline: samples of the other way; empty where there is none.
        limit: the goal, the most that the issue at hand asks for; None where nothing does.
        worst_counts: whether the limit is for each sample, not for the median.
        ratio_limit: the goal for the median over the baseline's median, the most that it may be.
        ratio_least: the same where more is better, the least that it may be.
    """

    name: str
    unit: str
    samples: tuple[float, ...]
    baseline_name: str = ""
    baseline: tuple[float, ...] = ()
    limit: float | None = None
    ratio_limit: float | None = None
    ratio_least: float | None = None
    worst_counts: bool = False

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """Median over the baseline's median; None without a baseline."""
        return self.median / statistics.median(self.baseline) if self.baseline else None

    @property
    def has_goal(self) -> bool:
        """Whether anything is asked for."""
        asked = (self.limit, self.ratio_limit, self.ratio_least)
        return any(goal is not None for goal in asked)

    @property
    def is_within(self) -> bool:
        """Whether it keeps the limits that are set for it. A ratio that nobody could measure keeps none."""
        counted = max(self.samples) if self.worst_counts else self.median
        in_limit = self.limit is None or counted <= self.limit
        in_ratio = self.ratio_limit is None or (
            self.ratio is not None and self.ratio <= self.ratio_limit
        )
        is_enough = self.ratio_least is None or (
            self.ratio is not None and self.ratio >= self.ratio_least
        )
        return in_limit and in_ratio and is_enough


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value % 1 else f"{value:.0f}"


def _ratio(value: float | None) -> str:
    """Small ones in full, as their goals are a hundredth and less."""
    return "" if value is None else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def _row(measure: Measure) -> list[str]:
    against = measure.baseline_name
    if measure.baseline:
        against = f"{_number(statistics.median(measure.baseline))} ({measure.baseline_name})"
    spread = ""
    if len(measure.samples) > 1:
        spread = f"{_number(min(measure.samples))} to {_number(max(measure.samples))}"
    asked = _number(measure.limit)
    if measure.ratio_limit is not None:
        asked = f"ratio {measure.ratio_limit:.2f}"
    if measure.ratio_least is not None:
        asked = f"ratio {measure.ratio_least:.2f} or more"
    verdict = "" if not measure.has_goal else "met" if measure.is_within else "MISSED"
    return [
        measure.name,
        f"{_number(measure.median)} {measure.unit}",
        spread,
        against,
        _ratio(measure.ratio),
        asked,
        verdict,
    ]


def table(measures: Sequence[Measure]) -> str:
    """Rows with the median of each measure, its range and ratio, and whether it keeps what was asked."""
    rows = [["measure", "median", "range", "against", "ratio", "goal", ""], *map(_row, measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def goals(measures: Sequence[Measure]) -> str:
    """A line: how many goals are met, and which are not. Empty where nothing was asked for."""
    asked = [one for one in measures if one.has_goal]
    missed = [one.name for one in asked if not one.is_within]
    if not asked:
        return ""
    met = f"goals: {len(asked) - len(missed)} of {len(asked)} met"
    return f"{met}; MISSED: {'; '.join(missed)}" if missed else met


def as_json(measures: Sequence[Measure]) -> str:
    """All samples, so that runs can be compared later."""
    return json.dumps(
        [
            {
                "name": measure.name,
                "unit": measure.unit,
                "samples": [round(sample, 2) for sample in measure.samples],
                "baseline": [round(sample, 2) for sample in measure.baseline],
                "baseline_name": measure.baseline_name,
                "ratio": None if measure.ratio is None else round(measure.ratio, 3),
                "limit": measure.limit,
                "ratio_limit": measure.ratio_limit,
                "ratio_least": measure.ratio_least,
                "within": measure.is_within,
            }
            for measure in measures
        ],
        indent=2,
    )
