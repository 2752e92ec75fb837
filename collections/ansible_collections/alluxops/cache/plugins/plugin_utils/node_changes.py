"""Change a Node that others change too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube

TRIES: Final = 5
CONFLICT: Final = 409


def change(kube: Kube, node: Json, patch_of: Callable[[Json], Json]) -> None:
    """Apply the merge patch of a node; where somebody has changed the node since it was read, that of the new state.

    Raises ApiError, and CacheError for a node that does not stand still.
    """
    name = str(node["metadata"]["name"])
    for _ in range(TRIES):
        patch = patch_of(node)
        if not patch:
            return
        try:
            kube.merge(objects.node(name), patch)
        except ApiError as error:
            if error.status != CONFLICT:
                raise
        else:
            return
        # By a list: who may list and patch nodes needs no right to get one besides.
        found = kube.list_objects(objects.node(), fields=f"metadata.name={name}")
        node = found[0] if found else node
    raise CacheError(
        f"node {name} cannot be labelled: somebody else changed it each time, {TRIES} times.",
        "its taints are replaced as a whole, and only if nobody has changed the node since it was read.",
        f"see what changes it (`kubectl get node {name} -o yaml --show-managed-fields`); run it again.",
    )
