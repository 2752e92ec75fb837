"""The Job of a benchmark's step: started, begun on all nodes at one moment, heard, and always removed. I/O only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_job,
    benchmark_reader,
    explain,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_job import Way
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods

AT_ONCE: Final = 16
"""Pods that are talked to at once."""
LEAD_S: Final = 2.0
"""From telling the first pod when to begin until then; more where there are many."""
LEAD_A_POD_S: Final = 0.05
LOG_LINES: Final = 50
SLOWEST_BYTES_S: Final = 1024**2
"""Readers that are slower than this together have come to a stop."""


@dataclass(frozen=True)
class Jobs:
    """What all Jobs of a run have in common. secret: of the store's credentials, or empty."""

    kube: Kube
    namespace: str
    release: str
    values: Mapping[str, Any]
    image: str
    secret: str
    timeout_s: int

    def do(
        self,
        task: Mapping[str, Any],
        nodes: Sequence[str],
        what: str,
        *,
        way: Way | None = None,
        epochs: int = 0,
        all_ready: Callable[[], None] = lambda: None,
        bytes_read: int = 0,
    ) -> list[Json]:
        """Do a task on these nodes; what each said, by node. Raises CacheError where any fails.

        epochs: so often all are told to begin at one moment; 0 where they need not be. all_ready: called before each
        of them, when all have warmed up, or ended the one before. bytes_read: by all readers together, in one epoch.
        """
        with at_the_end(self.clear):
            self._start(task, nodes, way or Way())
            running = self._pods.running(len(nodes), Patience(self.timeout_s), may_end=True)
            pods = [_name(pod) for pod in running]
            limit_s = self.limit_s(bytes_read)
            for epoch in range(1, epochs + 1):
                self._await_ready(pods, what, epoch, self.timeout_s if epoch == 1 else limit_s)
                all_ready()
                self._begin(pods, epoch)
            return self._heard(pods, what, limit_s)

    def limit_s(self, bytes_read: int) -> float:
        """How long reading so much may take."""
        return self.timeout_s + bytes_read / SLOWEST_BYTES_S

    def clear(self) -> None:
        """Remove Job, pods and ConfigMap, those of a run that died too, and wait until all mounts are gone."""
        name = benchmark_job.name_of(self.release)
        self.kube.delete(objects.core(self.namespace, "configmaps", name))
        self._pods.remove(Patience(self.timeout_s))

    @property
    def _pods(self) -> OwnPods:
        return OwnPods(
            self.kube,
            self.namespace,
            self.release,
            benchmark_job.TASK,
            "the benchmark",
            toolbox=self.image,
        )

    def _start(self, task: Mapping[str, Any], nodes: Sequence[str], way: Way) -> None:
        body = benchmark_job.config_map(self.namespace, self.release, task)
        self.kube.create(objects.core(self.namespace, "configmaps"), body)
        job = benchmark_job.job(
            self.namespace,
            self.release,
            self.values,
            image=self.image,
            nodes=nodes,
            secret=self.secret,
            way=way,
        )
        self.kube.create(objects.jobs(self.namespace), job)

    def _await_ready(self, pods: Sequence[str], what: str, epoch: int, limit_s: float) -> None:
        """Wait until all readers could begin an epoch."""
        patience = Patience(limit_s)
        ready = benchmark_reader.ready_line(epoch)
        waiting = set(pods)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while waiting:
                # Before their logs are read, which are whole then.
                ended = {_name(pod) for pod in self._pods.listed() if _has_ended(pod)}
                for pod, log in zip(
                    ordered := sorted(waiting), pool.map(self._log, ordered), strict=True
                ):
                    if ready in log.splitlines():
                        waiting.discard(pod)
                    elif benchmark_reader.RESULT in log or pod in ended:
                        raise self._failed(pod, log, what)
                if waiting and patience.is_over:
                    raise CacheError(
                        f"{what}: {len(waiting)} of {len(pods)} readers are not ready after {patience.waited_s:.0f} s.",
                        fix=f"see `kubectl -n {self.namespace} logs {min(waiting)} --all-containers`.",
                    )
                if waiting:
                    patience.pause(
                        f"{what}: {len(pods) - len(waiting)} of {len(pods)} readers ready", 0.5
                    )

    def _begin(self, pods: Sequence[str], epoch: int) -> None:
        """Have all readers begin an epoch at one moment."""
        moment = time.monotonic() + LEAD_S + LEAD_A_POD_S * len(pods)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(partial(self._tell, moment, benchmark_reader.go_file(epoch)), pods))

    def _tell(self, moment: float, file: str, pod: str) -> None:
        # What the connection takes counts: the reader waits for what is left when the command reaches it.
        script = f'printf %s "$1" > {file}.part && mv {file}.part {file}'
        left = moment - time.monotonic()
        done = self.kube.exec(
            self.namespace,
            pod,
            benchmark_job.CONTAINER,
            ["/bin/sh", "-c", script, "sh", f"{max(0.0, left):.3f}"],
            timeout_s=30,
        )
        if done.returncode:
            raise CacheError(
                f"{self.namespace}/{pod} could not be told to begin: {done.output.strip()}"
            )

    def _heard(self, pods: Sequence[str], what: str, limit_s: float) -> list[Json]:
        """What each reader said at its end."""
        patience = Patience(limit_s)
        while True:
            listed = {_name(pod): pod for pod in self._pods.listed()}
            ended = [name for name in pods if name in listed and _has_ended(listed[name])]
            if lost := [name for name in pods if name not in listed]:
                raise CacheError(
                    f"{what}: pod {lost[0]} was deleted before it ended.", fix="run it again."
                )
            if len(ended) == len(pods):
                break
            if patience.is_over:
                raise CacheError(
                    f"{what}: {len(pods) - len(ended)} of {len(pods)} readers have not ended after"
                    f" {patience.waited_s:.0f} s.",
                    fix="see `alluxops status`, and that the store answers; then run it again.",
                )
            patience.pause(f"{what}: {len(ended)} of {len(pods)} readers done", 1.0)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            logs = dict(zip(pods, pool.map(self._log, pods), strict=True))
        found = [self._result(pod, log, what) for pod, log in logs.items()]
        return sorted(found, key=lambda one: str(one["node"]))

    def _log(self, pod: str) -> str:
        return self.kube.pod_log(self.namespace, pod, benchmark_job.CONTAINER, lines=LOG_LINES)

    def _result(self, pod: str, log: str, what: str) -> Json:
        found = result_in(log.splitlines())
        if found is None or "fault" in found:
            raise self._failed(pod, log, what)
        return found

    def _failed(self, pod: str, log: str, what: str) -> CacheError:
        found = result_in(log.splitlines()) or {}
        lines = [line for line in log.splitlines() if line.strip()]
        told = str(found.get("fault") or (lines[-1] if lines else "it said nothing"))
        mount = self.kube.pod_log(
            self.namespace, pod, benchmark_job.FUSE_CONTAINER, lines=LOG_LINES
        )
        known = explain.known_cause([told, mount])
        if mount and not known:
            told = "\n".join([told, *(f"Log: {line}" for line in explain.telling_lines(mount))])
        return CacheError(
            f"{what}: a reader failed ({pod} on {found.get('node') or 'its node'}): {told}",
            known[1] if known else "",
            known[2] if known else "run it again once the cause is mended.",
        )


def result_in(lines: Iterable[str]) -> Json | None:
    """What a reader's log says at its end; None where it does not."""
    for line in reversed(list(lines)):
        if line.startswith(benchmark_reader.RESULT):
            try:
                found = json.loads(line[len(benchmark_reader.RESULT) :])
            except ValueError:
                return None
            return found if isinstance(found, dict) else None
    return None


def _name(pod: Json) -> str:
    return str(pod["metadata"]["name"])


def _state(pod: Json) -> Mapping[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status["name"] == benchmark_job.CONTAINER:
            return dict(status.get("state") or {})
    return {}


def _has_ended(pod: Json) -> bool:
    return "terminated" in _state(pod) or pod.get("status", {}).get("phase") == "Failed"
