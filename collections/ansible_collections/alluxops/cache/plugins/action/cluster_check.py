"""Check that the cluster can carry the release."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster_checks,
    volume_plan,
    volumes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube


class ActionModule(ApiAction):
    """alluxops.cache.cluster_check."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Check all, then fail with everything that does not hold."""
        cluster = options["cluster"] or objects.read_cluster(
            kube, options["namespace"], options["release"]
        )
        checks = cluster_checks.check(cluster, cluster_checks.Wanted.from_options(options))
        checks += _volume_checks(kube, options)
        result: Result = {
            "checks": [
                {"check": item.check, "ok": item.ok, "value": item.value, "fix": item.fix}
                for item in checks
            ],
        }
        failed = [item for item in checks if not item.ok]
        if not failed:
            result["cluster"] = cluster
        else:
            errors = [
                SettingsError(f"{item.check}: {item.value}.", item.cause, item.fix)
                for item in failed
            ]
            result.update(ManySettingsErrors(errors).result())
        return result


def _volume_checks(kube: Kube, options: Options) -> list[cluster_checks.Check]:
    """Whether the volumes that exist agree with the settings."""
    if not options["claims"]:
        return []
    release = volumes.Release(options["namespace"], options["release"])
    existing: list[Json] = kube.list_objects(objects.volume())
    claims: list[Json] = kube.list_objects(
        objects.core(release.namespace, "persistentvolumeclaims")
    )
    try:
        volume_plan.plan_volumes(
            release, [volumes.claim_of(claim) for claim in options["claims"]], existing, claims
        )
    except SettingsError as error:
        return [cluster_checks.fails("volumes", error.what.rstrip("."), error.fix, error.cause)]
    return [
        cluster_checks.holds("volumes", f"{len(options['claims'])} claims agree with what exists")
    ]
