"""Prove that the cache serves."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.verification import unfinished
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs


class ActionModule(ApiAction):
    """alluxops.cache.cache_verify."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Run the proofs one after the other; each cleans up behind itself."""
        if self.check_mode:
            return {"verify": None}
        namespace, release = options["namespace"], options["release"]
        seen = objects.look_at_installed(kube, namespace, release)
        if seen.leader is None:
            raise CacheError(
                f"no master of {namespace}/{release} serves.",
                fix=f"see `kubectl -n {namespace} get pods -l release={release}`.",
            )
        proofs = Proofs(kube, namespace, seen, options)
        with at_the_end(proofs.remove_files):
            # checkConsistency comes while the written files are there: some object stores answer oddly for an empty
            # bucket, and there is something to compare.
            verify: Json = {
                "write_read": proofs.write_read(),
                "run_tests": proofs.run_tests(),
                "consistency": proofs.consistency(),
            }
        verify["endpoints"] = objects.endpoints(kube, namespace, seen)
        return {"verify": verify, "warnings": _warnings(verify["consistency"])}


def _warnings(consistency: Json | None) -> list[str]:
    """What is worth saying of proofs that do not make the cache unhealthy."""
    words = unfinished(consistency)
    if consistency is None or not words or consistency["required"]:
        return []
    why = "the under store or the leader is slow. What was written was read back all the same"
    return [f"{words}: {why}; `alluxops verify` compares again."]
