"""Measure the verbs that change a cache on a lab of its own, against the same by hand where there is one; fail-overs.

    python -m tests.bench [--only site,backup] [--lab bench] [--rounds 2] [--kills 5] [--chart PATH] [--json PATH]
    python -m tests.bench --only fleet,simulated [--rounds 2] [--hosts 50] [--forks 5,10,25,50] [--nodes 100,1000,5000]

The topics of the second line have hosts and clusters of their own; for them alone no lab is booted.

KEEP=1 leaves the lab up. The exit code says whether the measurements were taken; with --strict, whether they meet the
goals too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.bench import (
    backup,
    benchmark,
    bootstrap,
    by_hand,
    check,
    datasets,
    failover,
    network,
    profiles,
    remove_workers,
    scale_masters,
    site,
    uninstall,
    upgrade,
    verb,
)
from tests.bench.fleet import topic as fleet
from tests.bench.measures import Measure, as_json, goals, table
from tests.bench.options import NODES, Options
from tests.bench.simulated import topic as simulated
from tools.lab_session import LabFailedError, booted
from tools.repository import ROOT

TOPICS: dict[str, Callable[[by_hand.Lab, Options], list[Measure]]] = {
    "site": site.measure,  # the first: it installs Helm
    "backup": backup.measure,
    "upgrade": upgrade.measure,
    "datasets": datasets.measure,
    "check": check.measure,
    "network": network.measure,
    "benchmark": benchmark.measure,
    "profiles": profiles.measure,
    "scale-masters": scale_masters.measure,
    "remove-workers": remove_workers.measure,
    "uninstall": uninstall.measure,
    "failover": lambda lab, options: failover.measure(lab, options.lab, options.kills),
    "bootstrap-workers": bootstrap.measure,  # the last: it adds a node to the lab
}
WITHOUT_LAB: dict[str, Callable[[Options], list[Measure]]] = {
    "fleet": fleet.measure,
    "simulated": simulated.measure,
}
ALSO = {"restore": "backup", "rollback": "upgrade", "repair": "check"}
"""Verbs that are measured with another."""
KNOWN = (*TOPICS, *ALSO, *WITHOUT_LAB)
FAILED = (RuntimeError, AssertionError, LabFailedError, subprocess.SubprocessError)


def chosen(only: str) -> list[str]:
    """The topics of a list with commas, in the order in which they are measured; all for an empty one.

    Raises:
        ValueError: there is no such topic.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in KNOWN]:
        raise ValueError(f"--only {', '.join(unknown)}: not among {', '.join(KNOWN)}")
    every = [*WITHOUT_LAB, *TOPICS]
    asked = {ALSO.get(name, name) for name in names} or set(every)
    return [name for name in every if name in asked]


@dataclass
class Findings:
    """What was measured so far, and the topics that failed."""

    measures: list[Measure] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def take(self, name: str, topic: Callable[[], list[Measure]]) -> None:
        """Measure one topic; one that fails costs no other."""
        try:
            self.measures += topic()
        except FAILED as error:
            print(f"Error: {name}: {error}", file=sys.stderr, flush=True)
            self.failed.append(name)


def measure(lab: by_hand.Lab, options: Options, topics: Iterable[str], found: Findings) -> None:
    """Take one topic of a lab after the other, each over nothing."""

    def fresh(name: str) -> list[Measure]:
        verb.clear(lab, options)
        return TOPICS[name](lab, options)

    for name in topics:
        found.take(name, partial(fresh, name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when something could not be measured, or misses its goal with --strict; 2 for an unknown topic."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help=f"with commas: {', '.join(KNOWN)}")
    parser.add_argument("--lab", default="bench", help="name of the lab to boot")
    parser.add_argument("--rounds", type=int, default=2, help="how often, each way")
    parser.add_argument("--kills", type=int, default=5, help="of a leader, each way and mode")
    parser.add_argument("--chart", type=Path, default=by_hand.CHART, help="deployed by hand")
    parser.add_argument("--hosts", type=int, default=50, help="of the fleet")
    parser.add_argument("--forks", default="", help="of Ansible, for the fleet's table of settings")
    sizes = ",".join(map(str, NODES))
    parser.add_argument("--nodes", default=sizes, help="sizes of the simulated cluster")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--strict", action="store_true", help="end with 1 where a goal is missed")
    given = parser.parse_args(arguments)
    try:
        topics = chosen(given.only)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    options = Options(
        given.lab,
        given.rounds,
        given.kills,
        given.chart,
        given.hosts,
        _numbers(given.nodes),
        _numbers(given.forks),
    )
    found = Findings()
    for name in topics:
        if name in WITHOUT_LAB:
            found.take(name, partial(WITHOUT_LAB[name], options))
    of_lab = [name for name in topics if name in TOPICS]
    if not of_lab:
        _report(found.measures, given.json)
        return _ended(found, strict=given.strict)
    try:
        with booted(options.lab) as environment:
            lab = by_hand.connect(environment)
            measure(lab, options, of_lab, found)
            _report(found.measures, given.json)
            verb.clear(lab, options)
    except FAILED as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return _ended(found, strict=given.strict)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number.strip())


def _ended(found: Findings, *, strict: bool) -> int:
    if found.failed:
        print(f"not measured: {', '.join(found.failed)}; the errors stand above")
    is_missed = strict and not all(one.is_within for one in found.measures)
    return 1 if found.failed or is_missed else 0


def _report(measures: Sequence[Measure], place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(as_json(measures) + "\n", encoding="utf-8")
    print(f"\n{table(measures)}", flush=True)
    if told := goals(measures):
        print(told, flush=True)


if __name__ == "__main__":
    sys.exit(main())
