"""Masters that have restored a backup are restarted: until then Alluxio takes all it knows for outdated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import restore as action
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects

OPTIONS = {"state": "restarted", "namespace": "cache", "release": "a", "wait_timeout_s": 5}


class Masters:
    """A Kube of two masters; a pod that is deleted comes again as another one, after `ends_after` looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uids = ["old-0", "old-1"]
        self.deleted: list[int] = []
        self.ends_after = 1
        monkeypatch.setattr(objects, "look", lambda *_: SimpleNamespace(of_role=self._of_role))
        monkeypatch.setattr(objects, "raw_pods", lambda *_: self._raw_pods())
        monkeypatch.setattr("time.sleep", lambda _: None)

    def _of_role(self, _role: str) -> list[dict[str, str]]:
        return [{"name": f"a-master-{number}", "uid": uid} for number, uid in enumerate(self.uids)]

    def _raw_pods(self) -> list[dict[str, Any]]:
        if self.ends_after == 0:
            for number in self.deleted:
                self.uids[number] = f"new-{number}"
        self.ends_after -= 1
        return [{"metadata": {"uid": uid}} for uid in self.uids]

    def delete(self, path: str, *, propagation: str) -> bool:
        assert propagation == "Background"
        self.deleted.append(int(path[-1]))
        return True


def restart(kube: Masters, *, check: bool = False, wait_s: int = 5) -> dict[str, Any]:
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(check_mode=check)
    return plugin.act(kube, {**OPTIONS, "wait_timeout_s": wait_s})  # type: ignore[arg-type]


def test_all_masters_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = Masters(monkeypatch)
    assert restart(kube) == {"changed": True, "restarted": ["a-master-0", "a-master-1"]}
    assert kube.deleted == [0, 1]
    assert kube.uids == ["new-0", "new-1"]


def test_check_mode_restarts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = Masters(monkeypatch)
    assert not restart(kube, check=True)["changed"]
    assert kube.deleted == []


def test_masters_that_do_not_end_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = Masters(monkeypatch)
    kube.ends_after = -1
    with pytest.raises(CacheError, match="the masters of cache/a do not restart"):
        restart(kube, wait_s=0)
