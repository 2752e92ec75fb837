"""Report the health of a cache."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    explain,
    health,
    quorum,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.summary import summary
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

LOOK_EVERY_S: Final = 1.0
NODE_FACTS: Final = ("name", "ready", "schedulable", "internal_ip", "kubelet", "runtime", "os")


class ActionModule(ApiAction):
    """alluxops.cache.cache_status."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Look, judge, summarise."""
        report = self._settled_report(kube, options)
        lines = summary(
            report,
            changed=options["changed"],
            elapsed_s=options["elapsed_s"],
            root_ufs=options["root_ufs"],
            journals=options["journals"],
        )
        return {"report": report, "summary": lines, "explanation": _explanation(report)}

    def _settled_report(self, kube: Kube, options: Options) -> Json:
        """The report, once healthy or after the time that an unhealthy cache is given."""
        nodes = [{key: node[key] for key in NODE_FACTS} for node in objects.nodes(kube)]
        identity = {
            "release": options["release"],
            "namespace": options["namespace"],
            "root_ufs": options["root_ufs"],
            "journals": options["journals"],
            "cluster": {"version": kube.version, "platform": kube.platform(), "nodes": nodes},
        }
        patience = Patience(options["settle_timeout_s"])
        while True:
            seen = objects.look(kube, options["namespace"], options["release"])
            expected = _expected(options, seen)
            missing = health.problems(seen, expected)
            if not missing or seen.masters_set is None or patience.is_over:
                if missing and seen.is_installed:
                    seen = replace(seen, reasons=_reasons(kube, options, seen, expected))
                answering = objects.endpoints(kube, options["namespace"], seen)
                found = _quorum(kube, options, seen)
                verify, notes = options["verify"], options["notes"]
                return health.report(identity, seen, expected, answering, verify, found, notes)
            patience.pause("; ".join(missing), LOOK_EVERY_S)


def _reasons(
    kube: Kube, options: Options, seen: health.Seen, expected: health.Expected
) -> dict[str, str]:
    """Why pods that are not ready are not, and why sets make fewer than they should, by name."""
    namespace, release = options["namespace"], options["release"]
    events = kube.list_objects(objects.core(namespace, "events"))
    unready = {str(pod["name"]) for pod in seen.pods if not cluster.is_ready(pod)}
    found = {
        name: explain.reason(pod, events)
        for pod in objects.raw_pods(kube, namespace, release)
        if (name := str(pod["metadata"]["name"])) in unready
        and "deletionTimestamp" not in pod["metadata"]
    }
    for kind, name, role, wanted in (
        ("StatefulSet", f"{release}-master", cluster.MASTER_ROLE, expected.masters),
        ("DaemonSet", f"{release}-worker", cluster.WORKER_ROLE, len(expected.workers)),
    ):
        if len(seen.of_role(role)) < wanted:
            found[name] = explain.set_reason(kind, name, events)
    return {name: why for name, why in found.items() if why}


def _quorum(kube: Kube, options: Options, seen: health.Seen) -> Json | None:
    """The quorum of an embedded journal, where a leader tells it."""
    if seen.masters_set is None or seen.masters_set["ha"] != "embedded":
        return None
    found = Masters(kube, options["namespace"], options["release"]).current(seen)
    return quorum.as_dict(found) if found is not None else None


def _explanation(report: Json) -> str:
    """What is wrong and what to do, as our errors say it; empty for a healthy cache."""
    if report["healthy"]:
        return ""
    return str(
        CacheError(
            f"the cache {report['namespace']}/{report['release']} is not healthy:"
            + "".join(f"\n  {problem}" for problem in report["problems"]),
            fix=f"see `kubectl -n {report['namespace']} get pods -l release={report['release']} -o wide`;"
            " `site` brings back what is missing and explains what it cannot.",
        )
    )


def _expected(options: Options, seen: health.Seen) -> health.Expected:
    """What the settings say, else what the release's own objects say."""
    masters = options["masters"] or (seen.masters_set["replicas"] if seen.masters_set else 1)
    workers = options["workers"] or [
        pod["node"] for pod in seen.pods if pod["role"] == "alluxio-worker"
    ]
    return health.Expected(masters, tuple(sorted(set(workers))))
