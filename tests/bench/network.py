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
OBJECT_BYTES = 64 * MIB
_BLOCKS = (
    f"head -c {OBJECT_BYTES} /dev/zero > /tmp/blocks"
    " && alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE copyFromLocal /tmp/blocks /blocks; rm /tmp/blocks"
)
"""A file that some worker holds, so that its tier can be measured."""


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Each round measures all pairs of nodes, the store from each and from all, and the tier that holds a block."""
    running = RunningLab(options.lab)
    fresh(lab)
    lab.run(*in_master(_BLOCKS))
    running.s3().put_object(Bucket="datasets", Key=KEY, Body=bytes(OBJECT_BYTES))
    seconds, links, store = [], [], []
    try:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "report.json"
            given: dict[str, Any] = {"network_report": str(path), "network_store_object": KEY}
            for _ in range(options.rounds):
                done = run(lab, "playbooks/network.yml", must_change=False, **given)
                seconds.append(done.seconds)
                report = json.loads(path.read_text())
                links.append(statistics.median(one["bytes_per_s"] for one in report["links"]) / MIB)
                if together := report["store"][
                    "together"
                ]:  # not known where they hardly read at once
                    store.append(together / MIB)
    finally:
        Cache(running, Path()).forget(PREFIX)
    return [
        Measure("network", "s", tuple(seconds), NO_WAY_BY_HAND),
        Measure("network, a link between nodes", "MiB/s", tuple(links)),
        *([Measure("network, the store to all nodes", "MiB/s", tuple(store))] if store else []),
    ]
