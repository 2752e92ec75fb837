"""`uninstall`, which keeps the data, against `helm uninstall` and the `kubectl delete` of what Helm leaves."""

from __future__ import annotations

from tests.bench import by_hand
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import fresh, hand, seconds_of

BY_HAND = (
    ["helm", "uninstall", by_hand.RELEASE, "-n", by_hand.NAMESPACE, "--wait", "--timeout", "3m"],
    ["kubectl", "delete", "namespace", by_hand.NAMESPACE, "--timeout=180s"],
    ["kubectl", "delete", "pv", "-l", f"release={by_hand.RELEASE}", "--timeout=60s"],
)


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Both ways take away what site.yml has just deployed."""
    ours, theirs = [], []
    for _ in range(options.rounds):
        fresh(lab)
        theirs.append(hand(lab, "uninstall", *BY_HAND))
        fresh(lab)
        ours.append(seconds_of(lab, "uninstall"))
    return [Measure("uninstall", "s", tuple(ours), "helm, kubectl", tuple(theirs))]
