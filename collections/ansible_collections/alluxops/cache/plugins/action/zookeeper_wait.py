"""Wait until a cache's own ZooKeeper serves, and say why when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, explain, zookeeper
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.troubles import Troubles

LOOK_EVERY_S: Final = 0.7
GRACE_S: Final = 60
"""How long a trouble without a failing container may last: a node may see a claim late, the scheduler tries again."""
FAILING_GRACE_S: Final = 10


class ActionModule(ApiAction):
    """alluxops.cache.zookeeper_wait."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Look until all serve, or a majority does for a while, or there is no hope."""
        if self.check_mode:
            return {"skipped": True, "missing": [], "waited_s": 0.0}
        patience = Patience(options["wait_timeout_s"])
        troubles = ServerTroubles(kube, options["namespace"])
        quorum_since: float | None = None
        while True:
            raw, missing, serves = _look(kube, options)
            result: Result = {"missing": missing, "waited_s": round(patience.waited_s, 1)}
            if not missing:
                return result
            if not serves:
                quorum_since = None
                troubles.check(raw, patience)
            else:
                quorum_since = patience.waited_s if quorum_since is None else quorum_since
                if patience.waited_s - quorum_since >= options["grace_s"]:
                    return {**result, "warnings": [_warning(options["release"], missing)]}
            if patience.is_over:
                raise troubles.timeout(options["release"], missing, patience)
            patience.pause(
                f"ZooKeeper: {', '.join(missing[:3])}{troubles.last_reason}", LOOK_EVERY_S
            )


def _look(kube: Kube, options: Options) -> tuple[list[Json], list[str], bool]:
    """(the servers' pods, what is still awaited, whether a majority of the newest revision serves)."""
    namespace, release = options["namespace"], options["release"]
    ensemble = cluster.workload_facts(objects.ensemble(kube, namespace, release))
    if ensemble is None:
        raise CacheError(
            f"there is no ZooKeeper {release}-zookeeper in namespace {namespace}.",
            fix="run site: the role zookeeper installs it.",
        )
    raw = objects.ensemble_pods(kube, namespace, release)
    pods = [cluster.pod_facts(pod) for pod in raw]
    missing = zookeeper.missing(pods, options["replicas"])
    if not ensemble["settled"]:
        return raw, ["its servers to be updated", *missing], False
    return raw, missing, zookeeper.has_quorum(pods, options["replicas"])


def _warning(release: str, missing: Sequence[str]) -> str:
    return (
        f"{release}-zookeeper serves with a majority only: {', '.join(missing)}. The loss of one more may stop the"
        " election of a leader."
    )


class ServerTroubles(Troubles):
    """What keeps servers from serving, and since when."""

    def check(self, raw: Sequence[Json], patience: Patience) -> None:
        """Raise CacheError with the explanation when a server's trouble will not pass by waiting."""
        lagging = [pod for pod in raw if not cluster.is_ready(cluster.pod_facts(pod))]
        events = self.kube.list_objects(objects.core(self.namespace, "events")) if lagging else []
        found = [explain.pod_trouble(pod, events) for pod in lagging]
        for trouble, lasted_s in self.lasting(found, patience.waited_s):
            if trouble.hopeless and lasted_s >= FAILING_GRACE_S:
                raise self.error(trouble, patience.waited_s)
            if trouble.reason in _WITHOUT_CONTAINER and lasted_s >= GRACE_S:
                raise self.error(trouble, patience.waited_s)

    def timeout(self, release: str, missing: Sequence[str], patience: Patience) -> CacheError:
        """The error of a wait that took too long."""
        if self.last is not None:
            return self.error(self.last, patience.waited_s)
        name = f"{release}-zookeeper"
        return CacheError(
            f"{name} has no quorum after {patience.timeout_s:.0f} s: {', '.join(missing)}.",
            fix=f"see `kubectl -n {self.namespace} get pods -l release={name} -o wide` and the logs.",
        )

    def error(self, trouble: explain.Trouble, waited_s: float) -> CacheError:
        """As of other pods, but that these have another image."""
        told = super().error(trouble, waited_s)
        parts = (told.what, told.cause, told.fix)
        return CacheError(*(part.replace("alluxio_version", "zookeeper_image") for part in parts))


_WITHOUT_CONTAINER = frozenset({"not scheduled", *explain.EVENT_REASONS})
