"""Pods that a verb makes for itself: waited for, with the reason where they do not start, and removed. I/O only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import explain, own_pods
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.troubles import Troubles

GRACE_S: Final = 20
"""So long a pod may be in trouble before that is an error: a pull may fail once."""
LOOK_EVERY_S: Final = 0.5
ENDED: Final = frozenset({"Failed", "Succeeded"})
"""Phases of a pod that is not started again."""


@dataclass(frozen=True)
class OwnPods:
    """The pods of a task, and the Jobs that make them, those of a run that died too.

    what: they are for, as a waiting line says it. toolbox: the toolbox's image, where one of their containers has it.
    nodes: where each of them is to be, by its name, where that is known before it is scheduled.
    """

    kube: Kube
    namespace: str
    release: str
    task: str
    what: str
    toolbox: str = ""
    nodes: Mapping[str, str] = field(default_factory=dict)

    @property
    def selector(self) -> str:
        """Which they are."""
        return own_pods.selector(self.release, self.task)

    def listed(self) -> list[Json]:
        """The pods, without those that are about to go."""
        place = objects.core(self.namespace, "pods")
        return [pod for pod in self.kube.list_objects(place, self.selector) if not _goes(pod)]

    def running(self, number: int, patience: Patience, *, may_end: bool = False) -> list[Json]:
        """So many pods, once all their containers run. may_end: or have ended. Raises CacheError, with the reason."""
        began_s = patience.waited_s
        while True:
            pods = self.listed()
            found = [pod for pod in pods if _runs(pod, may_end=may_end)]
            if len(found) >= number:
                return found
            waiting = [pod for pod in pods if pod not in found]
            has_ended = any(_has_ended(pod) for pod in waiting)
            if has_ended or patience.is_over or patience.waited_s - began_s > GRACE_S:
                self._raise_trouble(waiting, has_pods=bool(pods), patience=patience)
            if patience.is_over:
                raise CacheError(
                    f"{self.what}: {len(found)} of {number} pods run after {patience.timeout_s:.0f} s.",
                    fix=f"see `kubectl -n {self.namespace} describe jobs,pods -l {self.selector}`.",
                )
            patience.pause(f"{self.what}: {len(found)} of {number} pods run", LOOK_EVERY_S)

    def remove(self, patience: Patience) -> None:
        """Remove them all, and wait until they are gone."""
        places = (objects.jobs(self.namespace), objects.core(self.namespace, "pods"))
        while found := [
            (place, item)
            for place in places
            for item in self.kube.list_objects(place, self.selector)
        ]:
            for place, item in found:
                if not _goes(item):
                    path = f"{place}/{item['metadata']['name']}"
                    self.kube.delete(path, propagation="Background")
            name = found[0][1]["metadata"]["name"]
            if patience.is_over:
                raise CacheError(
                    f"{name} does not end.",
                    fix=f"see `kubectl -n {self.namespace} get jobs,pods -l {self.selector}`.",
                )
            patience.pause(f"{self.what}: {name} to end", LOOK_EVERY_S)

    def _raise_trouble(
        self, waiting: Sequence[Json], *, has_pods: bool, patience: Patience
    ) -> None:
        """Raise with the reason when the limit is reached, or when waiting longer cannot help."""
        events = self.kube.list_objects(objects.core(self.namespace, "events"))
        for pod in waiting:
            trouble = explain.pod_trouble(pod, events)
            if _has_ended(pod):
                trouble = replace(trouble or _end(pod), hopeless=True)
            if trouble is not None and (trouble.hopeless or patience.is_over):
                raise self._error(pod, trouble, patience)
        jobs = objects.jobs(self.namespace)
        for job in [] if has_pods else self.kube.list_objects(jobs, self.selector):
            trouble = explain.set_trouble("Job", str(job["metadata"]["name"]), events)
            if trouble is not None and (trouble.hopeless or patience.is_over):
                raise CacheError(*explain.explain(trouble, "", patience.waited_s, self.namespace))

    def _error(self, pod: Json, trouble: explain.Trouble, patience: Patience) -> CacheError:
        node = trouble.node or self.nodes.get(trouble.pod, "")
        is_toolbox = bool(self.toolbox) and self.toolbox == _image(pod, trouble.container)
        if is_toolbox and trouble.reason in explain.IMAGE_REASONS:
            return CacheError(
                f"{node} has not got the image {self.toolbox}: {trouble.message}",
                "It has the programs that this verb runs on nodes.",
                "build images/toolbox, push it where nodes pull from, and name it in alluxops_toolbox_image.",
            )
        troubles = Troubles(self.kube, self.namespace)
        return troubles.error(replace(trouble, node=node), patience.waited_s)


def _goes(item: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in item["metadata"]


def _runs(pod: Mapping[str, Any], *, may_end: bool) -> bool:
    wanted = {"running", "terminated"} if may_end else {"running"}
    states = pod.get("status", {}).get("containerStatuses") or []
    return bool(states) and all(wanted & set(item.get("state") or {}) for item in states)


def _has_ended(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") in ENDED


def _end(pod: Mapping[str, Any]) -> explain.Trouble:
    """What a pod that has ended says of itself, where its containers and events do not."""
    status = pod["status"]
    reason = str(status.get("reason") or f"it has {str(status['phase']).lower()}")
    return explain.Trouble(
        str(pod["metadata"]["name"]),
        str(pod.get("spec", {}).get("nodeName", "")),
        reason,
        str(status.get("message") or ""),
    )


def _image(pod: Mapping[str, Any], container: str) -> str:
    containers = pod.get("spec", {}).get("containers") or []
    return next((str(one["image"]) for one in containers if one["name"] == container), "")
