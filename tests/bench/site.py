"""`site`: deployments against the same by hand, and a run that changes nothing."""

from __future__ import annotations

from tests.bench import by_hand
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import run, told


def measure(lab: Lab, options: Options) -> list[Measure]:
    """The two ways take turns, so that a slow minute hits both. On a lab without Helm on its nodes."""
    first = run(lab, "site.yml")
    recipe = by_hand.take_recipe(lab, options.chart)
    unchanged = [run(lab, "site.yml", must_change=False) for _ in range(3)]
    hand: list[float] = []
    again: list[float] = []
    for _ in range(options.rounds):
        by_hand.remove(lab)
        hand.append(told("deployment", by_hand.deploy(lab, recipe)))
        by_hand.remove(lab)
        again.append(run(lab, "site.yml").seconds_before_last_play)

    def against_hand(name: str, *samples: float) -> Measure:
        return Measure(name, "s", samples, "by hand", tuple(hand), ratio_limit=1.0)

    return [
        against_hand("first deployment", first.seconds_before_last_play),
        against_hand("deployment, Helm there", *again),
        Measure("no-op site.yml", "s", tuple(run.seconds for run in unchanged), limit=15),
        Measure("no-op site.yml", "tasks", tuple(float(run.tasks) for run in unchanged), limit=60),
    ]
