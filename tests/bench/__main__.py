"""Measure on a lab of its own: deployments against the same by hand, a run that changes nothing, fail-overs.

    python -m tests.bench [--lab bench] [--rounds 2] [--kills 5] [--chart PATH] [--json build/bench.json]

KEEP=1 leaves the lab up. The exit code says whether the measurements were taken, not whether they are good.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import by_hand, failover, playbook_log
from tests.bench.measures import Measure, as_json, table
from tools.lab_session import LabFailedError, booted
from tools.repository import ROOT

NO_TESTS = ("-e", "verify_tests=false")


def site(lab: by_hand.Lab, *, must_change: bool) -> playbook_log.PlaybookRun:
    """Run site.yml and see that it did what it is measured for.

    Raises:
        RuntimeError: it failed, or changed something where nothing was to change, or nothing.
    """
    done = playbook_log.run(["site.yml", *NO_TESTS], lab.environment)
    if done.exit_code or bool(done.changed) != must_change:
        raise RuntimeError(
            f"site.yml ended with {done.exit_code} and {done.changed} changes:\n{done.output}"
        )
    print(f"site.yml: {done.seconds:.1f} s, {done.tasks} tasks, {done.changed} changed", flush=True)
    return done


def measure(lab: by_hand.Lab, rounds: int, chart: Path) -> list[Measure]:
    """Take every measurement; the two ways take turns, so that a slow minute hits both."""
    first = site(lab, must_change=True)
    recipe = by_hand.take_recipe(lab, chart)
    unchanged = [site(lab, must_change=False) for _ in range(3)]
    hand: list[float] = []
    again: list[float] = []
    for _ in range(rounds):
        by_hand.remove(lab)
        hand.append(by_hand.deploy(lab, recipe))
        print(f"by hand: {hand[-1]:.1f} s", flush=True)
        by_hand.remove(lab)
        again.append(site(lab, must_change=True).seconds_before_last_play)

    def against_hand(name: str, *samples: float) -> Measure:
        return Measure(name, "s", samples, "by hand", tuple(hand), ratio_limit=1.0)

    return [
        against_hand("first deployment", first.seconds_before_last_play),
        against_hand("deployment, Helm there", *again),
        Measure("no-op site.yml", "s", tuple(run.seconds for run in unchanged), limit=15),
        Measure("no-op site.yml", "tasks", tuple(float(run.tasks) for run in unchanged), limit=60),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lab", default="bench", help="name of the lab to boot")
    parser.add_argument("--rounds", type=int, default=2, help="deployments each way")
    parser.add_argument("--kills", type=int, default=5, help="of a leader, each way and mode")
    parser.add_argument("--chart", type=Path, default=ROOT / "charts" / "alluxio", help="by hand")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    options = parser.parse_args(arguments)
    try:
        with booted(options.lab) as environment:
            lab = by_hand.connect(environment)
            measures = measure(lab, options.rounds, options.chart)
            by_hand.remove(lab)
            measures += failover.measure(lab, options.lab, options.kills)
    except (LabFailedError, RuntimeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(as_json(measures) + "\n", encoding="utf-8")
    print(f"\n{table(measures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
