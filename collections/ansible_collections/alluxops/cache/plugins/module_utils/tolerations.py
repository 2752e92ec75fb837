"""Which taints the cache's pods tolerate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values import at


def of(values: Mapping[str, Any], component: str) -> list[Any]:
    """What the pods of `master` or `worker` tolerate, as the charts add it up: what all do, and the component's own."""
    return [*(values.get("tolerations") or []), *(at(values, (component, "tolerations")) or [])]


def by_kind(settings: Settings, effective: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What each kind of pod tolerates.

    ZooKeeper's servers run on hosts of both, so they tolerate what either does, unless zookeeper_values says else.
    """
    masters, workers = of(effective, "master"), of(effective, "worker")
    both = masters + [one for one in workers if one not in masters]
    return {
        "masters": masters,
        "workers": workers,
        "zookeeper": list(settings.zookeeper_values.get("tolerations", both) or []),
    }
