"""The pod of a lone master that converts a journal: an interrupted run may have left it, and its master writing."""

from __future__ import annotations

from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import conversion
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

LOOK_EVERY_S: Final = 0.5


def remove(kube: Kube, namespace: str, release: str, patience: Patience) -> None:
    """Remove the pod where there is one, and wait until it let go of the journal, which two masters would destroy."""
    name = conversion.pod_name(release)
    place = objects.core(namespace, "pods", name)
    if kube.get(place) is None:
        return
    kube.delete(place, propagation="Background")
    while kube.get(place) is not None:
        if patience.is_over:
            raise CacheError(
                f"{name} does not end.",
                "A master in it may be writing to the journal.",
                f"see `kubectl -n {namespace} describe pod {name}`, and run again.",
            )
        patience.pause(f"{name} to end", LOOK_EVERY_S)
