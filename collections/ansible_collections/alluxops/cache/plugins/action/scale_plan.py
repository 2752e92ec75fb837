"""Plan the steps to another number of masters, from what runs now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    failover,
    quorum,
    scale,
    upgrade_told,
    values,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

LOOK_EVERY_S: Final = 2.0
LEADERLESS: Final = 4
"""How many times as long a leader is waited for: a run that was killed may leave masters that restart one by one."""
STOPPED: Final = 1
"""How many masters a release names while its only one is stopped for the conversion of its journal."""


class ActionModule(ApiAction):
    """alluxops.cache.scale_plan."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Read, plan; change nothing."""
        now = self._running(kube, options)
        wanted = scale.Wanted(options["masters"], options["ha"], options["hosts"])
        steps = scale.plan_scale(now, wanted)
        shown = [f"{number}. {step.why}" for number, step in enumerate(steps, 1)]
        # The last step is there also where nothing is to change.
        changes = len(steps) > 1
        return {
            # The steps say themselves what they change; in check mode there are none.
            "changed": self.check_mode and changes,
            "steps": [_step(step, options["values"]) for step in steps],
            "shown": shown,
            "costs": [f"each worker restarts: {upgrade_told.UNPERSISTED}"] if changes else [],
            "lines": [f"alluxio_masters: {wanted.masters}", f"alluxio_ha: {wanted.ha}"],
            "diff": {
                "before": "",
                "after": "".join(f"{line}\n" for line in shown) if changes else "",
            },
        }

    def _running(self, kube: Kube, options: Options) -> scale.Running:
        namespace, release = options["namespace"], options["release"]
        facts = cluster.workload_facts(objects.masters_set(kube, namespace, release))
        if facts is None:
            raise SettingsError(
                f"there is no release {release} in namespace {namespace}.",
                "scale-masters changes a release that runs.",
                "`alluxops site` deploys one with as many masters as the settings say.",
            )
        config = kube.get(objects.core(namespace, "configmaps", f"{release}-config")) or {}
        settings = config.get("data") or {}
        ha, running = cluster.ha_of_config(settings), int(facts["replicas"])
        found = None
        if ha == "embedded" and running:
            found = self._settled(Masters(kube, namespace, release), options, running)
        count = cluster.masters_of_config(settings) or running
        return scale.Running(options["family"], ha, count, running, found)

    def _settled(self, masters: Masters, options: Options, running: int) -> quorum.Quorum | None:
        """The quorum, once it is healthy and has all that run, or as it is when the time for that is over."""
        settled_s = options["settle_timeout_s"]
        patience = Patience(LEADERLESS * settled_s)
        while True:
            found = masters.current()
            if found is not None and found.is_healthy and len(found.members) == running:
                return found
            if patience.is_over or (found is not None and patience.waited_s >= settled_s):
                return found
            shown = quorum.shown(found) if found is not None else "no leader"
            patience.pause(f"the quorum to settle ({shown})", LOOK_EVERY_S)


def _step(step: scale.Step, final: Mapping[str, Any]) -> dict[str, Any]:
    """A step, with what it changes in the chart's values.

    final: the values once all is done. Those of a single master do not suit masters that vote: they would restart with
    these, in the midst of the change, in Kubernetes' order and with another one leading.
    """
    master: dict[str, Any] = {"count": step.count, "running": step.running}
    found = {
        **step.as_dict(),
        "values": {"journal": {"type": step.journal_type}, "master": master},
    }
    if step.journal_type == scale.JOURNAL_TYPES["embedded"] and step.count > 1:
        known, mine = final.get("properties") or {}, final.get("master") or {}
        voting = failover.properties(step.count, "embedded")
        found["values"]["properties"] = {
            key: value for key, value in voting.items() if key not in known
        }
        master |= {
            key: value for key, value in values.restarts(step.count).items() if key not in mine
        }
    if step.what == "convert":
        found["stopped_values"] = {
            "journal": {"type": step.from_type},
            "master": {"count": STOPPED, "running": 0},
        }
    return found
