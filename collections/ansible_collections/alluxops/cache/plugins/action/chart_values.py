"""Compute the chart's final values on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    claims,
    placement,
    tolerations,
    values,
    values_check,
    zookeeper,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.plugin_utils import charts
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.origins import lines_of


class ActionModule(ControllerAction):
    """Defaults, the user's values and decisions become one set of values, checked against the chart."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Raises ManySettingsErrors; changes nothing."""
        settings = Settings.from_dict(options["settings"])
        if settings.chart_is_local:
            chart = charts.read_chart(Path(settings.chart_ref))
        elif options["chart"]:
            chart = values.chart_from(options["chart"]["metadata"], options["chart"]["values"])
        else:
            raise SettingsError(
                f"the chart {settings.chart_ref} was not read.",
                "It comes from a repository, which Helm on kube_control reaches.",
                "run alluxops.cache.helm_release with state: chart first, and give its result as chart.",
            )
        lines = lines_of(task_vars.get("alluxio_values"), "alluxio_values")
        final, _, faults = charts.compose_checked(settings, chart, lines)
        charts.raise_all(faults)
        kinds = tolerations.by_kind(settings, final.effective)
        return {
            "values": plain(final.given),
            "effective": plain(final.effective),
            "claims": plain(claims.claims(settings, final.effective)),
            "tolerations": plain(kinds),
            "worker_selector": plain(
                placement.users_selector(settings, chart.family, final.effective)
            ),
            "zookeeper": plain(zookeeper.chart_values(settings, kinds["zookeeper"])),
            "family": chart.family,
            "chart_name": chart.name,
            "chart_version": chart.version,
            "restart_digest": values.restart_digest(final.effective),
            "warnings": values_check.warnings(final),
        }
