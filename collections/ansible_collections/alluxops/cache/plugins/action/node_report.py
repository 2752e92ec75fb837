"""Refuse, in one error, what node_check found on all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.node_report import faults
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all


class ActionModule(ControllerAction):
    """The verdict over every node."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Raises ManySettingsErrors."""
        del task_vars
        raise_all(faults(options["results"]))
        return {"changed": False, "nodes": sorted(options["results"])}
