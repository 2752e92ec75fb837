"""Label the nodes that carry a release's workers."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import node_labels
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube


class ActionModule(ApiAction):
    """alluxops.cache.node_labels."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Label, or take the label away."""
        return label(kube, options, check_mode=self.check_mode)


def label(kube: Kube, options: Options, *, check_mode: bool) -> Result:
    """Set or remove the label where that changes something. Raises CacheError, with the command, where we may not."""
    key = node_labels.worker_key(options["namespace"], options["release"])
    present = options["state"] == "present"
    plan = node_labels.plan(
        kube.list_objects(objects.node()), key, options["nodes"], present=present
    )
    for name in () if check_mode else plan.change:
        try:
            kube.merge(objects.node(name), node_labels.patch(key, present=present))
        except ApiError as error:
            command = node_labels.by_hand(plan.change, key, present=present)
            raise CacheError(
                f"node {name} cannot be labelled: {error.reason}.",
                f"workers run on the nodes that carry {key}.",
                f"give the kubeconfig's user the right to patch nodes, or have it done by who may: `{command}`.",
            ) from error
    line = f"{key}={node_labels.VALUE}\n"
    result: Result = {
        "changed": bool(plan.change),
        "changed_nodes": list(plan.change),
        "others": list(plan.others),
        "diff": [
            {
                "before_header": f"labels of node {name}",
                "after_header": f"labels of node {name}",
                "before": "" if present else f"{name}: {line}",
                "after": f"{name}: {line}" if present else "",
            }
            for name in plan.change
        ],
    }
    if plan.others and present:
        result["warnings"] = [_warning(options["release"], key, plan.others)]
    return result


def _warning(release: str, key: str, nodes: tuple[str, ...]) -> str:
    command = node_labels.by_hand(nodes, key, present=False)
    return (
        f"{', '.join(nodes)} may carry a worker of {release} and {'is' if len(nodes) == 1 else 'are'} not in"
        f" cache_workers. It stays, with what it has cached, until its label goes: `{command}`."
    )
