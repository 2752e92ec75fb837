"""Refuse, in one error, what node_check found on all nodes; else tell what was checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import journal, preflight_report
from ansible_collections.alluxops.cache.plugins.module_utils.claims import in_no_volume
from ansible_collections.alluxops.cache.plugins.module_utils.journal_place import (
    elsewhere,
    left_behind,
    superseded,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_shared import apart
from ansible_collections.alluxops.cache.plugins.module_utils.node_report import (
    faults,
    fewer,
    left_out,
    lost,
    old_copies,
    older,
    others,
)
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
        masters = {node["host"]: node["name"] for node in options["masters"]}
        wanted = journal.Wanted.from_values(
            options["namespace"], options["release"], options["values"], cluster=""
        )
        results, claims = options["results"], options["claims"]
        found = faults(results) + left_out(results, masters, claims, wanted)
        found += apart(results, masters, claims)
        if options["away"]:
            found += fewer(results, masters, claims, wanted)
            if options["policy"] != "force" and not options["restores"]:
                found += old_copies(results, masters, claims, wanted)
                if options["values"]:  # else nobody knows yet which claims there are
                    for look in (elsewhere, superseded):
                        found += look(
                            results,
                            masters,
                            claims,
                            wanted,
                            folder=options["folder"],
                            noted=options["noted"],
                        )
        elif not options["restores"]:
            found += others(results, masters, claims, wanted, noted=options["noted"])
        if options["values"]:
            found += in_no_volume(
                claims,
                options["values"],
                policy=options["policy"],
                restores=options["restores"],
            )
        found += lost(
            results, masters, claims, wanted, noted=options["noted"], leads=options["leads"]
        )
        found += older(results, masters, claims, wanted, serves=options["serves"])
        raise_all(found)
        behind = {}
        if options["values"]:
            behind = left_behind(results, masters, claims, wanted, datetime.now(UTC))
        nodes = {host: result.get("checks") or [] for host, result in options["results"].items()}
        summary = preflight_report.lines(
            options["title"], options["cluster_checks"], nodes, options["held_by"]
        )
        return {
            "changed": False,
            "nodes": sorted(nodes),
            "left_behind": {host: marker.text() for host, marker in behind.items()},
            "summary": summary,
        }
