"""Prove that the cache serves."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import health, proven
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.verification import unfinished
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.proven import Mark


class ActionModule(ApiAction):
    """alluxops.cache.cache_verify."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Run the proofs one after the other; each cleans up behind itself."""
        namespace, release = options["namespace"], options["release"]
        mark = Mark(kube, namespace, release)
        if options["unless_proven"] and not mark.is_missing:
            return {"skipped": True, "verify": None, "note": "", "msg": "it has been proven"}
        if self.check_mode:
            return {"verify": None, "note": _would_prove(mark.revision)}
        seen = _without_ghosts(kube, options)
        if seen.leader is None:
            raise CacheError(
                f"no master of {namespace}/{release} serves.",
                fix=f"see `kubectl -n {namespace} get pods -l release={release}`.",
            )
        mark.remove()
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
        if proven.passed(verify):
            mark.put()
        warnings = [*_warnings(verify["consistency"]), *mark.warnings]
        return {"verify": verify, "note": "", "warnings": warnings}


def _without_ghosts(kube: Kube, options: Options) -> health.Seen:
    """A look at the release, once its leader sends no client to a worker that is gone, or after a while."""
    patience = Patience(min(health.FORGET_S, options["wait_timeout_s"]))
    while True:
        seen = objects.look_at_installed(kube, options["namespace"], options["release"])
        passing = health.ghosts_told(health.ghosts(seen))
        if not passing or patience.is_over:
            return seen
        patience.pause(passing[0], 1.0)


def _would_prove(revision: proven.Revision | None) -> str:
    """What a run that may change something would do, in words."""
    why = ""
    if revision is not None and not revision.is_proven:
        why = f": nothing has proven yet that revision {revision.number} serves"
    return f"a run without check mode writes, reads and runs the tests{why}."


def _warnings(consistency: Json | None) -> list[str]:
    """What is worth saying of proofs that do not make the cache unhealthy."""
    words = unfinished(consistency)
    if consistency is None or not words or consistency["required"]:
        return []
    why = "the under store or the leader is slow. What was written was read back all the same"
    return [f"{words}: {why}; `alluxops verify` compares again."]
