"""Measure what the links of a cluster and its store carry, and say which is the narrowest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    network_pairs,
    network_pods,
    network_report,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Pods, Store
from ansible_collections.alluxops.cache.plugins.module_utils.network_report import Asked
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import report_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.network_run import Session

RANGES: Final = {"pairs": (1, 10_000), "seconds": (1, 60), "streams": (1, 64)}


class ActionModule(ApiAction):
    """alluxops.cache.network. Nothing is left of it, so it changes nothing."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises ManySettingsErrors before a pod is made."""
        namespace, release = options["namespace"], options["release"]
        report = _report(options)
        workers = _workers(kube, namespace, release)
        compute = sorted({*options["compute_nodes"]} - {*workers})
        store = network_pods.store_of(
            options["root_ufs"], options["root_ufs_options"], options["store_object"]
        )
        raise_all([*_node_faults(kube, compute), *_secret_faults(kube, options, store)])

        schedule = network_pairs.schedule(workers, compute, options["pairs"], options["seed"])
        nodes = schedule.nodes or tuple(sorted({*workers, *compute}))
        asked = Asked(
            limit=options["pairs"],
            seconds=options["seconds"],
            streams=options["streams"],
            seed=options["seed"],
            host_network=options["host_network"],
            possible=schedule.possible,
            pairs=len(schedule.pairs),
            rounds=len(schedule.rounds),
            nodes=len(nodes),
        )
        head = f"{release} network"
        no_store = f"{options['root_ufs'] or 'no root'} is not read by S3, so it is not measured"
        if self.check_mode:
            where = f"s3://{store.bucket}/{store.prefix}" if store else no_store
            lines = network_report.planned(asked, sorted(workers), compute, where)
            return {"changed": False, "measured": {}, "report": "", "summary": [head, *lines]}

        session = Session(
            kube,
            _pods(kube, options, store),
            asked.seconds,
            asked.streams,
            float(options["wait_timeout_s"]),
        )
        with session.opened(nodes):
            measured = Measured(
                workers=tuple(node for node in nodes if node in workers),
                compute=tuple(node for node in nodes if node in compute),
                links=session.links(schedule),
                store=session.store(store, nodes) if store else None,
                disks=session.disks(
                    {node: workers[node] for node in nodes if node in workers},
                    objects.WORKER_CONTAINER,
                ),
            )
        missing = [
            *([network_report.alone(nodes)] if not schedule.possible else []),
            *([] if store else [f"the store: {no_store}"]),
            *session.missing,
        ]
        return _result(measured.without(missing), asked, f"{namespace}/{release}", head, report)


def _result(measured: Measured, asked: Asked, cache: str, head: str, report: Path) -> Result:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    document = network_report.document(measured, asked, cache, now)
    report_files.write_report(report, document)
    lines = network_report.summary(measured, asked, str(report))
    return {
        "changed": False,
        "measured": document,
        "report": str(report),
        "summary": [head, *lines],
    }


def _report(options: Options) -> Path:
    """Where the report goes. Raises ManySettingsErrors for numbers out of range."""
    faults = [
        SettingsError(f"network_{name} is {options[name]}.", fix=f"set {least} to {most}.")
        for name, (least, most) in RANGES.items()
        if not least <= options[name] <= most
    ]
    raise_all(faults)
    return report_files.report_path(
        options["report"], options["namespace"], options["release"], "network"
    )


def _workers(kube: Kube, namespace: str, release: str) -> dict[str, str]:
    """The pod of each node with a worker that runs. Raises SettingsError where there is none."""
    seen = objects.look_at_installed(kube, namespace, release)
    found = {
        str(pod["node"]): str(pod["name"])
        for pod in seen.pods
        if pod["role"] == cluster.WORKER_ROLE and pod["phase"] == "Running" and pod["node"]
    }
    if not found:
        raise SettingsError(
            f"no worker of {namespace}/{release} runs.",
            "Their nodes are what is measured.",
            "see `alluxops status`.",
        )
    return found


def _node_faults(kube: Kube, compute: Sequence[str]) -> list[SettingsError]:
    if not compute:
        return []
    known = {node["name"]: node for node in objects.nodes(kube)}
    faults = []
    for name in compute:
        if name not in known:
            fix = f"name nodes as `kubectl get nodes` does: {', '.join(list(known)[:8])}."
            faults.append(
                SettingsError(
                    f"network_compute_nodes has {name!r}, no node of the cluster.", "", fix
                )
            )
        elif not known[name]["ready"]:
            faults.append(
                SettingsError(
                    f"network_compute_nodes has {name}, which is not ready.",
                    "No pod can be started there.",
                    f"see `kubectl describe node {name}`, or leave it out.",
                )
            )
    return faults


def _secret_faults(
    kube: Kube, options: Mapping[str, Any], store: Store | None
) -> list[SettingsError]:
    namespace, secret = options["namespace"], options["secret"]
    if store is None or not secret:
        return []
    place = objects.core(namespace, "secrets")
    found = kube.list_objects(place, fields=f"metadata.name={secret}", names_only=True)
    if found:
        return []
    return [
        SettingsError(
            f"there is no Secret {secret} in {namespace}.",
            "The store is read with its accessKeyId and secretKey.",
            "see alluxio_root_ufs_secret and alluxio_root_ufs_credentials; `alluxops site` makes it of the latter.",
        )
    ]


def _pods(kube: Kube, options: Mapping[str, Any], store: Store | None) -> Pods:
    namespace, release = options["namespace"], options["release"]
    template: Json = (objects.workers_set(kube, namespace, release) or {}).get("spec", {})
    secrets = template.get("template", {}).get("spec", {}).get("imagePullSecrets") or []
    return Pods(
        namespace=namespace,
        release=release,
        image=options["image"],
        pull_secrets=tuple(str(secret["name"]) for secret in secrets),
        secret=options["secret"] if store else "",
        host_network=options["host_network"],
    )
