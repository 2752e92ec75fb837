"""`scale-masters` from 1 to 3 and back. A handful of commands does not convert a journal, so there is no ratio."""

from __future__ import annotations

from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, seconds_of


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Out and back, in one release."""
    out, back = [], []
    fresh(lab)
    for _ in range(options.rounds):
        out.append(seconds_of(lab, "scale_masters", alluxio_masters=3, alluxio_ha="embedded"))
        back.append(seconds_of(lab, "scale_masters", alluxio_masters=1, alluxio_ha="none"))
    return [
        Measure("scale-masters, 1 to 3", "s", tuple(out), NO_WAY_BY_HAND),
        Measure("scale-masters, 3 to 1", "s", tuple(back), NO_WAY_BY_HAND),
    ]
