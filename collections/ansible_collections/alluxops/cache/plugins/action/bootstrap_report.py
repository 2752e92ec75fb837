"""Say what became of the hosts of bootstrap-workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import bootstrap_report
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)


class ActionModule(ControllerAction):
    """alluxops.cache.bootstrap_report."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Changes nothing."""
        del task_vars
        hosts = {host: _found(one) for host, one in options["hosts"].items() if one}
        waiting = [host for host, one in options["hosts"].items() if not one]
        note = bootstrap_report.inventory_line(list(hosts), options["workers"])
        return {
            "summary": bootstrap_report.lines(
                hosts, options["failed"], waiting, check_mode=self.check_mode
            ),
            "notes": [note] if note and not self.check_mode else [],
        }


def _found(registered: Mapping[str, Any]) -> dict[str, Any]:
    """What the tasks registered for one host."""
    plan, canary = registered["plan"], registered.get("canary") or {}
    node = plan["node"]
    arrived = ((registered.get("arrival") or {}).get("nodes") or {}).get(node) or {}
    ended, began = (
        float(at or 0) for at in (arrived.get("registered_at"), registered.get("began"))
    )
    return {
        "plan": plan,
        "took_s": max(ended - began, 0.0),
        "join_s": (registered.get("join") or {}).get("took_s"),
        "arrival": arrived,
        "canary": (canary.get("nodes") or {}).get(node),
        "writer": canary.get("writer"),
        "hung": (registered.get("node") or {}).get("hung"),
        "mended": bootstrap_report.mended(
            plan,
            registered.get("node") or {},
            registered.get("device") or {},
            registered.get("packages") or {},
        ),
    }
