"""A release whose workers are to go, as the cluster shows it, and the commands that copy their blocks. I/O only."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cached_blocks,
    cluster,
    health,
    node_labels,
    node_marks,
    removal,
    removal_hosts,
)
from ansible_collections.alluxops.cache.plugins.module_utils.cached_blocks import CachedFile
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust, evictions
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Options
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import (
    WORKER_WEB_PORT,
    run_limited,
)

LOST: Final = "LOST"
OPERATIONS: Final = "/api/v1/worker/operations"
FILES_AT_A_TIME: Final = 20
"""Files that one command in a pod copies: each costs the start of a Java machine, and all share its time limit."""


class Removal:
    """One look at a release and at the hosts that shall carry no worker of it."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self.kube = kube
        self.namespace: str = options["namespace"]
        self.release: str = options["release"]
        self.timeout_s = int(options["wait_timeout_s"])
        self.hosts = {host: name or host for host, name in options["hosts"].items()}
        self.names = sorted(self.hosts.values())
        self.seen = objects.look_at_installed(kube, self.namespace, self.release)

    def targets(
        self,
        listed: Sequence[str],
        masters: Sequence[str],
        settings: node_marks.Given,
        *,
        with_pods: bool,
    ) -> list[removal.Target]:
        """The hosts. listed, masters: those in the groups. with_pods: whether to look at all that runs on them.

        settings: what bootstrap-workers gives to nodes by the settings.
        """
        nodes = {item["metadata"]["name"]: item for item in self.nodes}
        key = node_labels.worker_key(self.namespace, self.release)
        # Those on their way out too: as long as one is there, the worker is not gone.
        pods = {pod["node"]: pod for pod in self.seen.pods if pod["role"] == cluster.WORKER_ROLE}
        servers = {
            cluster.node_of(pod): str(pod["metadata"]["name"])
            for pod in objects.ensemble_pods(self.kube, self.namespace, self.release)
        }
        running_on = evictions.pods_on(
            self.kube, [name for name in self.names if with_pods and name in nodes]
        )
        found = []
        for host, name in sorted(self.hosts.items()):
            node, running = nodes.get(name), running_on.get(name, [])
            found.append(
                removal.Target(
                    host=host,
                    node=name,
                    listed=host in listed,
                    exists=node is not None,
                    labelled=node is not None and node_labels.carries(node, key),
                    worker_pod=str(pods[name]["name"]) if name in pods else "",
                    control_plane=node is not None
                    and removal.CONTROL_PLANE in (node["metadata"].get("labels") or {}),
                    server="" if host in masters else servers.get(name, ""),
                    needed=tuple(evictions.bound_here(running)),
                    unmanaged=tuple(evictions.unmanaged(running)),
                    others=tuple(
                        evictions.names(
                            evictions.other_workers(running, self.namespace, self.release)
                        )
                    ),
                    uncleaned=node is not None and node_marks.is_uncleaned(node, key),
                    given=node_marks.going(node, key, settings).words if node else (),
                )
            )
        return found

    @cached_property
    def nodes(self) -> list[Json]:
        """The nodes of the cluster."""
        found: list[Json] = self.kube.list_objects(objects.node())
        return found

    def against(
        self,
        targets: Sequence[removal.Target],
        looks: Mapping[str, Mapping[str, Any]],
        kubeconfig: str,
        *,
        leave: bool,
    ) -> list[SettingsError]:
        """The hosts that are not the nodes they should be. looks: what node_check said of each."""
        machines = {str(item["metadata"]["name"]): cluster.machine_id(item) for item in self.nodes}
        memberships = {host: look.get("membership") or {} for host, look in looks.items()}
        authorities = cluster_trust.read(self.kube, kubeconfig).authorities
        return removal_hosts.faults(targets, memberships, machines, authorities, leave=leave)

    def leaving(self, *, with_files: bool = True) -> list[removal.Worker]:
        """The workers on the hosts whose pods run. One that the leader does not count as live has no name."""
        return [
            self._worker(pod, with_files=with_files)
            for pod in self.seen.of_role(cluster.WORKER_ROLE)
            if pod["node"] in self.names and pod["phase"] == "Running"
        ]

    def staying(self, *, with_files: bool) -> list[removal.Worker]:
        """The workers on other nodes that serve."""
        return [
            self._worker(pod, with_files=with_files)
            for pod in health.serving_workers(self.seen)
            if pod["node"] not in self.names
        ]

    def workers(self) -> tuple[list[removal.Worker], list[removal.Worker]]:
        """Those that leave, and those that stay; of these the files are read only where a copy may be needed."""
        leaving = self.leaving()
        needed = any(one.must_stay for worker in leaving for one in worker.files)
        return leaving, self.staying(with_files=needed)

    def measured(self, workers: Sequence[removal.Worker]) -> list[removal.Worker]:
        """The workers with how full each is by its own account: the leader's is up to 10 s old."""
        told = [
            cached_blocks.parse_used(self.http(self._pod(worker.pod), cached_blocks.INFO))
            for worker in workers
        ]
        return [
            worker if used is None else replace(worker, used_bytes=used)
            for worker, used in zip(workers, told, strict=True)
        ]

    def _worker(self, pod: Mapping[str, object], *, with_files: bool) -> removal.Worker:
        entry = health.registered(pod, self.seen.leader)
        files = self._files(pod, is_live=entry is not None) if with_files else ()
        return removal.Worker(
            node=str(pod["node"]),
            pod=str(pod["name"]),
            host=entry.host if entry else "",
            capacity_bytes=entry.capacity_bytes if entry else 0,
            used_bytes=entry.used_bytes if entry else 0,
            files=files or (),
            answers=files is not None,
        )

    def _files(self, pod: Mapping[str, object], *, is_live: bool) -> tuple[CachedFile, ...] | None:
        """What a worker has blocks of; None of one that neither answers nor counts as live: nobody can tell."""
        found: list[CachedFile] = []
        while True:
            query = f"?offset={len(found)}&limit={cached_blocks.PAGE_FILES}"
            body = self.http(pod, cached_blocks.PAGE + query)
            if body is None and not is_live:
                return None
            total, files = cached_blocks.parse_page(body)
            found += files
            if not files or len(found) >= total:
                return tuple(found)

    def http(self, pod: Mapping[str, object], path: str) -> str | None:
        """A page of a worker."""
        port = int(str(pod.get("web_port") or WORKER_WEB_PORT))
        return self.kube.pod_http(self.namespace, str(pod["name"]), port, path)

    def _pod(self, name: str) -> Mapping[str, Any]:
        return next(pod for pod in self.seen.pods if pod["name"] == name)

    def answers(self, worker: removal.Worker) -> bool:
        """Whether a worker's own pages are there."""
        return self.http(self._pod(worker.pod), cached_blocks.INFO) is not None

    def is_idle(self, name: str) -> bool:
        """Whether a worker's pod has nothing to do; so has one that is gone, or too old to tell."""
        body = self.http(self._pod(name), OPERATIONS)
        try:
            told = json.loads(body or "{}")
            return not told.get("operationCount") and not told.get("rpcQueueLength")
        except (ValueError, AttributeError):
            return True

    def copy(self, worker: removal.Worker, files: Sequence[CachedFile]) -> str:
        """Bring files into a worker, from the under store, or from the worker that has them.

        One that cannot be copied (it was removed, or is being written) keeps no other from it: who calls looks again.
        Returns what a command that failed said.
        """
        complaint = ""
        for start in range(0, len(files), FILES_AT_A_TIME):
            lines = [self._copy_line(worker, one) for one in files[start : start + FILES_AT_A_TIME]]
            script = "".join([*lines, "exit ${rc:-0}\n"])
            done = self.run(worker.pod, objects.WORKER_CONTAINER, script)
            complaint = last_line(done) if done.returncode else complaint
        return complaint

    @staticmethod
    def _copy_line(worker: removal.Worker, one: CachedFile) -> str:
        """Shell text. A client with the worker's name counts as being beside it, so it is the one that caches."""
        client = f"-Dalluxio.user.hostname={shlex.quote(worker.host)}"
        path = shlex.quote(one.path)
        if one.is_persisted:
            return f"alluxio fs {client} load --local {path} || rc=$?\n"
        reads = "-Dalluxio.user.file.readtype.default=CACHE -Dalluxio.user.file.passive.cache.enabled=true"
        return f"alluxio fs {client} {reads} cat {path} >/dev/null || rc=$?\n"

    def still_counted(self) -> list[str]:
        """The nodes whose workers the leader still counts as live."""
        if self.seen.leader is None:
            return ["them: no master serves"]
        addresses = {
            address: node["name"]
            for node in objects.nodes(self.kube)
            if node["name"] in self.names
            for address in (node["internal_ip"], node["name"])
            if address
        }
        live = [
            addresses[host]
            for worker in self.seen.leader.workers
            for host in worker.hosts
            if host in addresses and worker.state != LOST
        ]
        return sorted(set(live))

    def on_leader(self, script: str) -> ExecResult:
        """Run a script beside the leader."""
        if self.seen.leader is None:
            raise no_leader(self.namespace, self.release)
        return self.run(self.seen.leader.pod, objects.MASTER_CONTAINER, script)

    def run(self, pod: str, container: str, script: str) -> ExecResult:
        """Run a script in a pod, for a limited time there too."""
        return run_limited(self.kube, self.namespace, pod, container, script, self.timeout_s)

    def pods_left(self) -> list[str]:
        """The release's pods on the nodes that go with the label: workers and FUSE."""
        roles = f"role in ({cluster.WORKER_ROLE},{evictions.FUSE_ROLE})"
        pods: list[Json] = self.kube.list_objects(
            objects.core(self.namespace, "pods"), f"release={self.release},{roles}"
        )
        return [str(pod["metadata"]["name"]) for pod in pods if cluster.node_of(pod) in self.names]


def no_leader(namespace: str, release: str) -> SettingsError:
    """Nobody can tell what is cached where."""
    return SettingsError(
        f"no master of {namespace}/{release} serves.",
        "Only the leader knows which workers there are and what is cached where.",
        "see `alluxops status`; run it again once a master leads.",
    )


def last_line(done: ExecResult) -> str:
    """What a command said last, with its exit code."""
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    spoken = [line for line in lines if not line.startswith(("at ", "Picked up", "...", "Caused"))]
    return f"{spoken[-1] if spoken else 'no reason given'} (exit code {done.returncode})"
