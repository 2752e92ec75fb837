"""Every kind of object counts when it is asked whether a namespace is empty."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.alluxops.cache.plugins.module_utils import residue
from ansible_collections.alluxops.cache.plugins.plugin_utils.contents import contents
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError

Json = dict[str, Any]


def resource(name: str, kind: str, *, namespaced: bool = True, verbs: str = "list get") -> Json:
    return {"name": name, "kind": kind, "namespaced": namespaced, "verbs": verbs.split()}


class FakeKube:
    """An API server with a few kinds, one that may not be listed, and an API server beside it that is down."""

    discovery: ClassVar[dict[str, Json]] = {
        "/apis": {
            "groups": [
                {"preferredVersion": {"groupVersion": group}}
                for group in ("apps/v1", "example.com/v1", "metrics.k8s.io/v1")
            ]
        },
        "/api/v1": {
            "resources": [
                resource("pods", "Pod"),
                resource("pods/log", "Pod"),
                resource("events", "Event"),
                resource("bindings", "Binding", verbs="create"),
                resource("nodes", "Node", namespaced=False),
                resource("secrets", "Secret"),
            ]
        },
        "/apis/apps/v1": {"resources": [resource("statefulsets", "StatefulSet")]},
        "/apis/example.com/v1": {"resources": [resource("notebooks", "Notebook")]},
    }

    def get(self, path: str) -> Json | None:
        if "metrics" in path:
            raise ApiError(f"GET {path}", 503, "service unavailable")
        return self.discovery.get(path)

    def list_objects(self, path: str, *, names_only: bool) -> list[Json]:
        assert names_only, "the contents of Secrets stay where they are"
        if path.endswith("secrets"):
            raise ApiError(f"GET {path}", 403, "forbidden")
        name = path.rpartition("/")[2]
        owners: Json = {"ownerReferences": [{}]} if name == "pods" else {}
        return [{"metadata": {"name": f"a-{name}", **owners}}]


def test_everything_is_found_and_what_cannot_be_read_is_told() -> None:
    kube: Any = FakeKube()
    found = contents(kube, "cache")
    assert [(one.kind, one.name) for one in found] == [
        ("Pod", "a-pods"),
        (residue.UNREADABLE, "secrets"),
        ("StatefulSet", "a-statefulsets"),
        ("Notebook", "a-notebooks"),
        (residue.UNREADABLE, "metrics.k8s.io v1"),
    ]
    assert found[0].owned
    assert found[3].path == "/apis/example.com/v1/namespaces/cache/notebooks/a-notebooks"
