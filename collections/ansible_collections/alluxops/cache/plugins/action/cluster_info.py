"""Read what a release needs to know of its cluster."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import read_cluster


class ActionModule(ApiAction):
    """alluxops.cache.cluster_info."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Read."""
        return {"cluster": read_cluster(kube, options["namespace"], options["release"])}
