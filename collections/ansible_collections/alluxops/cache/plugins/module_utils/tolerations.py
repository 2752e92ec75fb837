"""Which taints the cache's pods tolerate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values import at


def by_kind(settings: Settings, effective: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What each kind of pod tolerates, as the charts add it up: what all do, and the component's own.

    ZooKeeper's servers run on hosts of both, so they tolerate what either does, unless zookeeper_values says else.
    """
    common = list(effective.get("tolerations") or [])
    masters, workers = (
        list(at(effective, (component, "tolerations")) or []) for component in ("master", "worker")
    )
    both = common + masters + [one for one in workers if one not in masters]
    return {
        "masters": common + masters,
        "workers": common + workers,
        "zookeeper": list(settings.zookeeper_values.get("tolerations", both) or []),
    }
