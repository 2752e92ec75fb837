"""Whether masters that run would go on electing where they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import MASTER_ROLE
from ansible_collections.alluxops.cache.plugins.module_utils.cluster_checks import (
    Check,
    fails,
    holds,
)
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble import (
    CAUSE,
    MOVE,
    Ensemble,
    apart,
)


def ensemble_check(
    cluster: Mapping[str, Any],
    wanted: Ensemble | None,
    places: Mapping[str, str],
    namespace: str,
) -> Check:
    """cluster: the facts of read_cluster. Whether masters elect by ZooKeeper at all is the running release's check."""
    masters = cluster.get("masters") or {}
    # A pod that does not go away, as on a node that is lost, may lead yet.
    runs = masters.get("replicas") or any(
        pod["role"] == MASTER_ROLE for pod in cluster.get("pods") or []
    )
    differs = apart(masters.get("ensemble"), wanted, namespace)
    if not runs or differs is None:
        return holds("running ensemble", "no master would elect elsewhere")
    now, then = differs
    place = places.get("alluxio_zookeeper_address", "")
    return fails(
        "running ensemble",
        f"the masters that run elect through {now}; the settings say {then}{f' ({place})' if place else ''}",
        f"set alluxio_zookeeper_address back to what they use; to move them, {MOVE}.",
        CAUSE,
    )
