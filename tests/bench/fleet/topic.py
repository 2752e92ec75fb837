"""The node work of bootstrap-workers on many ssh hosts: against pyinfra, a plain playbook and a bare ping."""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.paths import cache_root
from tests.bench import lab_programs, sealed
from tests.bench.fleet import ways
from tests.bench.measures import Measure
from tests.bench.options import Options
from tools.repository import ROOT, tool_environment

LOCK = ROOT / "tests" / "bench" / "pyinfra-requirements.txt"
PLAIN_LIMIT = 0.2
"""The issue asks for five times the speed of a plain playbook."""


def measure(options: Options) -> list[Measure]:
    """Run the inner part, and compare what it took."""
    plan = {
        "hosts": options.hosts,
        "rounds": options.rounds,
        "node_root": str(lab_programs.places("node-root")["node-root"]),
        "pyinfra": str(pyinfra_environment()),
        "forks": options.forks,
    }
    takes = json.loads(sealed.run("tests.bench.fleet", json.dumps(plan)))
    if options.forks:
        print(f"\n{grid(options.forks, takes)}\n", flush=True)
    return compared(options.hosts, takes)


def grid(forks: Sequence[int], takes: Sequence[dict[str, Any]]) -> str:
    """What our way took with other settings, as Markdown: seconds and, in brackets, seconds of processors; medians."""

    def cell(name: str) -> str:
        seconds, processors = (
            statistics.median(float(one[what]) for one in takes if one["name"] == name)
            for what in ("seconds", "processor_s")
        )
        return f"{seconds:.1f} ({processors:.1f})"

    head = ["forks", *ways.OTHERS]
    rows = [head, ["---"] * len(head)]
    for number in forks:
        names = [ways.tuned(number, **others)[0] for others in ways.OTHERS.values()]
        rows.append([str(number), *map(cell, names)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def pyinfra_environment() -> Path:
    """A virtual environment with pyinfra as the lock pins it; made once and kept in the cache."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    place = cache_root() / "pyinfra" / key
    if not (place / "bin" / "pyinfra").exists():
        command = ["tools/bootstrap", "--environment", str(LOCK), str(place)]
        done = subprocess.run(command, cwd=ROOT, env=tool_environment(), check=False)
        if done.returncode:
            raise RuntimeError(f"pyinfra cannot be installed: exit code {done.returncode}")
    return place


def compared(hosts: int, takes: Sequence[dict[str, Any]]) -> list[Measure]:
    """Measures out of takes: seconds and processor seconds against the other ways, and the trips of each."""

    def of(name: str, what: str) -> tuple[float, ...]:
        return tuple(float(one[what]) for one in takes if one["name"] == name)

    ours = ways.OURS
    others = {ways.PYINFRA: 1.0, ways.PLAIN: PLAIN_LIMIT, ways.PLAIN_TUNED: None, ways.PING: None}
    found = []
    for what, unit, title in (
        ("seconds", "s", "bootstrap's node work"),
        ("processor_s", "s", "processors, controller and hosts"),
        ("controller_s", "s", "processors, controller alone"),
        ("sessions", "", "commands over ssh, a host"),
    ):
        for other, limit in others.items():
            asked = limit if what == "seconds" else None
            name = f"{title}, {hosts} hosts"
            found.append(
                Measure(name, unit, of(ours, what), other, of(other, what), ratio_limit=asked)
            )
    tuned = dict.fromkeys(one["name"] for one in takes if one["name"] not in {ours, *others})
    seconds = of(ours, "seconds")
    found += [
        Measure(f"with {name}", "s", of(name, "seconds"), "ansible.cfg", seconds) for name in tuned
    ]
    return found
