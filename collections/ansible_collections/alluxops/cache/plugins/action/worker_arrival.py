"""Label nodes, and wait until each carries a worker that is registered with the leader."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.action.cache_wait import (
    TroubleWatch,
    read_events,
)
from ansible_collections.alluxops.cache.plugins.module_utils import (
    arrival,
    bootstrap,
    cluster,
    health,
    node_labels,
    node_marks,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import node_changes
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube

LOOK_EVERY_S: Final = 0.7


class ActionModule(ApiAction):
    """alluxops.cache.worker_arrival."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Mark the nodes; then, outside of check mode, wait for all of them at once."""
        arrivals = Arrivals(kube, options, check_mode=self.check_mode)
        arrivals.look()
        patience = Patience(options["wait_timeout_s"])
        while not self.check_mode and (missing := arrivals.missing(patience)):
            if patience.is_over:
                arrivals.give_up(patience)
                break
            patience.pause("; ".join(missing[:2]), LOOK_EVERY_S)
            arrivals.look()
        return arrivals.result()


class Arrivals:
    """The nodes that are waited for, and what became of each."""

    def __init__(self, kube: Kube, options: Options, *, check_mode: bool) -> None:
        self._kube = kube
        self._namespace, self._release = options["namespace"], options["release"]
        self._check_mode = check_mode
        self._key = node_labels.worker_key(self._namespace, self._release)
        self._given = {
            name: bootstrap.given(one.get("labels") or {}, one.get("taints") or [])
            for name, one in options["marks"].items()
        }
        self._joined = frozenset(options["joined"])
        self._waiting = list(dict.fromkeys(options["nodes"]))
        self._ready: dict[str, bool] = {}
        self._marked_at: dict[str, float] = {}
        self._changes: dict[str, Json] = {}
        self._found: dict[str, Json] = {
            name: {
                "changed": False,
                "ready_s": 0.0,
                "registered_s": 0.0,
                "registered_at": 0.0,
                "capacity_bytes": 0,
                "problem": "",
            }
            for name in self._waiting
        }
        self._events: list[Json] | None = None
        self._watches = {
            name: TroubleWatch(kube, self._namespace, self._release, [name], self._events_of_look)
            for name in self._waiting
        }

    def _events_of_look(self) -> list[Json]:
        """The namespace's events, read once a look however many nodes are waited for."""
        if self._events is None:
            self._events = read_events(self._kube, self._namespace)
        return self._events

    def look(self) -> None:
        """Read the nodes, and mark those that have come."""
        self._events = None
        for item in self._kube.list_objects(objects.node()):
            name = item["metadata"]["name"]
            if name in self._found:
                self._ready[name] = bool(cluster.node_facts(item)["ready"])
                if name not in self._marked_at:
                    self._mark(name, item)

    def _mark(self, name: str, item: Json) -> None:
        change = self._change(item)
        if change and not self._check_mode:
            try:
                node_changes.change(self._kube, item, self._change)
            except ApiError as error:
                command = node_labels.by_hand([name], self._key)
                raise CacheError(
                    f"node {name} cannot be labelled: {error.reason}.",
                    "workers run on labelled nodes.",
                    f"give the kubeconfig's user the right to patch nodes; by hand it is `{command}`.",
                ) from error
        self._marked_at[name] = time.monotonic()
        if change:
            self._changes[name] = change
            self._found[name]["changed"] = True

    def _change(self, item: Json) -> Json:
        """The merge patch of a node that has come."""
        name = item["metadata"]["name"]
        given = self._given.get(name, node_marks.Given())
        notes = node_marks.at_arrival(item, self._key, given, joined=name in self._joined)
        labels = {**given.labels, self._key: node_labels.VALUE}
        return arrival.patch(item, labels, given.taints, notes)

    def missing(self, patience: Patience) -> list[str]:
        """What is still waited for, in words. A node whose trouble will not pass is waited for no longer."""
        try:
            raw = objects.raw_pods(self._kube, self._namespace, self._release)
            seen = objects.look(self._kube, self._namespace, self._release, raw)
        except ApiError as error:
            if error.status in {401, 403}:
                raise
            return [f"the API server ({error.reason})"]
        said = []
        for name in list(self._waiting):
            awaited = arrival.awaited(name, self._ready.get(name), seen)
            found = self._found[name]
            if self._ready.get(name) and not found["ready_s"]:
                found["ready_s"] = round(patience.waited_s, 1)
            if not awaited:
                found["registered_s"] = round(time.monotonic() - self._marked_at[name], 1)
                found["registered_at"] = time.time()
                found["capacity_bytes"] = arrival.capacity(name, seen)
                self._waiting.remove(name)
            elif not self._is_hopeless(name, raw, seen, patience):
                said.append(awaited)
                found["awaited"] = awaited
        return said

    def _is_hopeless(
        self, name: str, raw: list[Json], seen: health.Seen, patience: Patience
    ) -> bool:
        own = [pod for pod in raw if cluster.node_of(pod) == name]
        try:
            self._watches[name].check(own, seen, patience)
        except CacheError as error:
            self._found[name]["problem"] = str(error)
            self._waiting.remove(name)
            return True
        return False

    def give_up(self, patience: Patience) -> None:
        """Say of each node that has not got there what it lacks."""
        for name in self._waiting:
            found: Mapping[str, Any] = self._found[name]
            error = CacheError(
                f"{name} carries no worker that serves after {patience.timeout_s:.0f} s: waited for"
                f" {found.get('awaited', 'it')}.",
                fix=f"see `kubectl describe node {name}` and `kubectl -n {self._namespace} get pods -l"
                f" release={self._release} -o wide`; a slow machine may need a larger alluxops_wait_timeout_s.",
            )
            self._found[name]["problem"] = str(error)

    def result(self) -> Result:
        """What worker_arrival returns."""
        return {
            "changed": bool(self._changes),
            "nodes": self._found,
            "diff": [
                {
                    "before_header": f"labels and taints of node {name}",
                    "after_header": f"labels and taints of node {name}",
                    "before": "",
                    "after": arrival.shown(change),
                }
                for name, change in self._changes.items()
            ],
        }
