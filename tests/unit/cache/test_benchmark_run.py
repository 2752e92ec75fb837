"""A benchmark makes its data once, has workers hold what is to be warm, and reads counters around each run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.action import benchmark
from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_plan,
    benchmark_result,
    benchmark_variant,
    cluster,
    health,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_job import MOUNT, Way
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import (
    Seat,
    Wanted,
    Workload,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_variant import Variant
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import File
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Store
from ansible_collections.alluxops.cache.plugins.plugin_utils import benchmark_run
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_jobs import Jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_run import Bench
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache
from tests.unit.cache.benchmark_cases import MIB, reader
from tests.unit.cache.kube_objects import pod

SMALL = Workload("small", 100, MIB)
PATH = f"/{benchmark_plan.FOLDER}/{SMALL.folder}"
COUNTER = {"files": "BytesReadRemote", "ufs": "BytesReadPerUfs", "domain": "BytesReadDomain"}


@dataclass
class World:
    """A cache, its workers' counters and its readers: what a run sees of a cluster."""

    state: str = "absent"
    stays: bool = True
    keeps: bool = False
    known: int = SMALL.files
    cached: bool = False
    counters: dict[str, int] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    ways: list[tuple[dict[str, Any], Way]] = field(default_factory=list)

    timeout_s = 5
    seen = health.Seen(
        pods=[
            {"name": f"w{n}", "role": "alluxio-worker", "web_port": 0, "terminating": False}
            for n in (1, 2)
        ],
        leader=None,
    )

    # Of the cache.
    def files_anew(self, path: str) -> tuple[File, ...]:
        self.steps.append(f"list {path}")
        return self.known_files(path)[: self.known + 1]

    def known_files(self, path: str) -> tuple[File, ...]:
        cached = MIB if self.cached else 0
        one = File(path, MIB, cached, self.cached, False, True, 0, -1)
        marker = replace(one, path=f"{path}/{benchmark_plan.MARKER}", is_loaded=False)
        return (marker, *(one,) * SMALL.files)

    def free(self, path: str, _: str, *, forgets: bool) -> None:
        assert (path, forgets) == (PATH, True)
        self.steps.append("free")
        self.cached = False

    # Of the Jobs.
    namespace, release = "ns", "r"
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def kube(self) -> World:
        return self

    def do(
        self, task: dict[str, Any], nodes: list[str], _: str, **how: Any
    ) -> list[dict[str, Any]]:
        self.steps.append(task["task"])
        if task["task"] == "look":
            return [{"state": self.state, "key": "theirs"}]
        if task["task"] != "read":
            return [{"removed": 3, "left": 0}]
        way = how["way"]
        self.ways.append((task, way))
        name = "ufs" if way.fuse and not self.cached else "domain" if way.domain else "files"
        # What readers warm up with: others' bytes, and many.
        for each in COUNTER.values():
            self.counters[each] = self.counters.get(each, 0) + SMALL.total_bytes
        how["all_ready"]()
        if way.fuse or "endpoints" in task:
            self.counters[COUNTER[name]] = self.counters.get(COUNTER[name], 0) + SMALL.total_bytes
        self.cached = self.cached or (way.fuse and self.stays)
        for _epoch in range(1, how["epochs"]):
            how["all_ready"]()
            self.counters[COUNTER[name]] += 0 if self.keeps else SMALL.total_bytes
        return [{"node": node, "epochs": [reader(node)] * how["epochs"]} for node in nodes]

    def limit_s(self, _: int) -> float:
        return 5.0

    def pod_http(self, _: str, pod: str, port: int, __: str) -> str | None:
        assert port == 30000
        # One of the workers has counted all.
        found = self.counters if pod == "w1" else {}
        return json.dumps({"counters": {f"Worker.{n}": {"count": v} for n, v in found.items()}})


def bench(world: World, *, runs: int = 1, domain: bool = True) -> Bench:
    wanted = Wanted((SMALL,), (), runs, 4, "http://far:9001", 20)
    return Bench(
        cache=cast("DatasetCache", world),
        jobs=cast("Jobs", world),
        wanted=wanted,
        store=Store("data", "sets/", "http://store:9000", "eu-west-1"),
        seats=(Seat("n1", 10**9, "10.0.0.1:39999"), Seat("n2", 10**9, "10.0.0.2:39999")),
        has_domain=domain,
        user="alluxio",
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display, "display", lambda *_: None)
    monkeypatch.setattr(benchmark_run, "COUNTING_S", 0.2)
    monkeypatch.setattr(benchmark_run, "SETTLING_S", 0.1)


def test_every_arm_takes_its_way_and_is_proven() -> None:
    world = World()
    found = bench(world).workload(SMALL, benchmark_plan.ARMS, None)
    assert [arm["arm"] for arm in found["arms"]] == list(benchmark_plan.ARMS)
    assert [arm["wrong"] for arm in found["arms"]] == [[]] * 6
    direct, slow, cold, fuse, short, s3 = world.ways
    assert direct[0]["endpoint"] == "http://store:9000"
    assert slow[0]["endpoint"] == "http://far:9001"
    assert direct[0]["top"] == f"sets/alluxops-benchmark/{SMALL.folder}/"
    assert cold[1] == Way(fuse=True, domain=True, user="alluxio")
    assert cold[0]["top"] == f"{MOUNT}/alluxops-benchmark/{SMALL.folder}/"
    assert (fuse[0]["shift"], fuse[1]) == (1, Way(fuse=True, user="alluxio"))
    assert (short[0]["shift"], short[1]) == (0, Way(fuse=True, domain=True, user="alluxio"))
    assert s3[0]["endpoints"]["n2"] == "http://10.0.0.2:39999/api/v1/s3"
    assert (s3[0]["bucket"], s3[0]["top"]) == ("alluxops-benchmark", f"{SMALL.folder}/")
    assert not s3[1].fuse


def test_a_variant_has_a_mount_with_its_settings() -> None:
    world = World(cached=True)
    one = bench(world)
    variant = Variant("big", {"alluxio.user.x": "8"}, "max_read=1")
    one = replace(one, wanted=replace(one.wanted, variants=(variant,)))
    found = one.workload(SMALL, ("warm-short-circuit", "warm-short-circuit/big"), None)
    assert [arm["wrong"] for arm in found["arms"]] == [[], []]
    assert "warm-short-circuit/big is 1.00 times as fast as warm-short-circuit" in found["verdict"]
    plain, big = (way for _, way in world.ways)
    assert (plain.properties, plain.options) == ({}, "")
    assert (big.properties, big.options) == ({"alluxio.user.x": "8"}, "max_read=1")
    assert big.domain


def test_later_epochs_are_proven_and_told_beside_the_first() -> None:
    one = bench(World(cached=True))
    variants = tuple(benchmark_variant.read([{"name": "upstream"}, {"name": "small-files"}], []))
    one = replace(one, wanted=replace(one.wanted, variants=variants, epochs=2))
    arms = benchmark_plan.with_variants(("direct", "warm-short-circuit"), variants)
    found = one.workload(SMALL, arms, None)
    assert [len(arm.get("later", [])) for arm in found["arms"]] == [0, 1, 1, 1]
    assert [arm["wrong"] for arm in found["arms"]] == [[]] * 4
    small = found["arms"][3]
    assert small["later"][0]["files_s"] == small["files_s"]
    assert (
        "warm-short-circuit/small-files, epoch 1: 1.00 times as fast as upstream"
        in (found["verdict"])
    )
    assert (
        "warm-short-circuit/small-files, epoch 2: 50.0 files/s, 50.0 MiB/s; 1.00 times as fast as epoch 1;"
        " 1.00 times as fast as upstream" in found["verdict"]
    )
    assert "latencies" not in json.dumps(found)


def test_a_later_epoch_that_workers_have_not_served_is_not_proven() -> None:
    one = bench(World(cached=True, keeps=True))
    one = replace(one, wanted=replace(one.wanted, epochs=2))
    [arm] = one.workload(SMALL, ("warm-short-circuit",), None)["arms"]
    assert [text[:13] for text in arm["wrong"]] == ["epoch 2: 0 B "]


def test_a_later_epoch_of_a_mount_that_keeps_contents_is_not_proven() -> None:
    # A part that is fetched anew, several times, would look like all of it.
    one = bench(World(cached=True))
    keeps = Variant("kept", {"alluxio.user.client.cache.enabled": "true"}, "kernel_cache")
    one = replace(one, wanted=replace(one.wanted, variants=(keeps,), epochs=2))
    arms = ("warm-short-circuit", "warm-short-circuit/kept")
    plain, kept = one.workload(SMALL, arms, None)["arms"]
    assert plain["wrong"] == []
    settings = "kernel_cache, alluxio.user.client.cache.enabled"
    assert kept["wrong"] == [f"epoch 2: the mount keeps what it has read ({settings})"]


def test_nothing_is_cached_before_a_cold_run_nor_after_the_last() -> None:
    world = World(cached=True)
    bench(world, runs=2).workload(SMALL, ("cold", "warm-fuse"), None)
    assert world.steps == [f"list {PATH}", "free", "read", "free", "read", "read", "read", "free"]


def test_what_is_to_be_warm_is_read_before() -> None:
    world = World()
    bench(world).workload(SMALL, ("warm-short-circuit",), None)
    assert world.steps == [f"list {PATH}", "read", "read", "free"]


def test_what_does_not_stay_in_the_cache_is_told_and_freed() -> None:
    world = World(stays=False)
    with pytest.raises(CacheError, match="small does not stay in the cache"):
        bench(world).workload(SMALL, ("warm-fuse",), None)
    assert world.steps[-1] == "free"


def test_what_cannot_be_freed_at_the_end_costs_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def stays(*_: object, **__: object) -> None:
        world.steps.append("free")
        raise CacheError("100 bytes of small are still cached after 300 s, /x first.")

    world.free = stays  # type: ignore[method-assign]
    one = bench(world)
    large = replace(SMALL, name="large")
    one = replace(one, wanted=replace(one.wanted, workloads=(SMALL, large)))
    [found] = one.workloads(("direct", "warm-fuse"), None)
    assert [arm["arm"] for arm in found["arms"]] == ["direct", "warm-fuse"]
    [left] = benchmark_result.left(one.wanted.workloads, [found])
    assert left == (
        "small: 100 bytes of small are still cached after 300 s, /x first;"
        " not measured after that: large"
    )
    # What fails before all is measured is told, and not what fails after it.
    monkeypatch.setattr(Display, "warning", lambda *_: None)
    world.stays = world.cached = False
    with pytest.raises(CacheError, match="small does not stay in the cache"):
        one.workload(SMALL, ("direct", "warm-fuse"), None)


def test_files_that_the_cache_does_not_see_are_told() -> None:
    with pytest.raises(CacheError, match="knows of 99 of 100 files"):
        bench(World(known=99)).workload(SMALL, ("direct",), None)


def test_data_is_marked_made_and_counted() -> None:
    world = World()
    bench(world).make(SMALL)
    assert world.steps == ["look", "make", "seal"]
    assert bench(World(state="whole")).state_of(SMALL, begins=False) == "whole"
    with pytest.raises(SettingsError, match=r"s3://data/theirs is there"):
        bench(World(state="foreign")).make(SMALL)


def test_a_worker_that_does_not_tell_its_counters_proves_nothing() -> None:
    world = World()
    world.pod_http = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(CacheError, match="the worker w1 does not tell"):
        bench(world).workload(SMALL, ("direct",), None)


def test_readers_sit_beside_workers_that_serve_with_their_proxies() -> None:
    workers = [pod("w1", "alluxio-worker", "n1"), pod("w2", "alluxio-worker", "n2")]
    proxies = [pod("p2", "alluxio-proxy", "n2")]
    proxies[0]["spec"]["containers"] = [
        {"name": "alluxio-proxy", "ports": [{"name": "web", "containerPort": 40000}]}
    ]
    proxies[0]["status"]["containerStatuses"] = [{"name": "alluxio-proxy", "ready": True}]
    facts = [cluster.pod_facts(one) for one in workers]
    address = {"address": {"host": "10.0.0.1"}, "capacityBytes": 100, "usedBytes": 30}
    leader = health.parse_leader(
        "m0",
        json.dumps({"version": "2.9.6", "workers": [address, {"address": {"host": "10.0.0.2"}}]}),
    )
    cache = SimpleNamespace(
        kube=SimpleNamespace(list_objects=lambda *_: proxies),
        namespace="ns",
        release="r",
        seen=health.Seen(pods=facts, leader=leader),
    )
    assert benchmark_run.seats(cast("DatasetCache", cache)) == [
        Seat("n1", 70, ""),
        Seat("n2", 0, "10.1.0.2:40000"),
    ]


def test_what_an_earlier_run_has_left_cached_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "HEARTBEATS_S", 0.0)
    freed: list[str] = []
    cache = SimpleNamespace(
        known_files_of=lambda path: World(cached=True).known_files(path),
        free=lambda path, _, forgets: freed.append(path) if forgets else None,
    )
    benchmark._free_leftovers(cast("DatasetCache", cache))
    assert freed == ["/alluxops-benchmark"]
    cache.known_files_of = lambda _: ()
    benchmark._free_leftovers(cast("DatasetCache", cache))
    assert freed == ["/alluxops-benchmark"]


def test_the_cache_forgets_what_is_gone_although_the_removal_failed() -> None:
    world = World()
    assert bench(world).remove(counts_only=True)["removed"] == 3
    assert world.steps == ["remove"]
    assert bench(world).remove(counts_only=False)["removed"] == 3
    assert world.steps[1:] == ["remove", "list /alluxops-benchmark"]

    def refused(*_: object, **__: object) -> list[dict[str, Any]]:
        raise CacheError("the store has deleted 3 of 5 objects")

    world.do = refused  # type: ignore[method-assign]
    with pytest.raises(CacheError, match="3 of 5"):
        bench(world).remove(counts_only=False)
    assert world.steps[-2:] == ["list /alluxops-benchmark"] * 2
