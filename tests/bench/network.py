"""`network`: its time, and what it finds between the lab's nodes and from its store."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, in_master, run
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

MIB = 1024**2
PREFIX = "bench-network/"
KEY = f"{PREFIX}large"
BYTES = 64 * MIB
BLOCKS = "/bench-blocks"
_WRITE = (
    f"head -c {BYTES} /dev/zero > /tmp/blocks && alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE"
    f" copyFromLocal /tmp/blocks {BLOCKS}; written=$?; rm /tmp/blocks; exit $written"
)


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Each round measures all pairs of nodes, the store from each and from all, and the tier that holds a block."""
    fresh(lab)
    seconds, links, store = [], [], []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "report.json"
        for _ in range(options.rounds):
            seconds.append(look(lab, options, path))
            report = json.loads(path.read_text())
            links.append(statistics.median(one["bytes_per_s"] for one in report["links"]) / MIB)
            if together := report["store"]["together"]:  # not known where they hardly read at once
                store.append(together / MIB)
    return [
        Measure("network", "s", tuple(seconds), NO_WAY_BY_HAND),
        Measure("network, a link between nodes", "MiB/s", tuple(links)),
        *([Measure("network, the store to all nodes", "MiB/s", tuple(store))] if store else []),
    ]


def look(lab: Lab, options: Options, report: Path, **settings: Any) -> float:
    """Run `network` over an object and a block that are there for it only; the verb's seconds."""
    running = RunningLab(options.lab)
    running.s3().put_object(Bucket="datasets", Key=KEY, Body=bytes(BYTES))
    lab.run(*in_master(_WRITE))
    given = {**settings, "network_report": str(report), "network_store_object": KEY}
    try:
        return run(lab, "playbooks/network.yml", must_change=False, **given).seconds
    finally:
        lab.run(*in_master(f"alluxio fs rm {BLOCKS}"))
        Cache(running, Path()).forget(PREFIX)
