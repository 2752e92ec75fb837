"""Check that the cluster can carry the release."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster_checks,
    ensemble,
    node_labels,
    scale,
    volume_plan,
    volumes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble_check import ensemble_check
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.restore_check import restore_check
from ansible_collections.alluxops.cache.plugins.plugin_utils import helm_records, restores
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube


class ActionModule(ApiAction):
    """alluxops.cache.cluster_check."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Check all, then fail with everything that does not hold."""
        # Read here and left here: thousands of nodes take long to go through Ansible's variables, out and in again.
        cluster = objects.read_cluster(kube, options["namespace"], options["release"])
        cluster = _with_count(kube, cluster, options)
        wanted = cluster_checks.Wanted.from_options(
            options,
            may_label=_may_label(kube, cluster, options),
            secret_lacks=_secret_lacks(kube, cluster, options),
        )
        checks = cluster_checks.check(cluster, wanted)
        elects = ensemble.of_release(
            options["namespace"], options["release"], options["zookeeper_addresses"]
        )
        checks.append(ensemble_check(cluster, elects, options["places"], options["namespace"]))
        checks += _volume_checks(kube, cluster, options)
        if not options["restores"]:
            found = restores.read(kube, options["namespace"], options["release"], cluster["pods"])
            checks.append(restore_check(found.goes_on, options["release"]))
        noted = {} if options["restores"] else _noted(cluster, options)
        # Asked only where it decides something.
        leader = objects.find_leader(kube, options["namespace"], cluster["pods"]) if noted else None
        result: Result = {
            "checks": [
                {"check": item.check, "ok": item.ok, "value": item.value, "fix": item.fix}
                for item in checks
            ],
            "noted": noted,
            "leads": leader is not None,
            "serves": _type_of(cluster["masters"]) if leader is not None else "",
            "away": not (options["restores"] or cluster["masters"]),
        }
        failed = [item for item in checks if not item.ok]
        if failed:
            errors = [
                SettingsError(f"{item.check}: {item.value}.", item.cause, item.fix)
                for item in failed
            ]
            result.update(ManySettingsErrors(errors).result())
        return result


def _noted(cluster: Json, options: Options) -> dict[str, str]:
    """What the claims of masters say of a journal that lies in their volume, where they say it."""
    journals = {claim["name"] for claim in options["claims"] if claim["kind"] == "journal"}
    return {
        claim["name"]: claim["holds_journal"]
        for claim in cluster["claims"]
        if claim["name"] in journals and claim["holds_journal"]
    }


def _type_of(masters: Json | None) -> str:
    """The type of journal that a release has, by its ConfigMap."""
    return scale.JOURNAL_TYPES[masters["ha"]] if masters else ""


def _with_count(kube: Kube, cluster: Json, options: Options) -> Json:
    """The cluster, with how many masters there were, by Helm's records, where all are stopped and nothing else tells.

    With ZooKeeper the settings name no masters.
    """
    masters = cluster["masters"]
    if not masters or masters["replicas"] or masters.get("count"):
        return cluster
    past = [item["revision"] for item in cluster["revisions"]]
    count = helm_records.masters(kube, options["namespace"], options["release"], past)
    return {**cluster, "masters": {**masters, "count": count}}


def _secret_lacks(kube: Kube, cluster: Json, options: Options) -> tuple[str, ...]:
    """The keys that the user's own Secret lacks; none where it will be made, or may not be read."""
    name = options["secret"]
    if options["secret_is_given"] or name not in cluster["secrets"]:
        return ()
    try:
        secret = kube.get(objects.core(options["namespace"], "secrets", name))
    except ApiError:
        return ()  # not known: the task that uses it tells
    return cluster_checks.lacking_credentials(secret) if secret is not None else ()


def _may_label(kube: Kube, cluster: Json, options: Options) -> bool:
    """Whether we may label the workers' nodes; asked only where one lacks the label."""
    key = node_labels.worker_key(options["namespace"], options["release"])
    labels = {node["name"]: node["labels"].get(key) for node in cluster["nodes"]}
    if all(labels.get(name, node_labels.VALUE) == node_labels.VALUE for name in options["workers"]):
        return True
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "patch", "resource": "nodes"}},
    }
    try:
        answer = kube.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    except ApiError:
        return True  # not known: the label's own task tells
    return bool((answer.get("status") or {}).get("allowed"))


def _volume_checks(kube: Kube, cluster: Json, options: Options) -> list[cluster_checks.Check]:
    """Whether the volumes that exist agree with the settings."""
    if not options["claims"]:
        return []
    release = volumes.Release(options["namespace"], options["release"])
    existing: list[Json] = kube.list_objects(objects.volume())
    claims: list[Json] = kube.list_objects(
        objects.core(release.namespace, "persistentvolumeclaims")
    )
    labels = {node["name"]: node["labels"].get(volumes.HOSTNAME, "") for node in cluster["nodes"]}
    try:
        wanted = [volumes.claim_of(claim, labels) for claim in options["claims"]]
        volume_plan.plan_volumes(release, wanted, existing, claims)
    except SettingsError as error:
        return [cluster_checks.fails("volumes", error.what.rstrip("."), error.fix, error.cause)]
    count = len(wanted)
    agree = "1 claim agrees" if count == 1 else f"{count} claims agree"
    return [cluster_checks.holds("volumes", f"{agree} with what exists")]
