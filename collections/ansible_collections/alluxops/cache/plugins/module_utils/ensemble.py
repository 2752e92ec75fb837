"""Through which ZooKeeper masters elect, and that masters that run are not led to another one. Pure.

Masters restart one by one. The first that looks elsewhere finds nobody there and leads, beside the leader that the
others know: two of them write one journal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CAUSE: Final = (
    "Masters restart one by one: the first would find nobody there and lead, beside the leader that the others know."
    " Two leaders on one journal lose what clients were told is written."
)
MOVE: Final = "run `alluxops uninstall`, which keeps the journal, then `alluxops site`"
_PREFIX: Final = "alluxio.zookeeper."
_DEFAULTS: Final = {
    f"{_PREFIX}election.path": "/alluxio/election",
    f"{_PREFIX}leader.path": "/alluxio/leader",
}
"""Alluxio's own, for a release that was made by hand."""
_PORT: Final = ":2181"
_IN_CLUSTER: Final = re.compile(r"\.svc\.cluster\.local\.?$")


@dataclass(frozen=True)
class Ensemble:
    """What decides who stands in one election. servers: host:port of each."""

    servers: tuple[str, ...]
    election_path: str
    leader_path: str


def apart(one: Ensemble | None, other: Ensemble | None, namespace: str) -> tuple[str, str] | None:
    """What each has that the other has not, in words, where masters of the two would not see each other; else None.

    One server in common is taken as the same ensemble. None too where one of them has no ZooKeeper.
    namespace: that of the masters.
    """
    if one is None or other is None:
        return None
    found = (_beyond(one, other, namespace), _beyond(other, one, namespace))
    return found if any(found) else None


def _beyond(one: Ensemble, other: Ensemble, namespace: str) -> str:
    said = []
    if not _names(one, namespace) & _names(other, namespace):
        said.append(",".join(one.servers) or "no server")
    if one.election_path != other.election_path:
        said.append(f"election path {one.election_path}")
    if one.leader_path != other.leader_path:
        said.append(f"leader path {one.leader_path}")
    return ", ".join(said)


def _names(ensemble: Ensemble, namespace: str) -> set[str]:
    """The servers by the shortest names that mean the same to pods of a namespace for certain.

    These look for NAME in NAME.NAMESPACE.svc first of all, so whoever finds that by its long name finds it by the short
    one. Of zk.other, which may be a pod of a Service here or a Service in another namespace, that cannot be said.
    """
    found = set()
    for server in ensemble.servers:
        host, _, port = server.rpartition(":")
        host = _IN_CLUSTER.sub(".svc", host).removesuffix(f".{namespace}.svc")
        found.add(f"{host}:{port}")
    return found


def paths(namespace: str, release: str) -> dict[str, str]:
    """Where a release elects in ZooKeeper, by property: on paths of its own, whoever else uses the ensemble."""
    base = f"/alluxio/{namespace}/{release}"
    return {
        f"{_PREFIX}election.path": f"{base}/election",
        f"{_PREFIX}leader.path": f"{base}/leader",
        f"{_PREFIX}job.election.path": f"{base}/job_election",
        f"{_PREFIX}job.leader.path": f"{base}/job_leader",
    }


def of_release(namespace: str, release: str, addresses: Sequence[str]) -> Ensemble | None:
    """What the settings say; None where they have no ZooKeeper."""
    return _ensemble(",".join(addresses), paths(namespace, release)) if addresses else None


def ensemble_of_config(config: Mapping[str, str]) -> Ensemble | None:
    """What a release's ConfigMap tells its masters, whose own options override those of all; None without ZooKeeper."""
    options = (config.get(name) or "" for name in ("ALLUXIO_JAVA_OPTS", "ALLUXIO_MASTER_JAVA_OPTS"))
    found = dict(_DEFAULTS)
    for word in " ".join(options).split():
        if word.startswith(f"-D{_PREFIX}"):
            name, _, value = word.removeprefix("-D").partition("=")
            found[name] = value
    if found.get(f"{_PREFIX}enabled", "").lower() != "true":
        return None
    address = found.get(f"{_PREFIX}address", "")
    return _ensemble(address, found)


def _ensemble(address: str, properties: Mapping[str, str]) -> Ensemble:
    """A directory behind the servers (host:2181/dir) is a part of each path."""
    servers, _, root = address.partition("/")
    above = f"/{root}".rstrip("/")
    names = [name.strip().lower() for name in servers.split(",") if name.strip()]
    return Ensemble(
        tuple(name if name.rpartition(":")[2].isdigit() else name + _PORT for name in names),
        above + properties[f"{_PREFIX}election.path"],
        above + properties[f"{_PREFIX}leader.path"],
    )
