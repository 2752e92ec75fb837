"""Plan what makes hosts workers, and refuse those that cannot become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ansible.inventory.manager import split_host_pattern

from ansible_collections.alluxops.cache.plugins.module_utils import (
    bootstrap,
    cluster,
    health,
    join_needs,
    node_device,
    node_labels,
    residue,
    settings,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.node_report import (
    could_not_look,
    faults,
    judged,
    within_budget,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import (
    cluster_trust,
    kubelet_settings,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.given_files import Files
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube

WISHES: Mapping[str, Mapping[str, Any]] = {
    "bootstrap_workers_join": {"type": "bool", "default": False},
    "bootstrap_workers_labels": {"type": "dict", "default": {}},
    "bootstrap_workers_taints": {"type": "list", "elements": "dict", "default": []},
}
"""What each host of a run asks for itself, with the types that the role settings has for it."""


class ActionModule(ControllerAction):
    """alluxops.cache.bootstrap_plan."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Raises ManySettingsErrors; UnreachableError where the API server does not answer."""
        against = _limit(task_vars)
        if not options["results"]:
            raise_all(against)
            return {"plans": {}}
        results = {host: judged(result) for host, result in options["results"].items()}
        lost = within_budget(results, options["max_fail_percentage"])
        against += faults({host: one for host, one in results.items() if host not in lost})
        kube = Kube.open(options["kubeconfig"])
        workers = objects.workers_set(kube, options["namespace"], options["release"])
        if workers is None:
            what = f"the cache {options['namespace']}/{options['release']} is not installed."
            cause = "A worker joins a cache that runs."
            fix = "`alluxops site` installs it; hosts of cache_workers get their workers from it."
            raise ManySettingsErrors([*against, SettingsError(what, cause, fix)])
        kubelets = kubelet_settings.read(kube)
        known = _cluster(kube, options, workers, kubelets)
        files = Files(self._find_needle)
        hosts = []
        for host, result in results.items():
            if not could_not_look(result):
                wanted, wrong = _wanted(host, task_vars)
                one = replace(_host(host, result, known, files, task_vars), wanted=wanted)
                hosts.append(_with_device(one, options, task_vars))
                against += wrong
        against += files.faults
        found, more = bootstrap.plans(hosts, known)
        raise_all(against + more)
        fuse = objects.fuse_set(kube, options["namespace"], options["release"])
        return {
            "plans": {plan.host: asdict(plan) for plan in found},
            "offers": {host.host: list(host.offers) for host in hosts},
            "version": known.version,
            "cgroup_driver": kubelets.cgroup_driver,
            "mount_points": residue.mount_points(fuse),
            "left_out": lost,
            "shown": [
                *(f"{plan.host}: {plan.text}" for plan in found),
                *(f"{host}: left out, it could not be looked at" for host in lost),
            ],
        }


def _limit(task_vars: Mapping[str, Any]) -> list[SettingsError]:
    limit = str(task_vars.get("ansible_limit") or "")
    selected = task_vars["ansible_play_hosts_all"]
    return bootstrap.limit_faults(limit, task_vars["groups"], split_host_pattern(limit), selected)


def _wanted(
    host: str, task_vars: Mapping[str, Any]
) -> tuple[bootstrap.Wanted, list[SettingsError]]:
    """What a host's own variables ask for, and those of a wrong type: an inventory's "false" is a text."""
    own = task_vars["hostvars"][host]
    said = {name: plain(own[name]) for name in WISHES if name in own}
    values, faults = settings.typed(WISHES, said, dict.fromkeys(WISHES, host))
    join, labels, taints = (values.get(name, WISHES[name]["default"]) for name in WISHES)
    given = bootstrap.given(labels, taints)
    return bootstrap.Wanted(join, given.labels, given.taints), faults


def _node_name(host: str, task_vars: Mapping[str, Any]) -> str:
    return str(task_vars["hostvars"][host].get("alluxio_node_name", host))


def _host(
    name: str,
    result: Mapping[str, Any],
    known: bootstrap.Cluster,
    files: Files,
    task_vars: Mapping[str, Any],
) -> bootstrap.Host:
    """A host with how it gets what a join takes; its files are looked at only where it has to join."""
    method = _setting("install_method", join_needs.PRESENT, name, task_vars)
    host = bootstrap.Host(name, _node_name(name, task_vars), result.get("membership") or {}, method)
    if method != join_needs.FILES or bootstrap.step_of(host, known) not in ("join", "rejoin"):
        return host
    return replace(host, offers=files.offers(_setting("files", [], name, task_vars)))


def _with_device(
    host: bootstrap.Host, options: Options, task_vars: Mapping[str, Any]
) -> bootstrap.Host:
    device = _setting("device", "", host.host, task_vars)
    if not device:
        return host
    root = str(task_vars["hostvars"][host.host].get("node_storage_root", options["root"]))
    point = node_device.mount_point(root, options["namespace"], options["release"])
    return replace(host, device=device, mount_point=point)


def _setting(name: str, default: Any, host: str, task_vars: Mapping[str, Any]) -> Any:
    """A host's own value of a setting; hosts need not be alike in these."""
    return task_vars["hostvars"][host].get(f"bootstrap_workers_{name}", default)


def _cluster(
    kube: Kube, options: Options, workers: Json, kubelets: kubelet_settings.KubeletSettings
) -> bootstrap.Cluster:
    trust = cluster_trust.read(kube, options["kubeconfig"])
    template = workers["spec"]["template"]["spec"]
    seen = objects.look(kube, options["namespace"], options["release"])
    return bootstrap.Cluster(
        version=kube.version,
        nodes={item["metadata"]["name"]: _node(item) for item in kube.list_objects(objects.node())},
        authorities=trust.authorities,
        endpoint=trust.endpoint,
        worker_label=node_labels.worker_key(options["namespace"], options["release"]),
        selector=template.get("nodeSelector") or {},
        tolerations=template.get("tolerations") or [],
        volumes=residue.host_paths(template),
        serving=frozenset(
            pod["node"]
            for pod in seen.of_role(cluster.WORKER_ROLE)
            if health.registered(pod, seen.leader)
        ),
        fail_swap_on=kubelets.fail_swap_on,
    )


def _node(item: Json) -> Json:
    return {**cluster.node_facts(item), "machine_id": cluster.machine_id(item)}
