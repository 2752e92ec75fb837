"""The release's namespace."""

from __future__ import annotations

from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import POD_SECURITY
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube

OURS: Final = {"app.kubernetes.io/managed-by": "alluxops"}


def ensure_namespace(
    kube: Kube, name: str, wait_timeout_s: float, *, check_mode: bool
) -> tuple[bool, Json | None]:
    """Make a namespace when there is none: (whether it exists now, the object made or, in check mode, to be made).

    One of that name that is on its way out is waited for. Raises CacheError when it does not go.
    """
    path = f"/api/v1/namespaces/{name}"
    patience = Patience(wait_timeout_s)
    space = kube.get(path)
    while (
        not check_mode
        and space is not None
        and space.get("status", {}).get("phase") == "Terminating"
    ):
        if patience.is_over:
            raise CacheError(
                f"namespace {name} has been on its way out for more than {patience.timeout_s:.0f} s.",
                fix=f"see what holds it: `kubectl describe namespace {name}`.",
            )
        patience.pause(f"namespace {name} to be gone")
        space = kube.get(path)
    if space is not None:
        return True, None
    # Workers keep their domain sockets in a hostPath, which the stricter levels of Pod Security forbid.
    body: Json = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**OURS, POD_SECURITY: "privileged"}},
    }
    if not check_mode:
        try:
            kube.create("/api/v1/namespaces", body)
        except ApiError as error:
            if error.status != 409:  # someone else was faster
                raise
    return not check_mode, body
