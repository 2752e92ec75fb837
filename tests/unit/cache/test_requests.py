"""However many nodes there are, a verb asks the API the same questions; only a list of them has more pages.

Guards against a read, or a command, per node. tests/bench/simulated measures the same against a real API server.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from ansible_collections.alluxops.cache.plugins.action import (
    bootstrap_plan,
    cache_status,
    cache_verify,
    cluster_check,
    cluster_node,
    node_labels,
    worker_arrival,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.cluster_trust import Trust
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile
from tests.unit.cache.kube_objects import container, node, pod

Json = dict[str, Any]

PAGE = 500
FEW, MANY = 20, 600
WHOSE: Json = {"namespace": "alluxio", "release": "alluxio"}
HERE = "/api/v1/namespaces/alluxio"
SETS = "/apis/apps/v1/namespaces/alluxio"
STARTING = [container("alluxio-worker", ready=False), container("alluxio-job-worker", ready=False)]


def workload(name: str, **more: Any) -> Json:
    template = {"spec": {"containers": [{"name": "alluxio-x", "image": "alluxio:2.9.6"}]}}
    return {"metadata": {"name": name}, "spec": {"template": template, **more}, "status": {}}


class Api:
    """The client below Kube, over a release with a worker on each of `size` nodes; it pages as an API server does.

    starting: whether no worker is ready yet.
    """

    def __init__(self, size: int, *, starting: bool) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.resources = SimpleNamespace(search=lambda **_: [])
        names = nodes(size)
        statuses = STARTING if starting else None
        workers = [
            pod(f"alluxio-worker-{name}", "alluxio-worker", name, statuses) for name in names
        ]
        master = pod("alluxio-master-0", "alluxio-master", "n1")
        self.collections: dict[str, list[Json]] = {
            "/api/v1/nodes": [self._node(name) for name in names],
            f"{HERE}/pods": [master, *workers],
            "/api/v1/pods": [self._of_namespace(one) for one in (master, *workers)],
        }
        self.objects = {
            HERE: {"metadata": {"name": "alluxio"}, "status": {"phase": "Active"}},
            f"{SETS}/statefulsets/alluxio-master": workload("alluxio-master", replicas=1),
            f"{SETS}/daemonsets/alluxio-worker": workload("alluxio-worker"),
        }
        self.pages = {objects.MASTER_INFO: json.dumps(self._info(names))}

    @staticmethod
    def _node(name: str) -> Json:
        made = node(name)
        made["metadata"]["labels"]["alluxops.io/alluxio.alluxio"] = "worker"
        return made

    @staticmethod
    def _of_namespace(one: Json) -> Json:
        return {**one, "metadata": {**one["metadata"], "namespace": "alluxio"}}

    @staticmethod
    def _info(names: Sequence[str]) -> Json:
        addresses = [f"10.0.0.{name.removeprefix('n')}" for name in names]
        workers = [{"address": {"host": address}, "state": "ACTIVE"} for address in addresses]
        return {"version": "2.9.6", "workers": workers}

    def request(
        self, method: str, path: str, *, query_params: Sequence[tuple[str, str]] = (), **_: Any
    ) -> SimpleNamespace:
        query = dict(query_params)
        self.asked.append((f"{method} {path}", "continue" in query))
        return SimpleNamespace(data=self._answer(path, query).encode())

    def _answer(self, path: str, query: dict[str, str]) -> str:
        if "/proxy/" in path:
            return self.pages.get("/" + path.partition("/proxy/")[2], "{}")
        if "limit" in query:
            found = self.collections.get(path, [])
            start = int(query.get("continue", 0))
            end = start + int(query["limit"])
            token = {"continue": str(end)} if end < len(found) else {}
            return json.dumps({"items": found[start:end], "metadata": token})
        if path not in self.objects:
            raise ApiException(status=404)
        return json.dumps(self.objects[path])

    def questions(self) -> Counter[str]:
        """What was asked, further pages left out."""
        return Counter(what for what, further in self.asked if not further)

    def further_pages(self) -> Counter[str]:
        """The lists that had more pages, with how many."""
        return Counter(what for what, further in self.asked if further)


def nodes(size: int) -> list[str]:
    return [f"n{number}" for number in range(1, size + 1)]


def module(action: Any) -> Any:
    made = action.ActionModule.__new__(action.ActionModule)
    made._task = SimpleNamespace(check_mode=True)
    return made


def status(kube: Kube, names: list[str]) -> None:
    options = {"masters": 1, "workers": names, "settle_timeout_s": 0, "verify": None, "notes": []}
    shown = {"root_ufs": "s3://b/", "journals": [], "changed": 0, "elapsed_s": 1}
    found = module(cache_status).act(kube, {**WHOSE, **options, **shown})
    assert len(found["report"]["workers"]) == len(names)


def verify(kube: Kube, names: list[str]) -> None:
    seen = cache_verify._without_ghosts(kube, {**WHOSE, "wait_timeout_s": 0})
    assert len(seen.of_role("alluxio-worker")) == len(names)


def preflight(kube: Kube, names: list[str]) -> None:
    options = {
        **WHOSE, "masters": names[:1], "workers": names, "master_count": 1,
        "ha": "none", "scaling": False, "places": {}, "worker_quota_bytes": 1 << 20, "secret": "",
        "secret_is_given": False, "claims": [], "version": "2.9.6", "version_change": "refused",
        "zookeeper_nodes": [], "zookeeper_addresses": [], "worker_selector": {}, "tolerations": {}, "restores": False,
    }  # fmt: skip
    # The markers of masters are read in their pods, of which there are five at most.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MarkerFile, "read", lambda _: None)
        assert module(cluster_check).act(kube, options)["checks"]


def plan(kube: Kube, names: list[str]) -> None:
    looked: Json = {"checks": [], "problems": [], "membership": {}}
    results = {"results": dict.fromkeys(names, looked), "kubeconfig": ""}
    wished = {"max_fail_percentage": 0}
    variables: Json = {"groups": {"new_workers": names}, "hostvars": {name: {} for name in names}}
    variables["ansible_play_hosts_all"] = names
    found = module(bootstrap_plan).act_on_controller({**WHOSE, **results, **wished}, variables)
    assert len(found["plans"]) == len(names)


def arrival(kube: Kube, names: list[str]) -> None:
    options = {"nodes": names, "marks": {}, "joined": [], "wait_timeout_s": 0}
    made = module(worker_arrival)
    made._task.check_mode = False
    assert len(made.act(kube, {**WHOSE, **options})["nodes"]) == len(names)


def labels(kube: Kube, names: list[str]) -> None:
    options = {**WHOSE, "nodes": names, "state": "present"}
    assert not node_labels.label(kube, options, check_mode=True)["changed"]


def removal(kube: Kube, names: list[str]) -> None:
    resets = {name: {"rc": 0} for name in names}
    options = {"nodes": names, "state": "absent", "resets": resets, "wait_timeout_s": 0}
    assert len(module(cluster_node).act(kube, options)["went"]) == len(names)


def drain(kube: Kube, names: list[str]) -> None:
    options = {"nodes": names, "state": "drained", "wait_timeout_s": 0}
    went = module(cluster_node).act(kube, options)["went"]
    assert len(went) == len(names) + len(names) + 1  # nodes, their workers, and a master


Verb = Callable[[Kube, list[str]], None]


@pytest.mark.parametrize("starting", [False, True], ids=["serving", "starting"])
@pytest.mark.parametrize("verb", [status, verify, preflight, plan, arrival, labels, removal, drain])
def test_requests_grow_with_pages_only(
    verb: Verb, starting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}
    monkeypatch.setattr(cluster_trust, "read", lambda *_: Trust("10.0.0.1:6443", ""))
    for size in (FEW, MANY):
        api = Api(size, starting=starting)
        kube = Kube(None, api, "1.34.4")
        monkeypatch.setattr(Kube, "open", lambda _path, kube=kube: kube)
        verb(kube, nodes(size))
        asked[size] = api
    assert asked[MANY].questions() == asked[FEW].questions()
    assert not asked[FEW].further_pages()
    for what, further in asked[MANY].further_pages().items():
        assert further == asked[MANY].questions()[what] * (MANY // PAGE), what
