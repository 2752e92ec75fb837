"""Taking workers out of a cache: what is refused, by which of Alluxio's commands it goes, and in which steps. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import cached_blocks, versions
from ansible_collections.alluxops.cache.plugins.module_utils.cached_blocks import CachedFile
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_seconds

Method = Literal["decommission", "free", "stop"]

DECOMMISSIONS_SINCE: Final = (2, 9, 4)
FREES_SINCE: Final = (2, 9, 1)
CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
REFRESH: Final = "alluxio.user.worker.list.refresh.interval"
"""How long clients keep a list of workers: the property, and its default."""
REFRESH_S: Final = 120.0
CONFIRMATION: Final = "alluxio_confirm_remove"


@dataclass(frozen=True)
class Target:
    """A host that shall carry no worker any more.

    listed: it is in cache_workers or new_workers. labelled: its node has the workers' label. worker_pod: of the
    release, on its node. needed: pods on it that only run there, as a master does. unmanaged: pods that nothing would
    make anew elsewhere. others: workers of other caches. exists: whether the cluster has the node. server: the
    release's ZooKeeper server that is there because the host carries a worker. blocks_left: how many files lie in the
    worker's tiers on its disk. uncleaned: a run has noted on the node that nothing on it is needed any more, and was
    not seen to clean it. given: what bootstrap-workers gave to the node and goes with the worker, in words.
    """

    host: str
    node: str
    listed: bool
    exists: bool = True
    labelled: bool = False
    worker_pod: str = ""
    control_plane: bool = False
    server: str = ""
    needed: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    blocks_left: int = 0
    uncleaned: bool = False
    given: tuple[str, ...] = ()

    @property
    def is_removed(self) -> bool:
        """Whether no worker is on it and none will come."""
        return not self.labelled and not self.worker_pod

    @property
    def is_done(self) -> bool:
        """Whether a run before this one has ended."""
        return self.is_removed and not self.uncleaned


@dataclass(frozen=True)
class Worker:
    """A worker that runs; without a host the leader does not count it as live.

    host: its name in the cache. files: what it has blocks of; nothing
    is known of them where it does not answer.
    """

    node: str
    pod: str
    host: str
    capacity_bytes: int
    used_bytes: int
    files: tuple[CachedFile, ...] = ()
    answers: bool = True


@dataclass(frozen=True)
class Wish:
    """What is asked for, of one release. limit: --limit. confirmed: the value of alluxio_confirm_remove.

    loses: hosts whose workers may be unable to say what they hold.
    """

    namespace: str
    release: str
    limit: str
    confirmed: str
    evicts: bool = False
    loses: str = ""
    drain: bool = False
    leave: bool = False


@dataclass(frozen=True)
class Plan:
    """copies: worker's node -> the files that it takes. shown: the steps for a person; empty when nothing is left."""

    method: Method
    copies: Mapping[str, tuple[CachedFile, ...]]
    shown: tuple[str, ...]


def method_of(version: str) -> Method:
    """What this version of Alluxio offers to take a worker out of service."""
    found = versions.numbers(version) or (0, 0, 0)
    if found >= DECOMMISSIONS_SINCE:
        return "decommission"
    return "free" if found >= FREES_SINCE else "stop"


def refuse(
    targets: Sequence[Target],
    staying: Sequence[str],
    wish: Wish,
    others: Sequence[SettingsError] = (),
) -> None:
    """Raise what is wrong with the wish, all of it at once.

    staying: nodes of the workers that go on serving. others: what else was found against it, as of removal_hosts.
    """
    faults = [
        *_unnamed(sorted(target.host for target in targets), wish),
        *_wrong_hosts(targets, wish),
        *_held(targets, wish),
        *others,
    ]
    if wish.limit and not staying and any(not target.is_removed for target in targets):
        faults.append(
            SettingsError(
                f"no worker of {wish.release} would be left that serves.",
                "A cache without workers serves nothing.",
                "name fewer hosts, or wait until other workers serve; `alluxops uninstall` removes the whole cache.",
            )
        )
    if faults:
        raise ManySettingsErrors(faults)


def refuse_unnamed(hosts: Sequence[str], wish: Wish) -> None:
    """Raise SettingsError where these hosts are not all named and confirmed: none of them is looked at then."""
    for fault in _unnamed(hosts, wish):
        raise fault


def _unnamed(hosts: Sequence[str], wish: Wish) -> list[SettingsError]:
    if not wish.limit:
        return [
            SettingsError(
                "remove-workers runs without --limit.",
                "It would take every host of the inventory.",
                f"name the hosts: --limit HOST -e {CONFIRMATION}=HOST",
            )
        ]
    named = sorted(_names(wish.confirmed))
    if named == hosts:
        return []
    return [
        SettingsError(
            f"{CONFIRMATION} is {wish.confirmed!r}, and --limit {wish.limit} means {', '.join(hosts)}.",
            "What a worker has cached goes with it, so the hosts are confirmed by name.",
            f"run once with -e {CONFIRMATION}={','.join(hosts)}, if that is meant.",
        )
    ]


def _names(text: str) -> set[str]:
    return {name.strip() for name in text.split(",") if name.strip()}


def refuse_unknown(targets: Sequence[Target], leaving: Sequence[Worker], wish: Wish) -> None:
    """Raise SettingsError where a worker that is to go cannot say what it holds, unless its loss is meant.

    Without label, pod and note the blocks on its disk are all that is known: they may have been copied, or not.
    """
    answering = {worker.node for worker in leaving if worker.answers}
    dumb = [
        one.host
        for one in targets
        if (one.labelled and one.node not in answering) or (one.is_done and one.blocks_left)
    ]
    lost = sorted(set(dumb) - _names(wish.loses))
    if lost:
        raise SettingsError(
            f"no worker answers on {', '.join(lost)} (remove_workers_loses is {wish.loses!r}).",
            "What it holds is not known: files that are pinned or in no under store may be among it. Its directories"
            " are deleted.",
            f"bring it back (`kubectl -n {wish.namespace} get pods -o wide`) and run it again; or, if all that it holds"
            f" may be lost, run once with -e remove_workers_loses={','.join(sorted(dumb))}.",
        )


def _wrong_hosts(targets: Sequence[Target], wish: Wish) -> list[SettingsError]:
    return [
        SettingsError(
            f"{target.host} is no worker of {wish.release}.",
            "It is in neither cache_workers nor new_workers, and its node carries no worker.",
            "see `alluxops status` for the workers; alluxio_node_name says which node a host is.",
        )
        for target in targets
        if wish.limit and not target.listed and target.is_done
    ]


def _held(targets: Sequence[Target], wish: Wish) -> list[SettingsError]:
    """What needs the host as it is, cannot be drained, or may not leave the cluster."""
    faults = [
        SettingsError(
            f"{target.server} runs on {target.host}.",
            "The servers of ZooKeeper stand on the first hosts of cache_masters and cache_workers, and keep their data"
            " there: without this host in the inventory, one would move.",
            "put the host into cache_masters too, or remove workers behind it.",
        )
        for target in targets
        if target.server
    ]
    what = "remove_workers_leave_cluster" if wish.leave else "remove_workers_drain"
    for target in targets if wish.leave or wish.drain else ():
        if target.needed:
            faults.append(
                SettingsError(
                    f"{what} is true, and {', '.join(target.needed)} runs on {target.host}.",
                    "It keeps its data on this node and would start nowhere else.",
                    "move it first (`alluxops scale-masters` takes a master away), or leave the variable out.",
                )
            )
        if target.others:
            faults.append(
                SettingsError(
                    f"{what} is true, and {', '.join(target.others)} on {target.host} is another cache's worker.",
                    "A drain passes over it, and what only it holds would go with the node.",
                    "run `alluxops remove-workers` with that cache's inventory first, or leave the variable out.",
                )
            )
        if target.unmanaged:
            faults.append(
                SettingsError(
                    f"{what} is true, and {', '.join(target.unmanaged)} on {target.host} belongs to no controller.",
                    "Evicted, it would be gone for good.",
                    "delete or move it yourself, or leave the variable out.",
                )
            )
    return faults


def check_capacity(leaving: Sequence[Worker], staying: Sequence[Worker], wish: Wish) -> None:
    """Raise SettingsError where what is cached would not fit on the workers that stay, unless that is meant."""
    used = sum(worker.used_bytes for worker in (*leaving, *staying))
    capacity = sum(worker.capacity_bytes for worker in staying)
    if used > capacity and not wish.evicts:
        raise SettingsError(
            f"{used} bytes are cached, and the workers that stay hold {capacity}.",
            "What does not fit is evicted and read from the under store again, slowly.",
            "free what is not needed, add a worker, or run with -e remove_workers_evicts=true if that is meant.",
        )


def copies(
    leaving: Sequence[Worker], staying: Sequence[Worker]
) -> dict[str, tuple[CachedFile, ...]]:
    """Who takes which of the files that must not be lost. Raises SettingsError where one fits nowhere."""
    files = cached_blocks.only_here(
        [worker.files for worker in leaving], [worker.files for worker in staying]
    )
    rooms = {
        worker.node: cached_blocks.room(worker.capacity_bytes, worker.files) for worker in staying
    }
    return cached_blocks.assign(files, rooms) if files else {}


def plan(
    targets: Sequence[Target],
    leaving: Sequence[Worker],
    staying: Sequence[Worker],
    wish: Wish,
    version: str,
) -> Plan:
    """The steps that are left. Raises SettingsError where they would lose or crowd out what is cached."""
    going = [target for target in targets if not target.is_removed]
    refuse_unknown(targets, leaving, wish)
    if going:
        check_capacity(leaving, staying, wish)
    taken = copies(leaving, staying) if going else {}
    refuse_stranded([one for files in taken.values() for one in files], leaving, wish.namespace)
    way = method_of(version)
    return Plan(way, taken, tuple(_shown(targets, leaving, taken, way, wish)))


def _shown(
    targets: Sequence[Target],
    leaving: Sequence[Worker],
    taken: Mapping[str, tuple[CachedFile, ...]],
    way: Method,
    wish: Wish,
) -> list[str]:
    nodes = [target.node for target in targets if not target.is_removed]
    steps: list[str] = []
    present = [target.node for target in targets if target.exists]
    if (wish.drain or wish.leave) and (nodes or (wish.leave and present)):
        steps.append(f"cordon and drain {', '.join(present)}")
    for node, files in sorted(taken.items()):
        steps.append(f"copy {cached_blocks.told(files)} that must not be lost to {node}")
    live = ", ".join(worker.node for worker in leaving if worker.host)
    if live and way == "decommission":
        steps.append(f"decommission {live}, and wait until clients have heard and it is idle")
    if live and way == "free":
        steps.append(f"free the blocks of {live}")
    if nodes:
        steps.append(f"take the label from {', '.join(nodes)}; its pods end")
    steps += [
        f"take from {target.node} what bootstrap-workers gave it: {', '.join(target.given)}"
        for target in targets
        if target.given
    ]
    unclean = [target.node for target in targets if not target.is_done or target.blocks_left]
    if unclean:
        steps.append(f"clean {', '.join(unclean)}: dead FUSE mounts, the worker's directories")
    if wish.leave and present:
        steps.append(f"take {', '.join(present)} out of the cluster")
    return [f"{number}. {step}" for number, step in enumerate(steps, 1)]


def inventory_lines(hosts: Sequence[str], removed: Sequence[str]) -> list[str]:
    """What to write into the inventory, so that `site` does not put the workers back. hosts: those of cache_workers."""
    stay = [host for host in hosts if host not in removed]
    return [f"cache_workers: {', '.join(stay)}"] if len(stay) < len(hosts) else []


def as_dict(found: Plan) -> dict[str, Any]:
    """Plain values for a task's result."""
    return {
        "method": found.method,
        "shown": list(found.shown),
        "copies": {node: [one.path for one in files] for node, files in found.copies.items()},
    }


def retiring(way: Method, hosts: Sequence[str]) -> str:
    """The shell text that takes workers out of service. hosts: their names in the cache.

    A decommissioned worker serves on what has begun; the command waits as long as clients keep a list of workers
    (alluxio.user.worker.list.refresh.interval). The rest of the wait is ours: --wait 1s.
    """
    names = [shlex.quote(host) for host in hosts]
    if way == "decommission":
        return f"alluxio fsadmin decommissionWorker --addresses {','.join(names)} --wait 1s\n"
    return "set -e\n" + "".join(f"alluxio fs freeWorker {name}\n" for name in names)


def refresh_s(text: str) -> float:
    """Seconds of REFRESH as Alluxio writes times, such as 2min; its default where the text says none."""
    times = [alluxio_seconds(line) for line in text.splitlines()]
    found = [time for time in times if time is not None]
    return found[-1] if found else REFRESH_S


def refuse_stranded(files: Sequence[CachedFile], leaving: Sequence[Worker], namespace: str) -> None:
    """Raise SettingsError for a file that nobody can read any more: its only worker is out of service already."""
    reachable = {one.path for worker in leaving if worker.host for one in worker.files}
    stranded = [one for one in files if not one.is_persisted and one.path not in reachable]
    if not stranded:
        return
    path = stranded[0].path
    holder = next(w.pod for w in leaving if any(one.path == path for one in w.files))
    raise SettingsError(
        f"{path} is in no under store, and only on {holder}, which is out of service.",
        "It was written while the worker was being retired. Nothing of it was deleted.",
        f"end its process, and it comes back with what it has: `kubectl -n {namespace} exec {holder} -c"
        " alluxio-worker -- kill 1`; stop the writer, and run it again.",
    )
