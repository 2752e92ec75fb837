"""Prove that the cache serves."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs


class ActionModule(ApiAction):
    """alluxops.cache.cache_verify."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Run the proofs one after the other; each cleans up behind itself."""
        if self.check_mode:
            return {"verify": None}
        namespace, release = options["namespace"], options["release"]
        seen = objects.look(kube, namespace, release)
        if seen.leader is None:
            raise CacheError(
                f"no master of {namespace}/{release} serves.",
                fix=f"see `kubectl -n {namespace} get pods -l release={release}`.",
            )
        proofs = Proofs(kube, namespace, seen, options)
        try:
            # checkConsistency comes while the written files are there: some object stores answer oddly for an empty
            # bucket, and there is something to compare.
            verify = {"write_read": proofs.write_read(), **proofs.on_the_leader()}
        finally:
            proofs.remove_files()
        verify["endpoints"] = objects.endpoints(kube, namespace, seen)
        return {"verify": verify}
