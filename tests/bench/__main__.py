"""Measure on a lab of its own: the verbs that change a cache, against the same by hand where there is one; fail-overs.

    python -m tests.bench [--only site,backup] [--lab bench] [--rounds 2] [--kills 5] [--chart PATH] [--json PATH]

KEEP=1 leaves the lab up. The exit code says whether the measurements were taken, not whether they are good.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.bench import (
    backup,
    bootstrap,
    by_hand,
    datasets,
    failover,
    remove_workers,
    scale_masters,
    site,
    uninstall,
    upgrade,
    verb,
)
from tests.bench.measures import Measure, as_json, table
from tests.bench.verb import Options
from tools.lab_session import LabFailedError, booted
from tools.repository import ROOT

TOPICS: dict[str, Callable[[by_hand.Lab, Options], list[Measure]]] = {
    "site": site.measure,  # the first: it installs Helm
    "backup": backup.measure,
    "upgrade": upgrade.measure,
    "datasets": datasets.measure,
    "scale-masters": scale_masters.measure,
    "remove-workers": remove_workers.measure,
    "uninstall": uninstall.measure,
    "failover": lambda lab, options: failover.measure(lab, options.lab, options.kills),
    "bootstrap-workers": bootstrap.measure,  # the last: it adds a node to the lab
}
ALSO = {"restore": "backup", "rollback": "upgrade"}
"""Verbs that are measured with another."""
FAILED = (RuntimeError, AssertionError, LabFailedError, subprocess.SubprocessError)


def chosen(only: str) -> list[str]:
    """The topics of a list with commas, in the order in which they are measured; all for an empty one.

    Raises:
        ValueError: there is no such topic.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in {*TOPICS, *ALSO}]:
        raise ValueError(f"--only {', '.join(unknown)}: not among {', '.join([*TOPICS, *ALSO])}")
    asked = {ALSO.get(name, name) for name in names} or set(TOPICS)
    return [name for name in TOPICS if name in asked]


def measure(
    lab: by_hand.Lab, options: Options, topics: Iterable[str]
) -> tuple[list[Measure], list[str]]:
    """Take one topic after the other, each over nothing; what was measured, and the topics that failed."""
    measures: list[Measure] = []
    failed = []
    for name in topics:
        try:
            verb.clear(lab, options)
            measures += TOPICS[name](lab, options)
        except FAILED as error:
            print(f"Error: {name}: {error}", file=sys.stderr, flush=True)
            failed.append(name)
    return measures, failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when something could not be measured, 2 for a topic that does not exist."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help=f"with commas: {', '.join([*TOPICS, *ALSO])}")
    parser.add_argument("--lab", default="bench", help="name of the lab to boot")
    parser.add_argument("--rounds", type=int, default=2, help="how often, each way")
    parser.add_argument("--kills", type=int, default=5, help="of a leader, each way and mode")
    parser.add_argument("--chart", type=Path, default=by_hand.CHART, help="deployed by hand")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    given = parser.parse_args(arguments)
    try:
        topics = chosen(given.only)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    options = Options(given.lab, given.rounds, given.kills, given.chart)
    try:
        with booted(options.lab) as environment:
            lab = by_hand.connect(environment)
            measures, failed = measure(lab, options, topics)
            _report(measures, given.json)
            verb.clear(lab, options)
    except FAILED as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if failed:
        print(f"not measured: {', '.join(failed)}; the errors stand above")
    return 1 if failed else 0


def _report(measures: Sequence[Measure], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(as_json(measures) + "\n", encoding="utf-8")
    print(f"\n{table(measures)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
