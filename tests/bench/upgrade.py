"""`upgrade` to another version and to other settings, and `rollback`, each against Helm's own command that waits."""

from __future__ import annotations

import json
from typing import Any

from lab import versions
from tests.bench import by_hand
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import fresh, hand, seconds_of
from tools.lab_session import lab as lab_command

PROPERTY = "alluxio.user.metrics.heartbeat.interval"
"""Masters and workers read it, so all of them restart."""
_WAIT = ("-n", by_hand.NAMESPACE, "--wait", "--timeout", "10m")
# The chart that the release has. What is not said anew on standard input stays.
_KEEPING = (str(by_hand.CHART), "--reuse-values", "--values", "-")
HELM_UPGRADE = (("helm", "upgrade", by_hand.RELEASE, *_KEEPING, *_WAIT), *by_hand.ROLLED_OUT)
HELM_ROLLBACK = (("helm", "rollback", by_hand.RELEASE, *_WAIT), *by_hand.ROLLED_OUT)


def with_property(values: dict[str, Any], number: int) -> dict[str, Any]:
    """Chart values with something else for each number."""
    return {**values, "properties": {**values.get("properties", {}), PROPERTY: f"{number}sec"}}


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Every round of a version begins with the older one; settings change back and forth in one release."""
    return [*_version(lab, options), *_settings(lab, options)]


def _version(lab: Lab, options: Options) -> list[Measure]:
    known = versions.load()
    lab_command("images", options.lab, "images-alluxio-old")
    ours, theirs = [], []
    for _ in range(options.rounds):
        fresh(lab, alluxio_version=known.alluxio_older)
        values = json.dumps({"imageTag": known.alluxio})
        theirs.append(hand(lab, "upgrade of the version", *HELM_UPGRADE, stdin=values))
        fresh(lab, alluxio_version=known.alluxio_older)
        ours.append(seconds_of(lab, "upgrade"))
    name = f"upgrade, {known.alluxio_older} to {known.alluxio}"
    return [Measure(name, "s", tuple(ours), "helm upgrade", tuple(theirs))]


def _settings(lab: Lab, options: Options) -> list[Measure]:
    listed = json.loads(lab.run("ansible-inventory", "--list"))
    (host,) = listed["kube_control"]["hosts"]
    inventory = listed["_meta"]["hostvars"][host].get("alluxio_values", {})
    fresh(lab)
    ours, back, theirs, theirs_back = [], [], [], []
    for number in range(options.rounds):
        by_helm = json.dumps(with_property({}, 20 + number))
        theirs.append(hand(lab, "upgrade of settings", *HELM_UPGRADE, stdin=by_helm))
        theirs_back.append(hand(lab, "rollback", *HELM_ROLLBACK))
        ours.append(
            seconds_of(lab, "upgrade", alluxio_values=with_property(inventory, 40 + number))
        )
        back.append(seconds_of(lab, "rollback"))
    return [
        Measure("upgrade, settings only", "s", tuple(ours), "helm upgrade", tuple(theirs)),
        Measure("rollback, settings only", "s", tuple(back), "helm rollback", tuple(theirs_back)),
    ]
