"""Everything that lies in a namespace, of whatever kind: what `kubectl get all` leaves out too."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.alluxops.cache.plugins.module_utils import residue
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube


def contents(kube: Kube, namespace: str) -> list[residue.Thing]:
    """Every object of a namespace, by its metadata only. A kind that cannot be listed is one Thing itself."""
    found: list[residue.Thing] = []
    for base, resource, kind in _kinds(kube):
        path = f"{base}/namespaces/{namespace}/{resource}"
        if kind == residue.UNREADABLE:
            found.append(residue.Thing(kind, resource, path))
            continue
        try:
            items = kube.list_objects(path, names_only=True)
        except ApiError as error:
            if error.status not in {404, 405}:
                found.append(residue.Thing(residue.UNREADABLE, resource, path))
            continue
        found += [residue.thing(kind, f"{path}/{item['metadata']['name']}", item) for item in items]
    return found


def _kinds(kube: Kube) -> Iterator[tuple[str, str, str]]:
    """(path of the group's version, resource, kind) of every kind of object that lies in namespaces."""
    groups = (kube.get("/apis") or {}).get("groups") or []
    bases = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    for base in bases:
        for resource in _resources(kube, base):
            listed = "list" in (resource.get("verbs") or []) and "/" not in resource["name"]
            if resource.get("namespaced") and listed and resource["kind"] not in residue.PASSING:
                yield base, str(resource["name"]), str(resource["kind"])


def _resources(kube: Kube, base: str) -> list[Json]:
    try:
        return list((kube.get(base) or {}).get("resources") or [])
    except (
        ApiError
    ):  # an API server beside the cluster's own, and it is down: it keeps namespaces from going
        name = base.removeprefix("/apis/").replace("/", " ")
        return [{"name": name, "kind": residue.UNREADABLE, "namespaced": True, "verbs": ["list"]}]
