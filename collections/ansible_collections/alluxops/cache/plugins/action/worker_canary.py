"""Read a file that was written elsewhere through each of some workers."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.canary import NOTHING, Canary
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


class ActionModule(ApiAction):
    """alluxops.cache.worker_canary."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises CacheError where the file cannot be written."""
        if self.check_mode or not options["nodes"]:
            return {"writer": "", "nodes": dict.fromkeys(options["nodes"], NOTHING)}
        seen = objects.look_at_installed(kube, options["namespace"], options["release"])
        canary = Canary(kube, options["namespace"], seen, options)
        with at_the_end(canary.remove):
            return canary.fly(options["nodes"])
