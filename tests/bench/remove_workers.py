"""`remove-workers`: a worker out of three goes, and `site` puts it back. By hand nobody proves that nothing is lost."""

from __future__ import annotations

from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, run

GOES = "n3"


def measure(lab: Lab, options: Options) -> list[Measure]:
    """The same worker each time. Most of it is the wait until clients have heard of it."""
    took = []
    fresh(lab)
    for _ in range(options.rounds):
        done = run(lab, "playbooks/remove_workers.yml", limit=GOES, alluxio_confirm_remove=GOES)
        took.append(done.seconds)
        run(lab, "site.yml")
    return [Measure("remove-workers, 3 to 2", "s", tuple(took), NO_WAY_BY_HAND)]
