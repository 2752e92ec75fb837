"""What helm_release does on the API before Helm's turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import helm_release as action
from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.modules import helm_release as module

Json = dict[str, Any]


class FakeKube:
    """An API server that has some objects, by path."""

    def __init__(self, *paths: str) -> None:
        self.paths = list(paths)

    def delete(self, path: str) -> bool:
        if path not in self.paths:
            return False
        self.paths.remove(path)
        return True

    def get(self, path: str) -> Json | None:
        return {} if path in self.paths else None


def test_what_helm_makes_anew_is_deleted_where_the_api_keeps_it() -> None:
    kube: Any = FakeKube(
        "/api/v1/namespaces/cache/services/alluxio-master-0",
        "/api/v1/namespaces/cache/services/alluxio-master",
        "/apis/apps/v1/namespaces/cache/daemonsets/alluxio-fuse",
    )
    keys = ["DaemonSet alluxio-fuse", "Service alluxio-master-0", "Service gone-already"]
    action._delete(kube, "cache", keys)
    assert kube.paths == ["/api/v1/namespaces/cache/services/alluxio-master"]


def held(address: str) -> rules.Release:
    """A release whose masters' Services have these specs."""
    services = "".join(
        f"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: alluxio-master-{ordinal}\nspec:\n  {address}\n"
        for ordinal in range(2)
    )
    return rules.Release(manifest=services, hooks="", config={})


@pytest.mark.parametrize("is_prepared", [False, True])
def test_services_are_replaced_both_ways_and_once(is_prepared: bool) -> None:
    asked: Any = SimpleNamespace(params={"is_prepared": is_prepared})
    old, new = held("clusterIP: None"), held("type: ClusterIP")
    services = ["Service alluxio-master-0", "Service alluxio-master-1"]
    wanted = {} if is_prepared else {"prepare": {"hooks": [], "replace": services}}
    for before, after in ((old, new), (new, old)):
        assert module._first(asked, {}, before, after) == wanted
        (reason,) = module._replaced(before, after)
        assert "alluxio-master-0, Service alluxio-master-1" in reason
    assert module._first(asked, {}, new, new) == {}
    assert module._replaced(new, new) == []
    assert module._first(asked, {}, None, new) == {}


class FakeHelm:
    """A release at revision 3; revision 2 runs some masters."""

    release, namespace, timeout_s = "alluxio", "cache", 120

    def __init__(self, masters: int) -> None:
        self.masters = masters
        self.ran: list[tuple[str, ...]] = []

    def history(self) -> list[rules.Revision]:
        return [rules.Revision(number, "superseded") for number in (1, 2)] + [
            rules.Revision(3, "deployed")
        ]

    def json(self, *words: str, **_: str) -> Json:
        running = self.masters if "--revision" in words else 1
        head = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: alluxio-master\n"
        return {"manifest": f"---\n{head}spec:\n  replicas: {running}\n"}

    def run(self, *words: str) -> tuple[int, str, str]:
        self.ran.append(words)
        return 0, "", ""


def undone(helm: FakeHelm) -> Json:
    params = {"revision": 0, "failed_revision": 3, "is_prepared": False}
    asked: Any = SimpleNamespace(params=params, check_mode=False)
    result: Json = module.roll_back(asked, helm)  # type: ignore[arg-type]
    return result


def test_a_revision_that_does_not_serve_is_left_for_the_one_before() -> None:
    helm = FakeHelm(masters=1)
    assert undone(helm)["reasons"] == ["Rolled back to revision 2."]
    assert helm.ran[0][:3] == ("rollback", "alluxio", "2")


def test_nothing_goes_back_to_masters_that_were_stopped_to_convert_their_journal() -> None:
    helm = FakeHelm(masters=0)
    result = undone(helm)
    assert not result["changed"]
    assert "revision 2 runs no master" in result["reasons"][0]
    assert helm.ran == []
