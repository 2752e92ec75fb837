"""What our chart's templates refuse (charts/alluxio/templates/_refuse.tpl), found before anything changes.

Helm renders when nodes, volumes and journals have been made. A rule of the templates has its twin here, and
tests/unit/cache/test_refused_early.py holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    refuse_fuse,
    refuse_masters,
    refuse_options,
    refuse_tiers,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import View

MANIFEST_KEYS = ("apiVersion", "kind", "metadata", "spec", "data")


def _foreign(view: View) -> Iterator[SettingsError]:
    """What is no setting of our chart, or of a part that it leaves out."""
    for source in view.sources:
        for key in MANIFEST_KEYS:
            if key in source.data:
                yield SettingsError(
                    f"{key} stands at the top of the values ({source.place((key,))}).",
                    "A Kubernetes manifest was given as values.",
                    "leave it out, and write Alluxio's settings under `properties:`.",
                )
    for key in ("enabled", "clientEnabled"):
        if view.get("csi", key):
            yield view.fault(
                ("csi", key),
                "Our chart has no CSI driver.",
                "remove it; fuse.enabled mounts the cache on every node, where pods reach it by hostPath.",
            )
    if view.get("hub", "enabled"):
        cause = "Alluxio Hub is not part of 2.8 and 2.9."
        yield view.fault(("hub", "enabled"), cause, "remove it.")
    if view.get("worker", "fuseEnabled"):
        yield view.fault(
            ("worker", "fuseEnabled"),
            "It would run every worker as privileged root.",
            "set fuse.enabled, which mounts the cache from a pod of its own.",
        )


_RULES: tuple[Callable[[View], Iterator[SettingsError]], ...] = (
    _foreign,
    refuse_masters.faults,
    refuse_tiers.faults,
    refuse_fuse.faults,
    refuse_options.faults,
)


def faults(effective: Mapping[str, Any], sources: Sequence[Source]) -> list[SettingsError]:
    """Everything in the final values that our chart's templates would refuse."""
    view = View(effective, sources)
    return [fault for rule in _RULES for fault in rule(view)]
