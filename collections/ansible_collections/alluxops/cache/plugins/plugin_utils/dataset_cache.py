"""Datasets of a running cache: what it has of them, and the steps. I/O only; deciding is dataset_plan's."""

from __future__ import annotations

import contextlib
import json
import posixpath
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_load,
    dataset_plan,
    dataset_state,
    health,
    paths_api,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_plan import Plan
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import (
    Actual,
    File,
    Mount,
    Totals,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import (
    ABSENT,
    Dataset,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import freeing
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy, Place
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import run_limited

POLL_S: Final = 2.0
STILL_S: Final = 10.0
"""A load that has not gone on for so long is asked what it does: that costs the start of a Java machine."""
LOADS: Final = 3
"""Loads in a row that bring nothing, until a run gives up."""
NEVER, ONCE, ALWAYS = "NEVER", "ONCE", "ALWAYS"


class DatasetCache:
    """The datasets of one release. close() ends the proxy that answers.

    asks_stores: whether a path that the cache never heard of is looked for in its store. Alluxio may then write there:
    on S3 the empty object that marks a directory.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        release: str,
        timeout_s: int,
        *,
        asks_stores: bool = True,
    ) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release
        self.timeout_s = timeout_s
        self.asks_stores = asks_stores
        self.seen = objects.look_at_installed(kube, namespace, release)
        if self.seen.leader is None:
            raise SettingsError(
                f"no master of {namespace}/{release} serves.",
                "Only the leader knows what is mounted, pinned and cached.",
                "see `alluxops status`; run it again once a master leads.",
            )
        self._proxy = PathsProxy(kube, self._leader_place)

    def close(self) -> None:
        """End the proxy."""
        self._proxy.close()

    @cached_property
    def capacity_bytes(self) -> int:
        """Bytes that the workers can hold."""
        leader = self.seen.leader
        return sum(worker.capacity_bytes for worker in leader.workers) if leader else 0

    @cached_property
    def tier_bytes(self) -> Mapping[str, int]:
        """The same, by the name of the tier."""
        leader = self.seen.leader
        return health.tier_bytes(leader.workers) if leader else {}

    @property
    def workers(self) -> int:
        """How many workers the leader knows."""
        return len(self.seen.leader.workers) if self.seen.leader else 0

    @property
    def wanted_workers(self) -> int:
        """How many there are when none is down."""
        return max(self.workers, int((self.seen.workers_set or {}).get("replicas") or 0))

    def mounts(self) -> dict[str, Mount]:
        """The mount table."""
        return dataset_state.parse_mounts(self._leader_page(dataset_state.MOUNT_TABLE))

    def actual(self, one: Dataset, mounts: Mapping[str, Mount]) -> Actual:
        """What the cache has of a dataset. No under store is asked but, with asks_stores, for a path never seen."""
        mount = mounts.get(one.path)
        if one.ufs and mount is None and one.state == ABSENT:
            return Actual()
        try:
            top = dataset_state.parse_top(self._status(one.path))
        except paths_api.PathError as error:
            if error.is_missing:
                return Actual(mount)
            raise self._unlisted(one, error) from error
        return Actual(mount, top, self._files(one, NEVER))

    def learnt(self, one: Dataset) -> tuple[File, ...]:
        """The files that matter, once Alluxio has learnt what is new in the store.

        Nothing else is asked: a sync would have it drop what is in the cache only, and forget what the store has lost.
        """
        return self._files(one, ALWAYS)

    def known_files(self, path: str) -> tuple[File, ...]:
        """The files below a path that the cache knows of; no under store is asked."""
        listing = self._proxy.ask(paths_api.list_files(path, metadata=NEVER))
        return dataset_state.parse_files(listing or [])

    def known_files_of(self, path: str) -> tuple[File, ...]:
        """The same; none where the cache knows of no such path."""
        try:
            return self.known_files(path)
        except paths_api.PathError as error:
            if error.is_missing:
                return ()
            raise

    def look(self) -> None:
        """See anew who leads, and which workers there are."""
        self._leader_place()

    def files_anew(self, path: str) -> tuple[File, ...]:
        """The files below a path after its under store was asked for what changed there; none where it is gone."""
        try:
            listing = self._proxy.ask(paths_api.list_files(path, metadata=ONCE, synced=True))
        except paths_api.PathError as error:
            if error.is_missing:
                return ()
            raise
        return dataset_state.parse_files(listing or [])

    def superuser(self) -> str:
        """Who may read everything: the user that the masters run as, to whom the root belongs."""
        return str((self._proxy.ask(paths_api.get_status("/")) or {}).get("owner") or "")

    def parts(self, one: Dataset) -> list[str]:
        """Which of the paths to load are there, without asks_stores: are known."""
        found = []
        for path in one.load:
            try:
                self._status(path)
            except paths_api.PathError as error:
                if not error.is_missing:
                    raise self._unlisted(one, error) from error
            else:
                found.append(path)
        return found

    def _status(self, path: str) -> Any:
        metadata = "" if self.asks_stores else NEVER
        return self._proxy.ask(paths_api.get_status(path, metadata=metadata))

    def _files(self, one: Dataset, metadata: str) -> tuple[File, ...]:
        if not one.must_fit:
            return self.known_files(one.path)
        files: list[File] = []
        for path in one.listed:
            request = paths_api.list_files(path, metadata=metadata)
            try:
                files += dataset_state.parse_files(self._proxy.ask(request) or [])
            except paths_api.PathError as error:
                if not error.is_missing:
                    raise self._unlisted(one, error) from error
        return tuple(files)

    def _unlisted(self, one: Dataset, error: paths_api.PathError) -> CacheError:
        cause, fix = paths_api.why_refused(error.message)
        return CacheError(f"{one.name}: {error.what}", cause, fix)

    def apply(self, plan: Plan, credentials: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Do the steps of a plan, each told before it is done."""
        one = plan.dataset
        for step in plan.steps:
            say(f"{one.name}: {step.shown}")
            match step.kind:
                case "unmount":
                    self._unmount(one, credentials if plan.has("mount") else {})
                case "mount":
                    self._mount(one, credentials)
                case "unpin":
                    self._set(one, pinned=False)
                case "pin":
                    self._set(one, pinned=True, pinnedMedia=list(one.media))
                case "replicate":
                    least, most = dataset_plan.replication(one)
                    self._set(one, replicationMin=least, replicationMax=most)
                case "ttl":
                    self._proxy.ask(paths_api.set_ttl(one.path, step.ttl_ms))
                case "free":
                    self.free(one.path, one.name)
                case "load":
                    self._load(one)

    def _set(self, one: Dataset, **attributes: Any) -> None:
        self._proxy.ask(paths_api.set_attribute(one.path, recursive=True, **attributes))

    def _unmount(self, one: Dataset, credentials: Mapping[str, str]) -> None:
        """credentials: with which it is mounted again."""
        if credentials:
            # What cannot be mounted again without its keys in a log stays mounted.
            with self._muted():
                pass
        self._proxy.ask(paths_api.unmount(one.path))

    def _mount(self, one: Dataset, credentials: Mapping[str, str]) -> None:
        parent = posixpath.dirname(one.path)
        if parent != "/":
            self._proxy.ask(paths_api.make_directory(parent))
        request = paths_api.mount(
            one.path,
            one.ufs,
            read_only=one.read_only,
            shared=one.shared,
            options=one.options,
            credentials=credentials,
        )
        with self._muted() if credentials else contextlib.nullcontext():
            self._proxy.ask(request)
        # What is set below concerns the files that the cache knows of.
        self._files(one, ALWAYS)

    @contextlib.contextmanager
    def _muted(self) -> Iterator[None]:
        """The leader without those lines of its log that would hold a mount's credentials."""
        self._leader_place()  # another one may lead by now
        before = {name: self._log_level(name) for name in paths_api.LOGS_OPTIONS}
        for name, level in paths_api.LOGS_OPTIONS.items():
            if before[name] == level:
                before[name] = paths_api.LOGS_USUALLY  # a run that was killed has left it so
        try:
            for name, level in paths_api.LOGS_OPTIONS.items():
                self._log_level(name, level)
            yield
        finally:
            for name, level in before.items():
                try:
                    self._log_level(name, level)
                except CacheError as error:
                    Display().warning(f"{name} of the leader stays at a higher level: {error.what}")

    def _log_level(self, name: str, level: str = "") -> str:
        """Read or set a level of the leader's log; the level that it has then."""
        query = f"?logName={name}" + (f"&level={level}" if level else "")
        body = self._leader_page(paths_api.LOG_LEVEL + query, method="POST")
        try:
            found = str(json.loads(body or "")["level"])
        except (ValueError, KeyError, TypeError):
            found = ""
        if not found or (level and found != level):
            raise CacheError(
                f"the leader's log cannot be told to leave out {name.rsplit('.', 1)[-1]}.",
                "It would hold the credentials of the mount.",
                "see that the leader's web port answers; run it again.",
            )
        return found

    def free(self, path: str, name: str, *, forgets: bool = False) -> None:
        """Free what is cached below a path, as freeing.free does it."""
        freeing.free(self._proxy, path, name, self.timeout_s, forgets=forgets)

    def _load(self, one: Dataset) -> None:
        """Have the workers load, until every file is cached whole. Raises CacheError where nothing goes on."""
        patience = Patience(float("inf"))
        way = dataset_load.way_of(self.seen.leader.version if self.seen.leader else "")
        best, fruitless, reason = Totals(), 0, ""
        while True:
            files = self._files_to_load(one)
            found = dataset_state.totals(files)
            if found.is_loaded:
                return
            if fruitless >= LOADS:
                raise CacheError(
                    f"{found.files - found.loaded_files} of {found.files} files of {one.name} are not loaded.",
                    reason,
                    "see `alluxops status` and the log of the workers; run it again: it goes on with what is left.",
                )
            ended = found
            for paths in dataset_load.parts(way, one.load, files):
                done = self._on_leader(dataset_load.script(way, paths))
                if done.returncode:
                    reason = _last_line(done)
                ended, told = self._watch(one, way, paths, patience)
                reason = told or reason
            fruitless = fruitless + 1 if ended.cached_bytes <= best.cached_bytes else 0
            best = max(best, ended, key=lambda totals: totals.cached_bytes)

    def _watch(
        self, one: Dataset, way: dataset_load.Way, paths: Sequence[str], patience: Patience
    ) -> tuple[Totals, str]:
        """(how far all is, why it ended) once a load of paths has ended, or has stood still while a run waits."""
        before, since = Totals(), time.monotonic()
        asked_at = since
        while True:
            files = self._files_to_load(one)
            found = dataset_state.totals(files)
            now = time.monotonic()
            if dataset_state.totals(files, paths).is_loaded:
                return found, ""
            if found.cached_bytes > before.cached_bytes:
                before, since, asked_at = found, now, now
            elif now - asked_at >= STILL_S:
                asked_at = time.monotonic()
                states = [
                    dataset_load.state_of(self._on_leader(dataset_load.asking(way, path)).output)
                    for path in paths
                ]
                running = any(state in dataset_load.RUNNING for state, _ in states)
                if not running or now - since > self.timeout_s:
                    reasons = [reason for _, reason in states if reason]
                    return found, "; ".join(reasons)
            patience.pause(f"{one.name}: {found} loaded", POLL_S)

    def _files_to_load(self, one: Dataset) -> list[File]:
        return [item for path in one.load for item in self.known_files(path)]

    def _leader_place(self) -> Place:
        """Where the proxy runs: beside whoever leads now, in a container that may end without harm to metadata."""
        self.seen = objects.look_at_installed(self.kube, self.namespace, self.release)
        if self.seen.leader is None:
            raise CacheError(
                f"no master of {self.namespace}/{self.release} serves any more.",
                fix="see `alluxops status`; run it again once a master leads.",
            )
        return Place(self.namespace, self.seen.leader.pod, objects.JOB_MASTER_CONTAINER)

    def _leader_page(self, path: str, *, method: str = "GET") -> str | None:
        leader = self.seen.leader
        pod = next(pod for pod in self.seen.pods if leader and pod["name"] == leader.pod)
        port = pod["web_port"] or objects.WEB_PORT
        return self.kube.pod_http(self.namespace, str(pod["name"]), port, path, method=method)

    def _on_leader(self, script: str) -> ExecResult:
        leader = self.seen.leader
        pod = leader.pod if leader else ""
        return run_limited(
            self.kube, self.namespace, pod, objects.MASTER_CONTAINER, script, self.timeout_s
        )


def _last_line(done: ExecResult) -> str:
    lines = [line.strip() for line in done.output.splitlines() if line.strip()]
    return lines[-1] if lines else f"the command ended with {done.returncode}"


def summary(plans: Sequence[Plan], actual: Mapping[str, Actual]) -> list[str]:
    """A line a dataset."""
    width = max((len(plan.dataset.name) for plan in plans), default=0)
    return [
        f"  {plan.dataset.name:<{width}}  {dataset_plan.line(plan.dataset, actual[plan.dataset.name], plan.notes)}"
        for plan in plans
    ]
