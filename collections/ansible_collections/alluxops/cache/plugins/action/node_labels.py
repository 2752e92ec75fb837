"""Label the nodes that carry a release's workers."""

from __future__ import annotations

from functools import partial

from ansible_collections.alluxops.cache.plugins.module_utils import (
    bootstrap,
    node_labels,
    node_marks,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import node_changes
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube


class ActionModule(ApiAction):
    """alluxops.cache.node_labels."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Label, or take the label away."""
        return label(kube, options, check_mode=self.check_mode)


def label(kube: Kube, options: Options, *, check_mode: bool) -> Result:
    """Set or remove the label where that changes something. Raises CacheError, with the command, where we may not."""
    key = node_labels.worker_key(options["namespace"], options["release"])
    present = options["state"] == "present"
    nodes = kube.list_objects(objects.node())
    plan = node_labels.plan(nodes, key, options["nodes"], present=present)
    items = {str(item["metadata"]["name"]): item for item in nodes}
    patch_of = partial(_coming if present else _leaving, key=key, options=options)
    named = plan.change if present else [name for name in options["nodes"] if name in items]
    patches = {name: patch for name in named if (patch := patch_of(items[name]))}
    for name in () if check_mode else patches:
        try:
            node_changes.change(kube, items[name], patch_of)
        except ApiError as error:
            command = node_labels.by_hand(list(patches), key, present=present)
            raise CacheError(
                f"node {name} cannot be labelled: {error.reason}.",
                f"workers run on the nodes that carry {key}.",
                f"give the kubeconfig's user the right to patch nodes, or have it done by who may: `{command}`.",
            ) from error
    lines = {name: _lines(name, patch, key, items[name]) for name, patch in patches.items()}
    result: Result = {
        "changed": bool(patches),
        "changed_nodes": list(patches),
        "others": list(plan.others),
        "diff": [
            {
                "before_header": f"labels of node {name}",
                "after_header": f"labels of node {name}",
                "before": "" if present else lines[name],
                "after": lines[name] if present else "",
            }
            for name in patches
        ],
    }
    if plan.others and present:
        result["warnings"] = [_warning(options["release"], key, plan.others)]
    return result


def _coming(node: Json, *, key: str, options: Options) -> Json:
    del options
    patch = node_labels.patch(key, present=True)
    gone = node_marks.came(node, key)
    return {"metadata": {**patch["metadata"], "annotations": gone}} if gone else patch


def _leaving(node: Json, *, key: str, options: Options) -> Json:
    given = bootstrap.given(options["labels"], options["taints"])
    uncleaned = node["metadata"]["name"] in options["uncleaned"]
    return node_marks.at_leave(node, key, given, uncleaned=uncleaned)


def _lines(name: str, patch: Json, key: str, node: Json) -> str:
    """What a patch sets or takes away, for a diff: labels, then taints."""
    has = {**(node["metadata"].get("labels") or {}), key: node_labels.VALUE}
    said = [f"{label}={has[label]}" for label in patch.get("metadata", {}).get("labels") or {}]
    if "spec" in patch:
        kept = patch["spec"]["taints"]
        said += [node_marks.taint_text(one) for one in node["spec"]["taints"] if one not in kept]
    return "".join(f"{name}: {one}\n" for one in said)


def _warning(release: str, key: str, nodes: tuple[str, ...]) -> str:
    command = node_labels.by_hand(nodes, key, present=False)
    return (
        f"{', '.join(nodes)} may carry a worker of {release} and {'is' if len(nodes) == 1 else 'are'} not in"
        f" cache_workers. It stays, with what it has cached, until its label goes: `{command}`."
    )
