"""The API is reached or the reason is told; spoken to by a small server that answers as the real one does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import UnreachableError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube
from tests.unit.cache.small_api import Answer, Server, kubeconfig, serving

Json = dict[str, Any]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    with serving() as made:
        yield made


@pytest.fixture
def kube(server: Server, tmp_path: Path) -> Kube:
    opened = Kube.open(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"))
    server.asked.clear()
    return opened


def test_the_version_is_the_servers(kube: Kube) -> None:
    assert kube.version == "1.34.4"


def test_the_discovery_cache_is_the_users_own(kube: Kube, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "alluxops" / "discovery"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 1


def test_a_plain_cluster_and_openshift_are_told_apart(
    server: Server, kube: Kube, tmp_path: Path
) -> None:
    assert kube.platform() == "kubernetes"
    version = {"groupVersion": "config.openshift.io/v1", "version": "v1"}
    group = {"name": "config.openshift.io", "versions": [version], "preferredVersion": version}
    resource = {
        "name": "clusterversions",
        "kind": "ClusterVersion",
        "namespaced": False,
        "verbs": ["get"],
    }
    server.answers["/apis"] = (200, {"kind": "APIGroupList", "groups": [group]})
    server.answers["/apis/config.openshift.io/v1"] = (
        200,
        {"kind": "APIResourceList", "resources": [resource]},
    )
    assert kube.platform() == "openshift"


def test_what_is_not_there_is_none_and_deleting_it_says_so(kube: Kube) -> None:
    assert kube.get("/api/v1/namespaces/none") is None
    assert not kube.delete("/api/v1/namespaces/none")


def test_a_refusal_carries_the_servers_own_words(server: Server, kube: Kube) -> None:
    server.answers["/api/v1/nodes"] = (403, {"message": 'nodes is forbidden: User "u" cannot list'})
    with pytest.raises(ApiError, match='nodes is forbidden: User "u" cannot list') as failure:
        kube.list_objects("/api/v1/nodes")
    assert failure.value.status == 403


def test_a_long_list_is_read_page_by_page(server: Server, kube: Kube) -> None:
    def pages(path: str) -> Answer:
        if "continue" in parse_qs(urlsplit(path).query):
            return 200, {"items": [{"metadata": {"name": "b"}}], "metadata": {}}
        return 200, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "more"}}

    server.answers["/api/v1/pods"] = pages
    assert [item["metadata"]["name"] for item in kube.list_objects("/api/v1/pods", "app=x")] == [
        "a",
        "b",
    ]
    assert all("labelSelector=app" in path for _, path, _, _ in server.asked)


def test_a_patch_that_removes_a_field_is_sent_as_a_merge_patch(server: Server, kube: Kube) -> None:
    server.answers["/api/v1/persistentvolumes/a"] = (200, {})
    kube.merge("/api/v1/persistentvolumes/a", {"spec": {"claimRef": {"uid": None}}})
    method, _, body, content_type = server.asked[-1]
    assert (method, body) == ("PATCH", {"spec": {"claimRef": {"uid": None}}})
    assert content_type == "application/merge-patch+json"


def test_a_page_of_a_pod_comes_through_the_api_server(server: Server, kube: Kube) -> None:
    page = "/api/v1/namespaces/a/pods/p:19999/proxy/metrics/json/"
    server.answers[page] = (200, '{"counters": {}}')
    assert kube.pod_http("a", "p", 19999, "/metrics/json/") == '{"counters": {}}'
    server.answers[page] = (503, {"message": "no endpoints"})
    assert kube.pod_http("a", "p", 19999, "/metrics/json/") is None


def test_a_port_that_is_not_forwarded_is_told_with_the_rights_it_takes(kube: Kube) -> None:
    """Up to Kubernetes 1.34 it takes get, from 1.35 on create too."""
    with pytest.raises(CacheError) as caught:
        kube.forward("ns", "p", 1)
    assert "rights to get and create pods/portforward" in caught.value.fix


def test_a_page_of_a_pod_is_posted_to(server: Server, kube: Kube) -> None:
    path = "/api/v1/namespaces/a/pods/p:1/proxy/level"
    server.answers[path] = (200, {"level": "WARN"})
    assert kube.pod_http("a", "p", 1, "/level?name=x&level=WARN", method="POST") is not None
    assert server.asked[-1][:2] == ("POST", f"{path}?name=x&level=WARN")


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_not_accepted_are_refused_with_the_fix(
    server: Server, tmp_path: Path, status: int
) -> None:
    server.answers["/version"] = (status, {"message": "Unauthorized"})
    with pytest.raises(UnreachableError, match="does not accept the credentials") as refusal:
        Kube.open(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"))
    assert refusal.value.refused
    assert "expired" in refusal.value.cause


def test_a_server_that_is_not_there_is_told_at_once(server: Server, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnreachableError, match=f"{address}.*does not answer: .*refused") as refusal:
        Kube.open(kubeconfig(tmp_path, address))
    assert "kubectl --kubeconfig" in refusal.value.fix


def test_a_server_that_is_no_api_server_is_told(server: Server, tmp_path: Path) -> None:
    server.answers["/apis"] = server.answers["/version"] = (200, "<html>hello</html>")
    with pytest.raises(UnreachableError, match="does not answer as a Kubernetes API server does"):
        Kube.open(kubeconfig(tmp_path, f"http://127.0.0.1:{server.server_port}"))


@pytest.mark.parametrize("text", ["", "a: [", "- a", "garbage", "kind: Config\n"])
def test_a_kubeconfig_that_is_none_is_named(server: Server, tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    with pytest.raises(UnreachableError, match=f"the kubeconfig {path} cannot be used") as refusal:
        Kube.open(str(path))
    assert "object" not in refusal.value.what


def test_a_missing_kubeconfig_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="there is no kubeconfig at"):
        Kube.open(str(tmp_path / "none"))
