"""Wait until the cache serves, and say why when it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    explain,
    health,
    restore,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.pins import Pins
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters, QuorumWatch
from ansible_collections.alluxops.cache.plugins.plugin_utils.troubles import Troubles

LOOK_EVERY_S: Final = 0.7
RESTORE_LOG_LINES: Final = 5000
API_GRACE_S: Final = 60
GRACE_S: Final = {"CrashLoopBackOff": 5, "restarting": 5, "not scheduled": 60, "FailedMount": 45}
"""How long a trouble may last before waiting ends; what is not named here gets OTHER_GRACE_S."""
OTHER_GRACE_S: Final = 20


class ActionModule(ApiAction):
    """alluxops.cache.cache_wait."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Look again and again until nothing is missing, the limit is reached, or there is no hope."""
        if self.check_mode:
            return {
                "skipped": True,
                "leader": "",
                "waited_s": 0.0,
                "pins_noted": Pins(kube, options["namespace"], options["release"]).is_noted,
                "msg": "check mode: nothing to wait for",
            }
        patience = Patience(options["wait_timeout_s"])
        workers = options["workers"] if options["part"] == "all" else []
        expected = health.Expected(options["masters"], tuple(sorted(set(workers))))
        watch = TroubleWatch(kube, options["namespace"], options["release"], options["workers"])
        quorum = QuorumWatch(Masters(kube, options["namespace"], options["release"]))
        pins = Pins(kube, options["namespace"], options["release"])
        restoring = Restoring(kube, options["namespace"]) if options["restoring"] else None
        api_lost_at: float | None = None
        raw: list[Json] = []
        served_at: float | None = None
        while True:
            try:
                raw = objects.raw_pods(kube, options["namespace"], options["release"])
                seen = objects.look(kube, options["namespace"], options["release"], raw)
                judged = seen if options["part"] == "all" else replace(seen, workers_set=None)
                missing = health.awaited(judged, expected)
                if not missing and (seen.masters_set or {}).get("ha") == "embedded":
                    missing = [why] if (why := quorum.awaited(seen, patience)) else []
                api_lost_at = None
                if missing:
                    served_at = None
                    _refuse_too_few(seen, expected, options["namespace"])
                    watch.check(raw, seen, patience)
                else:
                    served_at = patience.waited_s if served_at is None else served_at
                    gone = health.ghosts(seen) if options["part"] == "all" else []
                    passing = health.ghosts_told(gone)
                    waits_on = patience.waited_s - served_at < health.FORGET_S
                    if not passing or not waits_on or patience.is_over:
                        leader = seen.leader.pod if seen.leader else ""
                        return {
                            "leader": leader,
                            "waited_s": round(patience.waited_s, 1),
                            "pins_noted": pins.is_noted,
                        }
                    patience.pause(passing[0], LOOK_EVERY_S)
                    continue
            except ApiError as error:
                # The API server itself may restart while the cache comes up.
                api_lost_at = patience.waited_s if api_lost_at is None else api_lost_at
                if error.status in {401, 403} or patience.waited_s - api_lost_at > API_GRACE_S:
                    raise
                missing = [f"the API server ({error.reason})"]
            if patience.is_over and restoring is not None and restoring.gets_on(raw):
                patience.timeout_s += options["wait_timeout_s"]
            if patience.is_over:
                raise watch.timeout(missing, patience)
            patience.pause("; ".join(missing[:2]) + watch.last_reason, LOOK_EVERY_S)


def _refuse_too_few(seen: health.Seen, expected: health.Expected, namespace: str) -> None:
    """Raise CacheError where no waiting brings as many masters: fewer are asked for."""
    found = seen.masters_set
    if found is None or found["replicas"] >= expected.masters:
        return
    name, asked = found["name"], found["replicas"]
    raise CacheError(
        f"{namespace}/{name} is scaled to {asked} of {expected.masters} masters, so the cache cannot serve as it is"
        " set.",
        "Someone scaled it by hand; Helm's record of the release says otherwise.",
        f"`kubectl -n {namespace} scale statefulset {name} --replicas={expected.masters}`, and run again.",
    )


class Restoring:
    """How far the masters have got with a backup that they start from."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self._applied = 0

    def gets_on(self, raw: Sequence[Json]) -> bool:
        """Whether a master has applied more of it than at the last look."""
        before = self._applied
        names = [pod["metadata"]["name"] for pod in raw if _is_master(pod)]
        self._applied = restore.applied_entries(
            self.kube.pod_log(
                self.namespace, name, objects.MASTER_CONTAINER, lines=RESTORE_LOG_LINES
            )
            for name in names
        )
        return self._applied > before


def _is_master(pod: Json) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get("role") == cluster.MASTER_ROLE)


def read_events(kube: Kube, namespace: str) -> list[Json]:
    """What Kubernetes tells of a namespace."""
    found: list[Json] = kube.list_objects(objects.core(namespace, "events"))
    return found


class TroubleWatch:
    """Follows what keeps the pods from serving, and decides when that is hopeless.

    workers: the nodes whose workers are waited for; a pod elsewhere holds nothing up. Empty: wherever they are.
    events: reads the namespace's events, where many watches share one reading.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        release: str,
        workers: Sequence[str] = (),
        events: Callable[[], list[Json]] | None = None,
    ) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release
        self.workers = frozenset(workers)
        self._events = events or (lambda: read_events(kube, namespace))
        self._restarts: dict[str, int] = {}
        self._troubles = Troubles(kube, namespace)

    def check(self, raw: Sequence[Json], seen: health.Seen, patience: Patience) -> None:
        """Raise CacheError with the explanation when a pod's trouble will not pass by waiting."""
        facts = {pod["name"]: pod for pod in seen.pods}
        for pod in seen.pods:
            self._restarts.setdefault(pod["name"], pod["restarts"])
        found = self._found(raw, seen)
        for trouble, lasted in self._troubles.lasting(found, patience.waited_s):
            restarts = facts.get(trouble.pod, {}).get("restarts", 0)
            if self._is_hopeless(trouble, restarts - self._restarts.get(trouble.pod, 0), lasted):
                raise self._troubles.error(trouble, patience.waited_s)

    @property
    def last_reason(self) -> str:
        """What the last look found, for a waiting line; empty when nothing is wrong."""
        return self._troubles.last_reason

    def timeout(self, missing: Sequence[str], patience: Patience) -> CacheError:
        """The error of a wait that took too long."""
        if self._troubles.last is not None:
            return self._troubles.error(self._troubles.last, patience.waited_s)
        return CacheError(
            f"the cache does not serve after {patience.timeout_s:.0f} s: {'; '.join(missing)}.",
            fix=f"see `kubectl -n {self.namespace} get pods -l release={self.release} -o wide` and the logs;"
            " a slow machine may need a larger alluxops_wait_timeout_s.",
        )

    def _is_hopeless(self, trouble: explain.Trouble, new_restarts: int, lasted_s: float) -> bool:
        grace = GRACE_S.get(trouble.reason, OTHER_GRACE_S)
        if trouble.reason in {"CrashLoopBackOff", "restarting", "OOMKilled"}:
            if new_restarts >= explain.HOPELESS_RESTARTS:
                return True
            # Restarts of an earlier day say nothing, unless the log names a cause that waiting does not cure.
            return trouble.hopeless and lasted_s >= grace and self._known(trouble)
        if trouble.reason == "not scheduled" or trouble.reason in explain.EVENT_REASONS:
            return lasted_s >= grace
        return trouble.hopeless and lasted_s >= grace

    def _known(self, trouble: explain.Trouble) -> bool:
        return explain.known_cause([self._troubles.log(trouble), trouble.message]) is not None

    def _found(self, raw: Sequence[Json], seen: health.Seen) -> list[explain.Trouble | None]:
        """Troubles of pods that are not ready, and of sets that make no pods."""
        facts = {pod["name"]: pod for pod in seen.pods}
        lagging = [
            pod
            for pod in raw
            if not cluster.is_ready(facts[pod["metadata"]["name"]])
            and "deletionTimestamp" not in pod["metadata"]
            and not self._is_elsewhere(pod)
        ]
        has_pods = {pod["role"] for pod in seen.pods}
        if not lagging and has_pods >= {cluster.MASTER_ROLE, cluster.WORKER_ROLE}:
            return []
        events = self._events()
        found = [explain.pod_trouble(pod, events) for pod in lagging]
        for role, kind, name in (
            (cluster.MASTER_ROLE, "StatefulSet", f"{self.release}-master"),
            (cluster.WORKER_ROLE, "DaemonSet", f"{self.release}-worker"),
        ):
            if role not in has_pods:
                found.append(explain.set_trouble(kind, name, events))
        return found

    def _is_elsewhere(self, pod: Json) -> bool:
        """Whether a pod is a worker of a node that no worker is awaited on."""
        is_worker = (pod["metadata"].get("labels") or {}).get("role") == cluster.WORKER_ROLE
        node = cluster.node_of(pod)
        return bool(is_worker and self.workers and node and node not in self.workers)
