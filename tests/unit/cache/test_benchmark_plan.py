"""What a benchmark is asked for is read whole; what cannot be measured is refused before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_plan,
    benchmark_variant,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Seat, Workload
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec

MIB = 1024**2
OPTIONS: dict[str, Any] = {
    "workloads": [{"name": "small", "files": 10, "bytes": 100}],
    "arms": [],
    "runs": 3,
    "parallelism": 4,
    "slow_endpoint": "",
    "tolerance_percent": 20,
    "variants": [],
    "warm_up_s": 3,
    "epochs": 1,
}
SEATS = [Seat("n1", 100 * MIB, "10.0.0.1:39999"), Seat("n2", 50 * MIB, "10.0.0.2:39999")]


def told(faults: list[SettingsError]) -> str:
    return "\n".join(map(str, faults))


def test_the_options_that_are_read_are_the_modules() -> None:
    spec = argument_spec("benchmark")
    assert set(OPTIONS) <= set(spec)
    assert spec["state"]["choices"] == ["present", "absent"]


def test_what_is_asked_for_is_read() -> None:
    given = {**OPTIONS, "arms": ["warm-s3", "cold"], "slow_endpoint": "https://far.example.com/"}
    wanted, faults = benchmark_plan.read(given)
    assert faults == []
    assert wanted.workloads == (Workload("small", 10, 100),)
    assert wanted.arms == ("cold", "warm-s3")  # in the order in which they can run
    assert wanted.slow_endpoint == "https://far.example.com"


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("small", "no mapping"),
        ({"name": "a", "files": 1}, "has no bytes"),
        ({"name": "a", "files": 1, "bytes": 100, "size": 1}, "has 'size'"),
        ({"name": "../a", "files": 1, "bytes": 100}, "is named '../a'"),
        ({"name": "a", "files": 0, "bytes": 100}, "has files 0"),
        ({"name": "a", "files": True, "bytes": 100}, "has files True"),
        ({"name": "a", "files": 1, "bytes": "1G"}, "has bytes '1G'"),
        ({"name": "a", "files": 1, "bytes": 15}, "has bytes 15"),
    ],
)
def test_a_workload_that_cannot_be_is_refused(entry: Any, why: str) -> None:
    _, faults = benchmark_plan.read({**OPTIONS, "workloads": [entry]})
    assert f"benchmark_workloads[0] {why}" in told(faults).replace("is 'small', ", "")


def test_all_faults_are_told_at_once() -> None:
    one = {"name": "a", "files": 1, "bytes": 100}
    wrong = {
        "workloads": [one, one],
        "arms": ["warm"],
        "runs": 0,
        "parallelism": 1000,
        "slow_endpoint": "http://user:password@far",
        "tolerance_percent": 100,
        "warm_up_s": -1,
        "epochs": 0,
    }
    _, faults = benchmark_plan.read({**OPTIONS, **wrong})
    text = told(faults)
    for said in (
        "benchmark_workloads[1].name is 'a'",
        "benchmark_arms has 'warm'",
        "benchmark_runs is 0",
        "benchmark_parallelism is 1000",
        "benchmark_slow_endpoint is",
        "benchmark_tolerance_percent is 100",
        "benchmark_warm_up_s is -1",
        "benchmark_epochs is 0",
    ):
        assert said in text
    assert "is empty" in told(benchmark_plan.read({**OPTIONS, "workloads": []})[1])


def properties(root: str) -> dict[str, str]:
    return {
        "alluxio.master.mount.table.root.ufs": root,
        "alluxio.underfs.s3.endpoint": "http://store:9000",
        "alluxio.underfs.s3.region": "eu-west-1",
    }


@pytest.mark.parametrize(
    ("root", "top"),
    [
        ("s3://data/", "alluxops-benchmark/"),
        ("s3a://data/research/sets/", "research/sets/alluxops-benchmark/"),
    ],
)
def test_the_files_lie_in_the_root(root: str, top: str) -> None:
    store = benchmark_plan.store_of(properties(root))
    assert (store.bucket, store.endpoint, store.region) == (
        "data",
        "http://store:9000",
        "eu-west-1",
    )
    assert benchmark_plan.top_of(store) == top


@pytest.mark.parametrize("root", ["", "/opt/alluxio/underFSStorage", "hdfs://namenode/"])
def test_a_root_that_readers_cannot_ask_is_refused(root: str) -> None:
    with pytest.raises(SettingsError, match="the root under store is"):
        benchmark_plan.store_of(properties(root))


def test_masters_own_properties_win() -> None:
    values = {"properties": {"a": 1, "b": 1}, "master": {"properties": {"b": 2}}}
    assert benchmark_plan.properties_of(values) == {"a": "1", "b": "2"}


def test_without_arms_all_that_can_be_are_measured() -> None:
    hindered = benchmark_plan.hindrances({}, SEATS, "")
    arms, left, faults = benchmark_plan.choose((), hindered)
    assert arms == ("direct", "cold", "warm-fuse", "warm-short-circuit", "warm-s3")
    assert (list(left), faults) == (["direct-slow"], [])
    assert benchmark_plan.hindrances({}, SEATS, "http://far") == {}


@pytest.mark.parametrize("short", [{"enabled": False}, {"policy": "local"}])
def test_what_the_deployment_lacks_is_left_out_or_refused(short: dict[str, Any]) -> None:
    hindered = benchmark_plan.hindrances({"shortCircuit": short}, [*SEATS, Seat("n3", 1)], "")
    arms, left, _ = benchmark_plan.choose((), hindered)
    assert arms == ("direct", "cold", "warm-fuse")
    assert left["warm-s3"] == "no proxy serves on n3"
    asked = ("direct", "direct-slow", "warm-short-circuit", "warm-s3")
    arms, left, faults = benchmark_plan.choose(asked, hindered)
    assert (arms, left) == (asked, {})
    assert [str(fault).split(" has ")[1].split(",")[0] for fault in faults] == list(asked[1:])


@pytest.mark.parametrize(
    ("kind", "policy", "left"),
    [("hostPath", "local", True), ("emptyDir", "local", False), ("hostPath", "uuid", False)],
)
def test_a_proxy_that_opens_block_files_is_counted_by_nobody(
    kind: str, policy: str, left: bool
) -> None:
    values = {"shortCircuit": {"policy": policy}, "tieredstore": {"levels": [{"type": kind}]}}
    found = benchmark_plan.hindrances(values, SEATS, "").get("warm-s3")
    assert (found is not None and "which no worker counts" in found[0]) is left


def test_what_fits_is_measured() -> None:
    assert benchmark_plan.fit([Workload("a", 90, MIB), Workload("b", 2, MIB)], SEATS) == []
    assert benchmark_plan.share_files(Workload("a", 91, MIB), 2) == 46


def test_one_worker_alone_has_no_other_node_to_read_from() -> None:
    hindered = benchmark_plan.hindrances({}, SEATS[:1], "http://far")
    arms, left, _ = benchmark_plan.choose((), hindered)
    assert "warm-fuse" not in arms
    assert left == {
        "warm-fuse": "no node but n1 has a worker that serves, and it reads what another's has"
    }
    _, _, faults = benchmark_plan.choose(("warm-fuse",), hindered)
    assert "measure it with two workers or more" in told(faults)


def test_what_would_evict_others_is_refused() -> None:
    text = told(benchmark_plan.fit([Workload("a", 91, MIB), Workload("b", 1, MIB)], SEATS))
    assert "takes 46 MiB of each worker, and the one on n2 has room for 45 MiB" in text
    assert "give it 90 files of that size at most" in text
    assert "b has 1 file for 2 workers" in text
    assert "no worker serves" in told(benchmark_plan.fit([], []))


def test_a_check_says_what_would_be_measured() -> None:
    wanted, _ = benchmark_plan.read(OPTIONS)
    assert benchmark_plan.steps(wanted, ("direct", "cold"), 2) == [
        "small: 10 files of 100 B, 2 readers, each with 4 files at once",
        "  direct, 3 runs: the object store itself",
        "  cold, 3 runs: FUSE, nothing cached: a worker fetches from the store",
    ]
    wanted, _ = benchmark_plan.read({**OPTIONS, "epochs": 2})
    assert [
        line.split(":")[0].strip()
        for line in benchmark_plan.steps(wanted, ("cold", "warm-fuse"), 2)[1:]
    ] == [
        "cold, 3 runs",
        "warm-fuse, 3 runs of 2 epochs",
    ]
    assert set(benchmark_plan.PATHS) == set(benchmark_plan.ARMS)


def test_variants_are_measured_beside_the_arms_with_a_mount() -> None:
    given = [{"name": "big", "properties": {"alluxio.user.x": 8}, "mount_options": "max_read=1"}]
    wanted, faults = benchmark_plan.read({**OPTIONS, "variants": given})
    assert faults == []
    arms = benchmark_plan.with_variants(("cold", "warm-fuse", "warm-s3"), wanted.variants)
    assert arms == ("cold", "warm-fuse", "warm-fuse/big", "warm-s3")
    one = benchmark_variant.variant_of("warm-fuse/big", wanted.variants)
    assert (one.properties, one.options) == ({"alluxio.user.x": "8"}, "max_read=1")
    assert benchmark_variant.variant_of("warm-fuse", wanted.variants).properties == {}
    assert benchmark_plan.path_of("warm-fuse/big").endswith("; with the settings of big")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("big", "no mapping"),
        ({"name": "a", "options": "x"}, "has 'options'"),
        ({"name": "A"}, "is named 'A'"),
        ({"name": "a", "properties": []}, ""),
        ({"name": "small-files"}, ""),
        ({"name": "upstream"}, ""),
        (
            {"name": "a"},
            "is named 'a' and nothing else; profiles are upstream, small-files, large-files",
        ),
        ({"name": "a", "properties": "x"}, "has properties 'x'"),
        ({"name": "a", "properties": {"java.home": 1}}, "has the property java.home"),
        ({"name": "a", "properties": {"alluxio.s3.secretKey": 1}}, "alluxio.s3.secretKey"),
        ({"name": "a", "properties": {"alluxio.a": "1 -Dalluxio.b=2"}}, "a value is one word"),
        ({"name": "a", "mount_options": "a b"}, "has blanks in mount_options"),
    ],
)
def test_a_variant_that_cannot_be_is_refused(entry: Any, why: str) -> None:
    _, faults = benchmark_plan.read({**OPTIONS, "variants": [entry]})
    assert why in told(faults)
    assert bool(faults) is bool(why)
