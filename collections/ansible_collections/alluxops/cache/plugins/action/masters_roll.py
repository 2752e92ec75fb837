"""Restart the masters that have not read the release's last settings: one at a time, the leader last."""

from __future__ import annotations

from typing import Final

from ansible_collections.alluxops.cache.plugins.action.cache_wait import TroubleWatch
from ansible_collections.alluxops.cache.plugins.module_utils import roll
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (
    MASTER_ROLE,
    ordinal_of,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

LOOK_EVERY_S: Final = 0.7


class ActionModule(ApiAction):
    """alluxops.cache.masters_roll."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Look, decide, restart one, until every master has the last settings."""
        if self.check_mode:
            return self._predict(kube, options)
        namespace, release = options["namespace"], options["release"]
        patience = Patience(options["wait_timeout_s"])
        masters = Masters(kube, namespace, release)
        watch = TroubleWatch(kube, namespace, release)
        restarted: list[str] = []
        led_at = patience.waited_s
        while True:
            raw = objects.raw_pods(kube, namespace, release)
            seen = objects.look(kube, namespace, release, raw)
            if seen.leader is not None:
                led_at = patience.waited_s
            step = roll.before_quorum(seen, patience.waited_s - led_at)
            if step is None:
                embedded = seen.masters_set is not None and seen.masters_set["ha"] == "embedded"
                found = masters.current(seen) if embedded else None
                step = roll.after_quorum(seen, found, is_embedded=embedded)
            for name in step.restart:
                kube.delete(objects.core(namespace, "pods", name), propagation="Background")
                restarted.append(name)
            if not step.restart and not step.awaited:
                return self._result(restarted)
            if patience.is_over:
                raise watch.timeout([step.awaited or "the masters to restart"], patience)
            mine = [pod for pod in raw if pod["metadata"]["labels"].get("role") == MASTER_ROLE]
            watch.check(mine, seen, patience)
            said = step.awaited or f"{', '.join(step.restart)} to restart"
            patience.pause(said + watch.last_reason, LOOK_EVERY_S)

    def _predict(self, kube: Kube, options: Options) -> Result:
        seen = objects.look(kube, options["namespace"], options["release"])
        if seen.masters_set is None or seen.masters_set["rolls_itself"]:
            return self._result([])
        old = roll.stale(seen)
        if options["changes"]:
            old = {ordinal_of(pod["name"]): pod for pod in seen.of_role(MASTER_ROLE)}
        return self._result(roll.order(seen, old))

    def _result(self, restarted: list[str]) -> Result:
        after = "".join(f"{name}: restarted\n" for name in restarted)
        return {
            "changed": bool(restarted),
            "restarted": restarted,
            "diff": {"before": "", "after": after},
        }
