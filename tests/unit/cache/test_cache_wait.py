"""Waiting ends early when there is no hope, and not before."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action.cache_wait import (
    ActionModule,
    Restoring,
    TroubleWatch,
)
from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import node_of, pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release
from tests.unit.cache.kube_objects import container, event, fixture, pod
from tests.unit.cache.watched_namespace import Namespace, Waited

Json = dict[str, Any]

TMPFS = "java.lang.IllegalStateException: tmpfs is smaller than the configured size: 1000000000 < 1073741824"


class Cluster(Namespace):
    """A release's namespace. noted: whether pins are."""

    noted = False

    def get(self, path: str) -> Json | None:
        assert path.endswith("/configmaps/alluxio-pins")
        return {} if self.noted else None


class Look:
    """Looks at the same pods at the given seconds."""

    def __init__(self, cluster: Cluster, workers: tuple[str, ...] = ()) -> None:
        self.watch = TroubleWatch(cluster, "cache", "alluxio", workers)  # type: ignore[arg-type]
        self.waited = Waited()

    def at(self, second: float, pods: list[Json]) -> None:
        self.waited.waited_s = second
        seen = health.Seen([pod_facts(item) for item in pods], None)
        self.watch.check(pods, seen, self.waited)  # type: ignore[arg-type]


MASTER = pod("alluxio-master-0", "alluxio-master", "n1")


def worker(restarts: int, waiting: str = "CrashLoopBackOff") -> Json:
    status = container(
        "alluxio-worker", ready=False, restarts=restarts, waiting=waiting, exit_code=1
    )
    return pod(
        "alluxio-worker-x", "alluxio-worker", "n2", [status, container("alluxio-job-worker")]
    )


def test_an_image_that_cannot_be_pulled_gets_a_little_time() -> None:
    pods = fixture("pods_image_pull")["items"]
    look = Look(Cluster(fixture("events_image_pull")["items"]))
    look.at(0, pods)
    look.at(15, pods)
    with pytest.raises(CacheError, match="does not start: ImagePullBackOff") as failure:
        look.at(21, pods)
    assert "alluxio/alluxio:2.9.6" in failure.value.cause


def test_three_restarts_while_we_watch_are_enough() -> None:
    look = Look(Cluster(log="ERROR odd"))
    look.at(0, [MASTER, worker(0)])
    look.at(10, [MASTER, worker(2)])
    with pytest.raises(CacheError, match="ERROR odd"):
        look.at(20, [MASTER, worker(3)])


def test_restarts_of_an_earlier_day_are_no_reason_to_give_up() -> None:
    look = Look(Cluster(log="INFO starting"))
    for second in (0, 100, 400):
        look.at(second, [MASTER, worker(7)])


def test_a_known_cause_in_the_log_ends_the_wait_whatever_the_day() -> None:
    look = Look(Cluster(log=TMPFS))
    look.at(0, [MASTER, worker(7)])
    with pytest.raises(CacheError) as failure:
        look.at(6, [MASTER, worker(7)])
    assert "1073741824" in failure.value.fix


def test_a_trouble_that_passes_starts_its_clock_anew() -> None:
    message = "0/3 nodes are available: 1 Insufficient memory."
    pending = pod("alluxio-master-0", "alluxio-master", "")
    pending["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "message": message}],
    }
    fine = pod("alluxio-worker-x", "alluxio-worker", "n2")
    look = Look(Cluster())
    look.at(0, [pending, fine])
    look.at(50, [MASTER, fine])
    look.at(70, [pending, fine])
    look.at(120, [pending, fine])
    with pytest.raises(CacheError) as failure:
        look.at(131, [pending, fine])
    assert "memory" in failure.value.cause


def test_a_set_that_makes_no_pods_is_looked_into() -> None:
    message = 'pods "x" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes'
    look = Look(Cluster([event("DaemonSet", "alluxio-worker", "FailedCreate", message)]))
    look.at(0, [MASTER])
    with pytest.raises(CacheError, match="FailedCreate") as failure:
        look.at(21, [MASTER])
    assert "baseline" in failure.value.cause


def test_a_pod_on_its_way_out_is_no_trouble() -> None:
    going = worker(5)
    going["metadata"]["deletionTimestamp"] = "now"
    look = Look(Cluster(log=TMPFS))
    for second in (0, 30, 60):
        look.at(second, [MASTER, going, pod("alluxio-worker-y", "alluxio-worker", "n2")])


def test_a_worker_where_none_is_awaited_holds_nothing_up() -> None:
    look = Look(Cluster(log=TMPFS), workers=("n3",))
    fine = pod("alluxio-worker-y", "alluxio-worker", "n3")
    for second in (0, 30, 60):
        look.at(second, [MASTER, worker(5), fine])  # of n2
    awaited = Look(Cluster(log=TMPFS), workers=("n2", "n3"))
    awaited.at(0, [MASTER, worker(5), fine])
    with pytest.raises(CacheError, match="alluxio-worker-x on node n2"):
        awaited.at(30, [MASTER, worker(5), fine])


def test_a_pod_of_a_daemon_set_that_is_not_scheduled_yet_belongs_to_its_node() -> None:
    name = {"key": "metadata.name", "operator": "In", "values": ["n4"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [name]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    assert node_of({"spec": {"affinity": affinity}}) == "n4"
    assert node_of({"spec": {"affinity": affinity, "nodeName": "n2"}}) == "n2"
    assert node_of({"spec": {}}) == ""


class Ghostly:
    """A wait over a cache that serves, whose leader names a worker that is gone until second `forgotten_at`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, forgotten_at: float) -> None:
        self.now = 0.0
        self.forgotten_at = forgotten_at
        self.ready = True
        self.noted = False
        self.replicas = 1
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)
        monkeypatch.setattr(release, "raw_pods", lambda *_: [])
        monkeypatch.setattr(release, "look", self.look)

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.1)

    def look(self, *_: Any) -> health.Seen:
        pods = [pod_facts(MASTER), pod_facts(pod("alluxio-worker-x", "alluxio-worker", "n2"))]
        hosts = frozenset({"10.0.0.2", pods[1]["pod_ip"]})
        gone = frozenset({"10.0.0.2", "10.1.0.99"})
        named = [hosts, gone] if self.now < self.forgotten_at else [hosts]
        workers = tuple(health.Worker("10.0.0.2", each, 1, 0, 1, "LIVE") for each in named)
        leader = health.Leader(MASTER["metadata"]["name"], "2.9.6", workers, ())
        asked = {"name": "alluxio-master", "replicas": self.replicas, "settled": True, "ha": "none"}
        return health.Seen(pods if self.ready else pods[:1], leader, masters_set=asked)

    def wait(self, timeout_s: float) -> float:
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(check_mode=False)
        place = {"namespace": "cache", "release": "alluxio", "masters": 1, "workers": ["n2"]}
        options = {**place, "part": "all", "restoring": False, "wait_timeout_s": timeout_s}
        cluster = Cluster()
        cluster.noted = self.noted
        result = action.act(cluster, options)  # type: ignore[arg-type]
        assert result["pins_noted"] is self.noted
        waited_s: float = result["waited_s"]
        return waited_s


@pytest.mark.parametrize(
    ("forgotten_at", "timeout_s", "least", "most"),
    [(25, 600, 25, 27), (10000, 600, 60, 62), (10000, 20, 20, 21)],
    ids=["forgotten", "not soon", "not within the limit"],
)
def test_a_worker_that_is_gone_is_waited_out_but_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, forgotten_at: float, timeout_s: float, least: int, most: int
) -> None:
    assert least <= Ghostly(monkeypatch, forgotten_at).wait(timeout_s) <= most


def test_masters_that_someone_has_scaled_away_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = Ghostly(monkeypatch, 0)
    cache.ready, cache.replicas = False, 0
    with pytest.raises(
        CacheError, match="cache/alluxio-master is scaled to 0 of 1 masters"
    ) as told:
        cache.wait(600)
    assert cache.now == 0
    assert "kubectl -n cache scale statefulset alluxio-master --replicas=1" in told.value.fix


def test_it_says_that_pins_are_to_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Ghostly(monkeypatch, 0)
    cache.noted = True
    assert cache.wait(20) == 0


def test_what_is_really_missing_still_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Ghostly(monkeypatch, 0)
    cache.ready = False
    with pytest.raises(CacheError, match="n2 has no worker"):
        cache.wait(20)


def test_the_error_at_the_limit_tells_the_last_trouble() -> None:
    look = Look(Cluster(log="WARN still thinking"))
    look.at(0, [MASTER, worker(1)])
    error = look.watch.timeout(["workers 0/1 ready"], look.waited)  # type: ignore[arg-type]
    assert "alluxio-worker-x on node n2" in error.what
    assert look.watch.last_reason == " [alluxio-worker-x: CrashLoopBackOff]"


def test_the_error_at_the_limit_without_trouble_tells_what_was_awaited() -> None:
    look = Look(Cluster())
    look.at(0, [MASTER, pod("alluxio-worker-x", "alluxio-worker", "n2")])
    error = look.watch.timeout(["no master serves yet"], look.waited)  # type: ignore[arg-type]
    assert "no master serves yet" in error.what
    assert "alluxops_wait_timeout_s" in error.fix


def test_a_restore_has_time_as_long_as_it_gets_on() -> None:
    cluster = Cluster(log="INFO BackupManager - 100 entries from backup applied so far...")
    pods = [MASTER, pod("alluxio-worker-x", "alluxio-worker", "n2")]
    restoring = Restoring(cluster, "cache")  # type: ignore[arg-type]
    assert restoring.gets_on(pods)
    assert not restoring.gets_on(pods)
    cluster.log = "INFO BackupManager - 2000 entries from backup applied so far..."
    assert restoring.gets_on(pods)
