"""ZooKeeper for a cache: what the masters are told of it, and the ensemble that is deployed where the user has none.

Pure functions of the settings and of what the API returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import ensemble, values_schema
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings, closest
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import (
    STORAGE_CLASS,
    provisions,
)

VARIABLE = "zookeeper_values"
_DECIDED_BY = {
    "fullnameOverride": "alluxio_release",
    "replicas": "zookeeper_replicas",
    "image": "zookeeper_image",
    "imageTag": "zookeeper_image",
}


def election_properties(settings: Settings) -> dict[str, str]:
    """How masters elect through ZooKeeper: each release on paths of its own there, whoever else uses the ensemble."""
    return {
        "alluxio.zookeeper.enabled": "true",
        "alluxio.zookeeper.address": ",".join(settings.zookeeper_addresses),
        **ensemble.paths(settings.namespace, settings.release),
    }


def claims(settings: Settings) -> list[dict[str, Any]]:
    """The claims of the ensemble that need a volume of ours, a node each; none where the user's class makes them."""
    wanted = dict(settings.zookeeper_values.get("persistence") or {})
    storage_class = wanted.get("storageClass", STORAGE_CLASS)
    if not settings.own_zookeeper or provisions(storage_class):
        return []
    return [
        {
            "name": f"data-{settings.zookeeper_release}-{ordinal}",
            "kind": "zookeeper",
            "ordinal": ordinal,
            "node": node,
            "path": f"{settings.storage_path}/zookeeper",
            "size": str(wanted.get("size", "1Gi")),
            "access_modes": ["ReadWriteOnce"],
            "storage_class": storage_class,
            "precreate": False,
            "provisioned": False,
            "shared": False,
        }
        for ordinal, node in enumerate(settings.zookeeper_nodes)
    ]


def chart_values(settings: Settings, tolerations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of the ensemble's release: defaults, the user's, and what other variables decide; {} for none.

    tolerations: those of the cache's pods, on whose nodes the servers run.
    """
    if not settings.own_zookeeper:
        return {}
    given = settings.zookeeper_values
    persistence = {"storageClass": STORAGE_CLASS, **(given.get("persistence") or {})}
    return {
        "tolerations": [dict(toleration) for toleration in tolerations],
        **given,
        "persistence": persistence,
        "fullnameOverride": settings.zookeeper_release,
        "replicas": settings.zookeeper_replicas,
        "image": settings.zookeeper_image,
    }


def faults(
    settings: Settings, schema: Mapping[str, Any], lines: Mapping[Any, str]
) -> Iterator[SettingsError]:
    """What the chart of the ensemble would refuse of zookeeper_values, or another variable has decided."""
    source = Source(VARIABLE, settings.zookeeper_values, lines)
    if settings.zookeeper_values and not settings.own_zookeeper:
        yield SettingsError(
            f"{VARIABLE} is set, and no ZooKeeper is deployed.",
            "alluxio_ha is not zookeeper, or alluxio_zookeeper_address names an ensemble of yours.",
            "remove it.",
        )
        return
    known = schema.get("properties") or {}
    for key, value in settings.zookeeper_values.items():
        where = source.place((key,))
        if key in _DECIDED_BY:
            cause = "A variable of its own decides it."
            fix = f"remove it, and set {_DECIDED_BY[key]}."
            yield SettingsError(f"{VARIABLE}.{key} is {value!r} ({where}).", cause, fix)
        elif known and key not in known:
            meant = closest(key, known)
            fix = (
                f"{meant} Else remove it."
                if meant
                else "remove it; see charts/zookeeper/values.yaml."
            )
            yield SettingsError(f"{VARIABLE}.{key} is no setting ({where}).", "", fix)
    yield from values_schema.faults(source, schema)


def missing(pods: Sequence[Mapping[str, Any]], replicas: int) -> list[str]:
    """What the ensemble still lacks: a line for each server that does not serve. pods: pod_facts, by any order."""
    by_name = {str(pod["name"]): pod for pod in pods if not pod["terminating"]}
    unready = [
        f"{name} {pod['ready']}/{pod['total']}"
        for name, pod in sorted(by_name.items())
        if pod["total"] == 0 or pod["ready"] < pod["total"]
    ]
    absent = replicas - len(by_name)
    return unready + ([f"{absent} not made yet"] if absent > 0 else [])


def has_quorum(pods: Sequence[Mapping[str, Any]], replicas: int) -> bool:
    """Whether a majority of the servers is Ready, which a server is only within a quorum."""
    ready = sum(1 for pod in pods if not pod["terminating"] and 0 < pod["total"] == pod["ready"])
    return ready > replicas // 2
