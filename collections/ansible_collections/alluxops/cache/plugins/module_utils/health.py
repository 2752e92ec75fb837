"""Whether a cache serves: pods, the leader, its workers. One judgement, used while waiting, by status and by verify.

Pure functions over the API's JSON (as cluster.pod_facts reads it) and the leader's /api/v1/master/info.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (
    MASTER_ROLE,
    WORKER_ROLE,
    is_ready,
    ready_text,
)
from ansible_collections.alluxops.cache.plugins.module_utils.verification import unfinished

Json = dict[str, Any]

STALE_CONTACT_S = 30
"""A worker that the leader has not heard of for this long does not count as registered."""

FORGET_S = 60
"""How long a leader that still names workers that are gone is waited for; our settings make it forget them in 30 s."""

COUNTED_SHARE = 0.5
"""A worker's counters may miss the last part of a stream, which is up to 1 MiB: 64 KiB and 1 MiB of 4 MiB were seen.

That every byte arrived, the digest tells; the counters only tell which way most of them took.
"""

ROOM = 0.9
"""Of a worker's space, what may be filled: it evicts before it is full, and what it evicts may be somebody's."""

MASTER_INFO = "/api/v1/master/info"
METRICS = "/metrics/json/"
NEEDED_PATHS = (MASTER_INFO, METRICS)
"""What the leader's web port must answer: status and health are read from the one, monitoring reads the other."""


@dataclass(frozen=True)
class Worker:
    """A worker as the leader knows it. host: its name in the cache; hosts: every address it goes by; sizes in bytes."""

    host: str
    hosts: frozenset[str]
    capacity_bytes: int
    used_bytes: int
    last_contact_s: int
    state: str
    tier_bytes: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Leader:
    """The master that serves. version: Alluxio's own."""

    pod: str
    version: str
    workers: tuple[Worker, ...]
    lost_workers: tuple[str, ...]

    @cached_property
    def heard_of(self) -> Mapping[str, tuple[int, Worker]]:
        """By address, the first worker of that address that it heard of lately, and its place in the list.

        Made once: looking each of some thousand pods up in a list as long takes seconds.
        """
        found: dict[str, tuple[int, Worker]] = {}
        for place, worker in enumerate(self.workers):
            if worker.last_contact_s <= STALE_CONTACT_S:
                for address in worker.hosts:
                    found.setdefault(address, (place, worker))
        return found

    @cached_property
    def by_host(self) -> Mapping[str, list[Worker]]:
        """The workers it counts as live, by their name in the cache: several where a node's pod was made anew."""
        found: dict[str, list[Worker]] = {}
        for worker in self.workers:
            found.setdefault(worker.host, []).append(worker)
        return found


def parse_leader(pod: str, body: str | None) -> Leader | None:
    """The leader from what a master's web API answered; None when the answer is not a serving master's."""
    if not body:
        return None
    try:
        info = json.loads(body)
        workers = tuple(_worker(entry) for entry in info["workers"])
        lost = tuple(str(entry["address"]["host"]) for entry in info.get("lostWorkers") or [])
        return Leader(pod, str(info["version"]), workers, lost)
    except (ValueError, KeyError, TypeError):
        return None


def _worker(entry: Mapping[str, Any]) -> Worker:
    address = entry["address"]
    hosts = {str(address.get(key) or "") for key in ("host", "containerHost")} - {""}
    return Worker(
        host=str(address.get("host") or ""),
        hosts=frozenset(hosts),
        capacity_bytes=int(entry.get("capacityBytes", 0)),
        used_bytes=int(entry.get("usedBytes", 0)),
        last_contact_s=int(entry.get("lastContactSec", 0)),
        state=str(entry.get("state", "")),
        tier_bytes={
            str(tier): int(size) for tier, size in (entry.get("capacityBytesOnTiers") or {}).items()
        },
    )


def tier_bytes(workers: Iterable[Worker]) -> dict[str, int]:
    """What the workers can hold together, by the name of the tier."""
    found: Counter[str] = Counter()
    for worker in workers:
        found.update(worker.tier_bytes)
    return dict(found)


def registered(pod: Mapping[str, Any], leader: Leader | None) -> Worker | None:
    """The leader's entry of a worker pod, when it heard of it lately; else None. That of an earlier pod is none."""
    if leader is None:
        return None
    addresses = {pod["host_ip"], pod["pod_ip"], pod["node"], pod["name"]} - {""}
    known = (leader.heard_of[address] for address in addresses & leader.heard_of.keys())
    own = [item for item in known if not _is_another(pod, item[1])]
    return min(own, key=lambda item: item[0])[1] if own else None


def has_ghost(pod: Mapping[str, Any], leader: Leader | None) -> bool:
    """Whether the leader still counts a worker as live that an earlier pod of this one's node was."""
    hosts = leader.by_host if leader is not None else {}
    known = (one for name in ("host_ip", "node") for one in hosts.get(pod[name], ()))
    return any(_is_another(pod, one) for one in known)


def _is_another(pod: Mapping[str, Any], worker: Worker) -> bool:
    """Whether a worker of the pod's node ran in another pod, by its container's address, where it has one."""
    own = worker.hosts - {worker.host}
    return bool(own) and own.isdisjoint({pod["pod_ip"], pod["name"]})


def serving_workers(seen: Seen) -> list[Mapping[str, Any]]:
    """The workers' pods (pod_facts) that are ready and that the leader heard of lately."""
    return [
        pod for pod in seen.of_role(WORKER_ROLE) if is_ready(pod) and registered(pod, seen.leader)
    ]


@dataclass(frozen=True)
class Expected:
    """What the cache should look like. workers: node names; masters: how many."""

    masters: int
    workers: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """One look at the cache.

    pods: pod_facts of the release. masters_set, workers_set: workload_facts, or None. reasons: why a pod is not ready,
    or a set makes none, by name, where that was looked for.
    """

    pods: Sequence[Mapping[str, Any]]
    leader: Leader | None
    masters_set: Mapping[str, Any] | None = None
    workers_set: Mapping[str, Any] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether anything of the release is in the cluster."""
        return bool(self.pods) or self.masters_set is not None or self.workers_set is not None

    def of_role(self, role: str) -> list[Mapping[str, Any]]:
        """Pods of a role that are not on their way out, by name."""
        return list(self._by_role.get(role, ()))

    @cached_property
    def _by_role(self) -> Mapping[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for pod in sorted(self.pods, key=lambda pod: str(pod["name"])):
            if not pod["terminating"]:
                found.setdefault(str(pod["role"]), []).append(pod)
        return found


def awaited(seen: Seen, expected: Expected) -> list[str]:
    """What is still missing until the cache serves, most fundamental first; empty when it serves."""
    missing = _awaited_sets(seen)
    masters = seen.of_role(MASTER_ROLE)
    ready = sum(1 for pod in masters if is_ready(pod))
    if ready < expected.masters:
        not_ready = [f"{pod['name']} {ready_text(pod)}" for pod in masters if not is_ready(pod)]
        missing.append(f"masters {ready}/{expected.masters} ready" + _listed(not_ready))
    by_node = {pod["node"]: pod for pod in seen.of_role(WORKER_ROLE)}
    waiting = []
    for node in expected.workers:
        pod = by_node.get(node)
        if pod is None:
            waiting.append(f"{node} has no worker")
        elif not is_ready(pod):
            waiting.append(f"{node} {ready_text(pod)}")
    if waiting:
        count = len(expected.workers) - len(waiting)
        missing.append(f"workers {count}/{len(expected.workers)} ready" + _listed(waiting))
    if seen.leader is None:
        missing.append("no master serves yet")
        return missing
    absent = [
        node
        for node in expected.workers
        if node in by_node
        and is_ready(by_node[node])
        and registered(by_node[node], seen.leader) is None
    ]
    if absent:
        missing.append("not registered with the leader: " + ", ".join(absent))
    return missing


def ghosts(seen: Seen) -> list[str]:
    """Container addresses of workers that the leader counts as live and no pod has any more.

    A pod that was made anew on the same node registers as another worker; clients are sent to the old one until the
    leader forgets it (alluxio.master.worker.timeout). That passes by itself, so it is waited for, but is no illness.
    """
    if seen.leader is None:
        return []
    pods = seen.of_role(WORKER_ROLE)
    alive = {str(pod[key]) for pod in pods for key in ("pod_ip", "host_ip", "node", "name")}
    named = {host for worker in seen.leader.workers for host in worker.hosts - {worker.host}}
    return sorted(named - alive)


def ghosts_told(gone: Sequence[str]) -> list[str]:
    """That the leader still names workers that are gone, in words; empty for none."""
    return [f"the leader still names workers that are gone: {', '.join(gone)}"] if gone else []


def _awaited_sets(seen: Seen) -> list[str]:
    """Whether Kubernetes still replaces pods of an older revision."""
    sets = (seen.masters_set, seen.workers_set)
    return [
        f"{item['name']} is being updated"
        for item in sets
        if item is not None and not item["settled"]
    ]


def _listed(items: Sequence[str]) -> str:
    if not items:
        return ""
    shown = ", ".join(items[:3])
    return f" ({shown}{', ...' if len(items) > 3 else ''})"


def problems(seen: Seen, expected: Expected) -> list[str]:
    """What is wrong with a cache that should serve, as sentences; empty when it is healthy."""
    if not seen.is_installed:
        return ["it is not installed; `alluxops site` installs it."]
    found = [f"{item}." for item in awaited(seen, expected)]
    if seen.leader is not None and seen.leader.lost_workers:
        # One whose node has a registered worker again is the pod that this one replaced: it stays listed as lost.
        known = {
            address
            for pod in seen.of_role(WORKER_ROLE)
            if registered(pod, seen.leader) is None
            for address in (pod["host_ip"], pod["pod_ip"])
        }
        gone = [host for host in seen.leader.lost_workers if host in known]
        if gone and not any("registered" in item for item in found):
            found.append(f"the leader has lost workers: {', '.join(gone)}.")
    return found


def report(
    identity: Mapping[str, Any],
    seen: Seen,
    expected: Expected,
    endpoints: Sequence[str],
    verify: Mapping[str, Any] | None,
    quorum: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Json:
    """The structured report of a cache.

    identity: {release, namespace, root_ufs, journals, cluster: {version, platform, nodes}}; sizes are bytes,
    ready is kubectl's column, reason why that is not full. quorum: of an embedded journal, as quorum.as_dict() has it;
    None for other journals, and where nobody leads. notes: what is worth saying and is no problem.
    """
    leader = seen.leader
    masters = [
        {
            "pod": pod["name"],
            "node": pod["node"],
            "ready": ready_text(pod),
            "role": "leader" if leader is not None and pod["name"] == leader.pod else "standby",
            "reason": seen.reasons.get(pod["name"], ""),
        }
        for pod in seen.of_role(MASTER_ROLE)
    ]
    workers = []
    for pod in seen.of_role(WORKER_ROLE):
        entry = registered(pod, leader)
        workers.append(
            {
                "pod": pod["name"],
                "node": pod["node"],
                "ready": ready_text(pod),
                "registered": entry is not None,
                "capacity_bytes": entry.capacity_bytes if entry else 0,
                "used_bytes": entry.used_bytes if entry else 0,
                "reason": seen.reasons.get(pod["name"], ""),
            }
        )
    found = problems(seen, expected)
    found += [f"{name}: {why.rstrip('.')}." for name, why in sorted(seen.reasons.items()) if found]
    found += verify_problems(verify)
    if quorum and not quorum["healthy"]:
        found.append(f"the quorum is not whole: {quorum['shown']}.")
    passing = [
        f"{words}. Clients of their nodes fail until it forgets them (alluxio.master.worker.timeout)."
        for words in ghosts_told(ghosts(seen))
    ]
    return {
        **identity,
        "version": leader.version if leader else "",
        "wanted": {"masters": expected.masters, "workers": len(expected.workers)},
        "masters": masters,
        "quorum": dict(quorum) if quorum else None,
        "workers": workers,
        "endpoints": list(endpoints),
        "verify": dict(verify) if verify else None,
        "healthy": not found,
        "problems": found,
        "notes": [*notes, *passing],
    }


def _uncounted(write_read: Mapping[str, Any]) -> list[str]:
    """Bytes that were read and that no worker counted, as sentences.

    A file that only the under store has is counted by a worker that is alone too. What it reads of its own cache it may
    not count: a client beside it opens the blocks itself.
    """
    found = []
    size = write_read["size_bytes"]
    alone = write_read["writer"] == write_read["reader"]
    if not alone and write_read["bytes_remote"] < COUNTED_SHARE * size:
        found.append(
            f"{write_read['reader']} read {size} bytes, but {write_read['writer']} served"
            f" {write_read['bytes_remote']} of them."
        )
    if write_read["persisted"] and write_read["bytes_ufs"] < COUNTED_SHARE * size:
        found.append(
            f"{write_read['reader']} read {write_read['bytes_ufs']} of {size} bytes from the under store."
        )
    return found


def verify_problems(verify: Mapping[str, Any] | None) -> list[str]:
    """Proofs that failed, as sentences."""
    found = []
    verify = verify or {}
    tests = verify.get("run_tests")
    if tests and tests["passed"] < tests["total"]:
        cause = tests.get("cause", "")
        found.append(f"runTests: {tests['passed']} of {tests['total']} passed. {cause}".rstrip())
    write_read = verify.get("write_read")
    if write_read and not write_read["digest_equal"]:
        found.append(
            f"{write_read['reader']} read something else than {write_read['writer']} wrote."
        )
    if write_read:
        found += _uncounted(write_read)
    if "endpoints" in verify:
        silent = [path for path in NEEDED_PATHS if path not in verify["endpoints"]]
        if silent:
            found.append(f"the leader's web port does not answer {' '.join(silent)}.")
    consistency = verify.get("consistency")
    if consistency and consistency.get("required", True) and (words := unfinished(consistency)):
        found.append(f"{words}; set verify_consistency_path to a smaller path.")
    if consistency and consistency["inconsistent"] and consistency.get("required", True):
        paths = consistency["inconsistent"]
        count = f"{len(paths)} path{'s' if len(paths) > 1 else ''}"
        differ = "differ" if len(paths) > 1 else "differs"
        found.append(
            f"{count} under {consistency['path']} {differ} from the under store{_listed(paths)}."
        )
    return found
