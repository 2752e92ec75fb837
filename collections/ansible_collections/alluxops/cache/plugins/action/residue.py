"""Remove what a release leaves in the cluster when Helm is done, and say what stays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    lease,
    node_labels,
    residue,
    residue_report,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.contents import contents
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube

NAMESPACES: Final = "/api/v1/namespaces"


class ActionModule(ApiAction):
    """alluxops.cache.residue."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Read, remove the objects, or close: the lease and the namespace last."""
        whose = residue.Whose(options["namespace"], options["release"], options["secret_name"])
        do = {"read": self._read, "absent": self._remove, "closed": self._close}[options["state"]]
        return do(kube, whose, options)

    def _read(self, kube: Kube, whose: residue.Whose, options: Options) -> Result:
        """What there is of the release, before anything is removed."""
        if options["purge"]:
            nodes = [str(node["metadata"]["name"]) for node in kube.list_objects(objects.node())]
            residue.check_hosts(options["cache_nodes"], nodes)
        space = kube.get(f"{NAMESPACES}/{whose.namespace}")
        plan, things, _ = _plan(kube, whose, space, purge=options["purge"])
        fuse = objects.fuse_set(kube, whose.namespace, whose.release)
        revisions = {
            str(one.labels.get("name"))
            for one in things
            if one.labels.get("owner") == "helm" and one.labels.get("name") in whose.releases
        }
        return {
            "namespace_exists": space is not None,
            "helm_releases": [name for name in whose.releases if name in revisions],
            "mount_points": residue.mount_points(fuse),
            "something": bool(plan.remove or revisions or _labelled(kube, whose)),
        }

    def _remove(self, kube: Kube, whose: residue.Whose, options: Options) -> Result:
        """Wait for the pods, then delete what is ours, claims and volumes last."""
        patience = Patience(options["wait_timeout_s"])
        space = kube.get(f"{NAMESPACES}/{whose.namespace}")
        if space is not None and not self.check_mode:
            _wait_for_pods(kube, whose, patience)
        plan, _, _ = _plan(kube, whose, space, purge=options["purge"])
        if not self.check_mode:
            for one in plan.remove:
                kube.delete(one.path, propagation="Background")
            _wait_gone(kube, plan.remove, patience)
        names = [one.text for one in plan.remove]
        names += _unlabel(kube, whose, check_mode=self.check_mode)
        return {
            "changed": bool(names),
            "removed": names,
            "diff": {"before": "".join(f"{name}\n" for name in names), "after": ""},
        }

    def _close(self, kube: Kube, whose: residue.Whose, options: Options) -> Result:
        """Delete the lease, and the namespace where it holds nothing else; what is left then."""
        path = f"{NAMESPACES}/{whose.namespace}"
        space = kube.get(path)
        plan, things, volumes = _plan(kube, whose, space, purge=options["purge"])
        removed = []
        leases = [one for one in things if residue.verdict(one, whose) == "lease"]
        if leases and _is_free(kube, leases[0]):
            removed.append(leases[0].text)
            if not self.check_mode:
                kube.delete(leases[0].path, propagation="Background")
        why_not = residue.why_namespace_stays(space, plan)
        if space is not None and not why_not:
            removed.append(f"Namespace {whose.namespace}")
            if not self.check_mode:
                kube.delete(path, propagation="Background")
                gone = residue.Thing("Namespace", whose.namespace, path)
                _wait_gone(kube, [gone], Patience(options["wait_timeout_s"]))
        left = {
            "namespace": why_not,
            "claims": [one.name for one in plan.data],
            "volumes": residue.volumes_left(_others(volumes, plan), whose),
            "labels": [] if self.check_mode else _labels_left(kube, whose),
        }
        return {
            "changed": bool(removed),
            "removed": removed,
            "diff": {"before": "".join(f"{name}\n" for name in removed), "after": ""},
            "left": left,
            "summary": residue_report.lines(
                residue_report.Uninstall(
                    release=whose.release,
                    namespace=whose.namespace,
                    helm=options["helm_releases"],
                    removed=[*options["removed"], *removed],
                    nodes=options["nodes"],
                    left=left,
                    root_ufs=options["root_ufs"],
                    helm_hosts=options["helm_hosts"],
                    purged=options["purge"],
                    dry=self.check_mode,
                )
            ),
        }


def _plan(
    kube: Kube, whose: residue.Whose, space: Json | None, *, purge: bool
) -> tuple[residue.Plan, list[residue.Thing], list[Json]]:
    things = contents(kube, whose.namespace) if space is not None else []
    volumes = kube.list_objects(objects.volume())
    return residue.plan(things, volumes, whose, purge=purge), things, volumes


def _others(volumes: Sequence[Json], plan: residue.Plan) -> list[Json]:
    """The volumes that do not go: in check mode those that would are still there."""
    going = {one.name for one in plan.remove if one.kind == residue.PV}
    return [volume for volume in volumes if volume["metadata"]["name"] not in going]


def _labelled(kube: Kube, whose: residue.Whose) -> list[str]:
    """The nodes that carry the label of the release's workers."""
    nodes = kube.list_objects(objects.node())
    return sorted(
        str(node["metadata"]["name"])
        for node in nodes
        if node_labels.carries(node, whose.worker_label)
    )


def _unlabel(kube: Kube, whose: residue.Whose, *, check_mode: bool) -> list[str]:
    """Take the label from every node that we may change; what was done, in words."""
    done = []
    for name in _labelled(kube, whose):
        try:
            if not check_mode:
                kube.merge(objects.node(name), node_labels.patch(whose.worker_label, present=False))
        except ApiError as error:
            if error.status != 403:
                raise
            continue  # who labelled it by hand takes it away by hand: the report says so
        done.append(f"label {whose.worker_label} of Node {name}")
    return done


def _labels_left(kube: Kube, whose: residue.Whose) -> list[str]:
    """The labels that stay, in words, with the command that removes them."""
    nodes = _labelled(kube, whose)
    if not nodes:
        return []
    command = node_labels.by_hand(nodes, whose.worker_label, present=False)
    what = f"label {whose.worker_label} of {' '.join(nodes)}"
    return [f"{what}: the kubeconfig's user may not patch nodes; `{command}`"]


def _is_free(kube: Kube, one: residue.Thing) -> bool:
    """Whether the lease is this run's, or nobody's."""
    me = lease.here(os.getppid())
    return lease.judge(kube.get(one.path), me, datetime.now(UTC))[0] in {"mine", "take"}


def _wait_for_pods(kube: Kube, whose: residue.Whose, patience: Patience) -> None:
    """Wait until no pod of the release is left: until then claims are held, and journals may be written."""
    selector = f"release in ({', '.join(whose.releases)})"
    while True:
        pods = kube.list_objects(objects.core(whose.namespace, "pods"), selector)
        if not pods:
            return
        if patience.is_over:
            raise _stuck(kube, whose, pods[0], patience)
        names = ", ".join(pod["metadata"]["name"] for pod in pods[:3])
        patience.pause(f"{len(pods)} pods to end ({names})", 0.5)


def _stuck(
    kube: Kube, whose: residue.Whose, pod: Mapping[str, Any], patience: Patience
) -> CacheError:
    name = pod["metadata"]["name"]
    host = str(pod.get("spec", {}).get("nodeName") or "")
    node = kube.get(f"/api/v1/nodes/{host}") if host else None
    is_down = node is not None and not cluster.node_facts(node)["ready"]
    return CacheError(
        f"the pod {whose.namespace}/{name} does not end (waited {patience.timeout_s:.0f} s).",
        f"its node {host} is not Ready, so that nobody can tell whether it still runs."
        if is_down
        else "",
        f"bring {host} back, or `kubectl -n {whose.namespace} delete pod {name} --force` if it never comes; run again."
        if is_down
        else f"see `kubectl -n {whose.namespace} describe pod {name}`, and run again.",
    )


def _wait_gone(kube: Kube, things: Sequence[residue.Thing], patience: Patience) -> None:
    """Wait until the objects are gone."""
    left = list(things)
    while True:
        left = [one for one in left if kube.get(one.path) is not None]
        if not left:
            return
        if patience.is_over:
            raise CacheError(
                f"{', '.join(one.text for one in left)} not gone after {patience.timeout_s:.0f} s.",
                "something still uses it: a claim is kept as long as a pod mounts it.",
                f"see `kubectl get {left[0].kind.lower()} {left[0].name} -A -o yaml`, and run again.",
            )
        patience.pause(
            f"{left[0].text} to be gone" + (f" and {len(left) - 1} more" if left[1:] else ""), 0.3
        )
