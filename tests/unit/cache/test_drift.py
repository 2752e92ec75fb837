"""What someone has deleted of a release is made anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import helm_release as action
from ansible_collections.alluxops.cache.plugins.module_utils import drift
from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.modules import helm_release as module
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube

Json = dict[str, Any]

KEYS = ["ConfigMap alluxio-config", "DaemonSet alluxio-worker", "StatefulSet alluxio-master"]
APPS = "/apis/apps/v1/namespaces/cache"
MANIFEST = "".join(
    f"---\nkind: {kind}\nmetadata:\n  name: {name}\n" for kind, name in map(str.split, KEYS)
)


def test_only_collections_that_hold_something_are_read() -> None:
    assert drift.collections("cache", KEYS[1:]) == {
        "DaemonSet": f"{APPS}/daemonsets",
        "StatefulSet": f"{APPS}/statefulsets",
    }
    assert drift.collections("cache", ["Gateway alluxio"]) == {}


def test_nothing_is_said_of_a_kind_that_was_not_read() -> None:
    assert drift.gone(KEYS, {"DaemonSet": {"alluxio-fuse"}}) == ["DaemonSet alluxio-worker"]
    assert drift.gone(KEYS, {}) == []


class Cluster:
    """An API server whose collections hold these objects, by kind; None: they may not be listed."""

    def __init__(self, **held: list[str] | None) -> None:
        self.held = {f"{kind.lower()}s": names for kind, names in held.items()}

    def list_objects(self, path: str, *, names_only: bool) -> list[Json]:
        assert names_only
        names = self.held[path.rpartition("/")[2]]
        if names is None:
            raise ApiError(f"GET {path}", 403, "Forbidden")
        return [{"metadata": {"name": name}} for name in names]


class Helm:
    """A Helm that has deployed what is asked for already; counts its upgrades."""

    namespace, release = "cache", "alluxio"

    def __init__(self) -> None:
        self.upgrades = 0

    def history(self) -> list[rules.Revision]:
        return [rules.Revision(1 + self.upgrades, "deployed", "alluxio-1", "2.9.6")]

    def chart(self, _params: Json) -> list[str]:
        return ["chart"]

    def json(self, *_asked: str, what: str) -> Json:
        assert what
        return self.upgrade([], timeout_s=0, what=what)

    def upgrade(self, _chart: list[str], *, timeout_s: int, what: str, step: str = "") -> Json:
        assert what
        self.upgrades += bool(timeout_s) and bool(step)
        metadata = {"name": "alluxio", "version": "1", "appVersion": "2.9.6"}
        return {"manifest": MANIFEST, "chart": {"metadata": metadata}}


def deployed(
    monkeypatch: pytest.MonkeyPatch, helm: Helm, cluster: Cluster, *, check_mode: bool = False
) -> Json:
    """What the two halves of helm_release come to."""

    def run(_self: object, arguments: Json, _variables: Json) -> Json:
        given = {"is_prepared": False, "revision": 0, "step": "whole", "gone": [], **arguments}
        asked: Any = SimpleNamespace(params=given, check_mode=check_mode, _diff=False)
        return module.deploy(asked, helm)  # type: ignore[arg-type]

    monkeypatch.setattr(action.ActionModule, "_run", run)
    monkeypatch.setattr(Kube, "open", lambda _path: cluster)
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(check_mode=check_mode)
    arguments = {"namespace": "cache", "release": "alluxio", "state": "present", "timeout_s": 9}
    return plugin._settled("kubeconfig", arguments, {})


WHOLE = {"configmap": ["alluxio-config"], "daemonset": ["alluxio-worker"]}
LACKING = {**WHOLE, "statefulset": ["another-master"]}


def test_a_release_that_is_all_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Helm()
    result = deployed(monkeypatch, helm, Cluster(**WHOLE, statefulset=["alluxio-master"]))
    assert (result["action"], result["changed"], helm.upgrades) == ("none", False, 0)
    assert "objects" not in result


def test_what_someone_deleted_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Helm()
    result = deployed(monkeypatch, helm, Cluster(**LACKING))
    assert (result["action"], result["changed"], helm.upgrades) == ("upgrade", True, 1)
    assert result["reasons"] == ["gone from the cluster: StatefulSet alluxio-master"]
    assert result["revision"] == 2


def test_a_check_tells_and_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Helm()
    result = deployed(monkeypatch, helm, Cluster(**LACKING), check_mode=True)
    assert (result["action"], result["changed"], helm.upgrades) == ("upgrade", True, 0)


def test_who_may_not_list_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = Helm()
    unread = {"configmap": None, "daemonset": None, "statefulset": None}
    assert not deployed(monkeypatch, helm, Cluster(**unread))["changed"]
