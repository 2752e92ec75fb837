"""A benchmark of one cache: its data made, its arms run, its counters read. I/O only; judging is module_utils'."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_epochs,
    benchmark_job,
    benchmark_plan,
    benchmark_proof,
    benchmark_result,
    benchmark_variant,
    cluster,
    dataset_state,
    health,
    verification,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_job import MOUNT, Way
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    Seat,
    Wanted,
    Workload,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import File
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Store
from ansible_collections.alluxops.cache.plugins.plugin_utils import proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_jobs import AT_ONCE, Jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json

PROXY_ROLE: Final = "alluxio-proxy"
PROXY_PORT: Final = 39999
PROXY_S3: Final = "/api/v1/s3"
SEED: Final = 20260101
"""What the files' bytes are made from; another one would be other data below the same names."""
COUNTING_S: Final = 5.0
SETTLING_S: Final = 10.0
FILLS: Final = 3
"""Reads that are to leave all cached, until a run gives up."""


@dataclass(frozen=True)
class Bench:
    """One run of the verb. cache: what knows the files; seats: where readers run."""

    cache: DatasetCache
    jobs: Jobs
    wanted: Wanted
    store: Store
    seats: tuple[Seat, ...]
    has_domain: bool
    user: str

    @property
    def nodes(self) -> list[str]:
        """Where readers run, by name: which files a reader has follows from its node's place in here."""
        return [seat.node for seat in self.seats]

    @property
    def top(self) -> str:
        """Below which all keys of a benchmark are."""
        return benchmark_plan.top_of(self.store)

    def state_of(self, workload: Workload, *, begins: bool) -> str:
        """`whole`, `begun` or `absent`. begins: whether the directory is marked as ours. Raises SettingsError."""
        task = {**self._stored(workload, "look"), "begins": begins}
        [found] = self.jobs.do(task, self.nodes[:1], f"{workload.name}: a look at the store")
        if found["state"] == "foreign":
            raise SettingsError(
                f"s3://{self.store.bucket}/{found['key']} is there, and no benchmark has made it.",
                "The benchmark writes its files there, and touches nothing that is not its own.",
                "move it, or name the workload otherwise.",
            )
        return str(found["state"])

    def make(self, workload: Workload) -> None:
        """Have the store hold a workload's files; those that are there already stay."""
        what = f"{workload.name}: {workload} to be made"
        self.state_of(workload, begins=True)
        self.jobs.do(
            self._stored(workload, "make"), self.nodes, what, bytes_read=workload.total_bytes
        )
        self.jobs.do(self._stored(workload, "seal"), self.nodes[:1], f"{what}, counted")

    def remove(self, *, counts_only: bool) -> Json:
        """Remove from the store what benchmarks have made, and have the cache forget what is gone; or only count it."""
        task = {**self._asking(), "task": "remove", "top": self.top, "counts_only": counts_only}
        if counts_only:
            [found] = self.jobs.do(task, self.nodes[:1], "the benchmark's files to be counted")
            return found
        with at_the_end(partial(self.cache.files_anew, f"/{benchmark_plan.FOLDER}")):
            [found] = self.jobs.do(task, self.nodes[:1], "the benchmark's files to be removed")
        return found

    def workload(self, workload: Workload, arms: Sequence[str], measured: Measured | None) -> Json:
        """All arms of a workload, each so often, and nothing of it cached at the end. measured: by `network`.

        What has been measured by then is not lost with what cannot be freed: that is told in it.
        """
        path = f"/{benchmark_plan.FOLDER}/{workload.folder}"
        whole = [one for one in _own(self.cache.files_anew(path)) if one.bytes == workload.bytes]
        if len(whole) != workload.files:
            raise CacheError(
                f"the cache knows of {len(whole)} of {workload.files} files below {path}.",
                "They are in the store, as the benchmark has counted them there.",
                "see that the mount of the root shows what is new there; run it again.",
            )
        found: list[Json] = []
        not_freed = ""
        try:
            with at_the_end(partial(self.cache.free, path, workload.name, forgets=True)):
                for arm in arms:
                    runs = [
                        self._run(workload, path, arm, number) for number in range(self.wanted.runs)
                    ]
                    endpoint = self._endpoint_of(arm)
                    found.append(benchmark_epochs.arm_of(arm, runs, self.nodes, measured, endpoint))
        except CacheError as error:
            if len(found) < len(arms):
                raise
            not_freed = error.what.rstrip(".")
        return {**benchmark_epochs.workload_of(workload, found), "not_freed": not_freed}

    def workloads(self, arms: Sequence[str], measured: Measured | None) -> list[Json]:
        """All workloads; none after one that could not be freed, as nobody knows then that the next has room."""
        found: list[Json] = []
        for one in self.wanted.workloads:
            found.append(self.workload(one, arms, measured))
            if found[-1]["not_freed"]:
                break
        return found

    def _endpoint_of(self, arm: str) -> str:
        """By which address an arm's bytes come from the store."""
        is_slow = arm == benchmark_plan.SLOW
        return self.wanted.slow_endpoint if is_slow else self.store.endpoint

    def _run(self, workload: Workload, path: str, arm: str, number: int) -> list[Json]:
        """One run, an entry an epoch."""
        what = f"{workload.name}, {arm}, run {number + 1} of {self.wanted.runs}"
        if arm == benchmark_plan.COLD:
            self.cache.free(path, workload.name, forgets=True)
        elif benchmark_plan.base(arm) in benchmark_plan.WARM:
            self._fill(workload, path)
        seen: list[dict[str, int]] = []

        def look() -> None:
            # First when all have warmed up, as workers count that too.
            size = workload.total_bytes
            seen.append(self._settled(arm, seen[-1], size) if seen else self._counters())

        task, way = self._reading(workload, arm)
        readers = self._read(workload, task, way, what, look)
        look()
        keeping = benchmark_job.keeping(self.jobs.values, way) if way.fuse else ()
        return [
            benchmark_result.run_of(
                arm,
                [one["epochs"][epoch] for one in readers],
                verification.counted(before, after),
                workload,
                keeping if epoch else (),
            )
            for epoch, (before, after) in enumerate(pairwise(seen))
        ]

    def _fill(self, workload: Workload, path: str) -> None:
        """Have each worker hold what its node's reader reads, where it does not yet."""
        for _ in range(FILLS):
            if self._is_cached(path):
                return
            task, way = self._reading(workload, benchmark_plan.COLD)
            self._read(workload, task, way, f"{workload.name}: to be cached")
            # What was not read in one go a worker caches by itself, a moment later.
            patience = Patience(SETTLING_S)
            while not (self._is_cached(path) or patience.is_over):
                patience.pause(f"{workload.name}: what was read to be cached", 0.5)
        if not self._is_cached(path):
            totals = dataset_state.totals(_own(self.cache.known_files(path)))
            raise CacheError(
                f"{workload.name} does not stay in the cache: {totals} are there after {FILLS} reads.",
                "Others need the space, or workers do not keep what they read.",
                "see `alluxops status`; make the workload smaller.",
            )

    def _is_cached(self, path: str) -> bool:
        return dataset_state.totals(_own(self.cache.known_files(path))).is_loaded

    def _read(
        self,
        workload: Workload,
        task: Json,
        way: Way,
        what: str,
        all_ready: Callable[[], None] = lambda: None,
    ) -> list[Json]:
        return self.jobs.do(
            task,
            self.nodes,
            what,
            way=way,
            epochs=task["epochs"],
            all_ready=all_ready,
            bytes_read=workload.total_bytes,
        )

    def _reading(self, workload: Workload, arm: str) -> tuple[Json, Way]:
        """(the task of an arm's readers, how they reach the files)."""
        task: Json = {
            **self._stored(workload, "read"),
            "way": "objects",
            "shift": 0,
            "wait_s": self.jobs.timeout_s,
            "epochs": self.wanted.epochs_of(arm),
            "epoch_wait_s": self.jobs.limit_s(workload.total_bytes),
            "warm_up_s": self.wanted.warm_up_s,
        }
        below = f"{benchmark_plan.FOLDER}/{workload.folder}/"
        if arm == benchmark_plan.DIRECT:
            return task, Way()
        if arm == benchmark_plan.SLOW:
            return {**task, "endpoint": self._endpoint_of(arm)}, Way()
        if arm == benchmark_plan.S3:
            proxies = {seat.node: f"http://{seat.proxy}{PROXY_S3}" for seat in self.seats}
            return {
                **task,
                # To the proxy a directory of the root is a bucket; whoever asks is whom the key names.
                "endpoints": proxies,
                "user": self.user,
                "bucket": benchmark_plan.FOLDER,
                "top": f"{workload.folder}/",
            }, Way()
        task |= {"way": "files", "mount": MOUNT, "top": f"{MOUNT}/{below}"}
        one = benchmark_variant.variant_of(arm, self.wanted.variants)
        way = Way(fuse=True, user=self.user, properties=one.properties, options=one.options)
        if benchmark_plan.base(arm) == benchmark_plan.FUSE:
            # What the next node's reader had cached, on the next node.
            return {**task, "shift": 1}, way
        return task, replace(way, domain=self.has_domain)

    def _asking(self) -> Json:
        return {
            "bucket": self.store.bucket,
            "endpoint": self.store.endpoint,
            "region": self.store.region or "us-east-1",
            "path_style": self.store.path_style or bool(self.store.endpoint),
            "marker": benchmark_plan.MARKER,
            "nodes": self.nodes,
            "parallelism": self.wanted.parallelism,
        }

    def _stored(self, workload: Workload, task: str) -> Json:
        return {
            **self._asking(),
            "task": task,
            "top": f"{self.top}{workload.folder}/",
            "files": workload.files,
            "bytes": workload.bytes,
            "seed": SEED,
        }

    def _counters(self) -> dict[str, int]:
        """How far all workers' counters are, added up."""
        pods = self.cache.seen.of_role(cluster.WORKER_ROLE)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            pages = list(pool.map(self._metrics, pods))
        found = dict.fromkeys(verification.COUNTERS, 0)
        for page in pages:
            for name, value in verification.byte_counters(page).items():
                found[name] += value
        return found

    def _metrics(self, pod: Mapping[str, Any]) -> str:
        port = pod["web_port"] or proofs.WORKER_WEB_PORT
        page = self.jobs.kube.pod_http(self.jobs.namespace, str(pod["name"]), port, health.METRICS)
        if page is None:
            raise CacheError(
                f"the worker {pod['name']} does not tell what it has counted.",
                "Without its counters nothing proves which way bytes went.",
                "see `alluxops status`; run it again.",
            )
        return page

    def _settled(self, arm: str, before: Mapping[str, int], size: int) -> dict[str, int]:
        """How far they are, once so many bytes have been read: a worker counts what it sent a moment later."""
        deadline = time.monotonic() + COUNTING_S
        while True:
            found = self._counters()
            counted = verification.counted(before, found)
            if benchmark_proof.is_counted(arm, size, counted) or time.monotonic() > deadline:
                return found
            time.sleep(COUNTING_S / 10)


def seats(cache: DatasetCache) -> list[Seat]:
    """The nodes with a serving worker, by name, each with its proxy where one is ready."""
    pods = cache.kube.list_objects(
        objects.core(cache.namespace, "pods"), f"release={cache.release},role={PROXY_ROLE}"
    )
    ready = [pod for pod in map(cluster.pod_facts, pods) if cluster.is_ready(pod)]
    proxies = {
        str(pod["node"]): f"{_host(str(pod['pod_ip']))}:{pod['web_port'] or PROXY_PORT}"
        for pod in ready
    }
    found = []
    for pod in health.serving_workers(cache.seen):
        worker = health.registered(pod, cache.seen.leader)
        if worker is not None:
            node = str(pod["node"])
            free = worker.capacity_bytes - worker.used_bytes
            found.append(Seat(node, free, proxies.get(node, "")))
    return sorted(found, key=lambda seat: seat.node)


def _own(files: Iterable[File]) -> list[File]:
    """Without the marker, which no reader reads."""
    return [one for one in files if not one.path.endswith(f"/{benchmark_plan.MARKER}")]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
