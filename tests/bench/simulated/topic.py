"""What verbs ask of the API, and how long they take, at 100, 1,000 and 5,000 simulated nodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.bench import lab_programs, sealed
from tests.bench.measures import Measure
from tests.bench.options import Options

PAGE = 500
LISTS = 2
"""The lists that have a page more for each 500 nodes: of nodes and of pods."""
LIMITED = ("status", "verify, reading")
SECONDS_LIMIT = 10.0


def measure(options: Options) -> list[Measure]:
    """Run the inner part, and tell what it took."""
    places = lab_programs.places("etcd", "kubernetes", "kwok", "helm4")
    programs = {
        "etcd": places["etcd"] / "etcd",
        "kube-apiserver": places["kubernetes"] / "kube-apiserver",
        "kwok": places["kwok"],
        "helm": places["helm4"],
    }
    plan = {
        "sizes": options.nodes,
        "programs": {name: str(path) for name, path in programs.items()},
    }
    return told(json.loads(sealed.run("tests.bench.simulated", json.dumps(plan))))


def told(takes: Sequence[dict[str, Any]]) -> list[Measure]:
    """Measures out of takes. Requests may grow with pages only, from what they are at the smallest size."""
    smallest = {one["verb"]: one for one in sorted(takes, key=lambda one: -int(one["nodes"]))}
    found = []
    for one in takes:
        name = f"{one['verb']}, {one['nodes']} nodes"
        base = smallest[one["verb"]]
        questions = base["requests"] - base["pages"]
        most = questions + LISTS * (int(one["nodes"]) // PAGE)
        seconds = SECONDS_LIMIT if one["verb"] in LIMITED else None
        found += [
            Measure(f"{name}: requests", "", (float(one["requests"]),), limit=float(most)),
            Measure(f"{name}: time", "s", (float(one["seconds"]),), limit=seconds),
            Measure(f"{name}: processors", "s", (float(one["processor_s"]),)),
            Measure(f"{name}: memory", "MiB", (float(one["memory_bytes"] >> 20),)),
        ]
    return found
