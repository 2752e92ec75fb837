"""Sizes: Kubernetes and Alluxio read the same number of bytes."""

from __future__ import annotations

import pytest

from tests.unit.chart.rendering import Chart

GIB = 2**30


def tiers(quota: object, **more: object) -> dict[str, object]:
    level = {"level": 0, "alias": "MEM", "mediumtype": "MEM", "path": "/dev/shm"}
    return {"tieredstore": {"levels": [level | {"type": "emptyDir", "quota": quota} | more]}}


@pytest.mark.parametrize(
    ("quota", "quota_bytes"),
    [
        ("1G", GIB),
        ("1GB", GIB),
        ("1Gi", GIB),
        ("1GiB", GIB),
        ("1g", GIB),
        ("1gb", GIB),
        ("256MB", 256 * 2**20),
        ("256Mi", 256 * 2**20),
        ("512m", 512 * 2**20),
        ("1.5G", GIB * 3 // 2),
        ("0.5Gi", GIB // 2),
        ("2048K", 2 * 2**20),
        ("1073741824", GIB),
        ("1073741824B", GIB),
        (1073741824, GIB),
        (1000000000, 10**9),
        (2**40 + 1, 2**40 + 1),
        ("3T", 3 * 2**40),
        ("2P", 2 * 2**50),
    ],
)
def test_a_quota_is_what_alluxio_reads_for_both(
    chart: Chart, quota: object, quota_bytes: int
) -> None:
    rendered = chart.render(tiers(quota) | {"worker": {"resources": {"limits": {"memory": "8Pi"}}}})
    worker = rendered.properties("WORKER")
    assert worker["alluxio.worker.tieredstore.level0.dirs.quota"] == str(quota_bytes)
    assert worker["alluxio.worker.ramdisk.size"] == str(quota_bytes)
    [volume] = [
        each
        for each in rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
        if each["name"] == "tier0-0"
    ]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": str(quota_bytes)}


@pytest.mark.parametrize("quota", ["1X", "1 GB", "-1G", "", "G", "1e9", "010", "1GBB", "1Bi"])
def test_a_quota_that_alluxio_does_not_read_is_refused(chart: Chart, quota: str) -> None:
    error = chart.refused(tiers(quota))
    assert f'tieredstore.levels[0].quota is "{quota}"' in error
    assert "Fix:" in error


@pytest.mark.parametrize(
    ("limit", "accepted"),
    [
        ("1Gi", False),  # the tier would take all of it
        ("1G", False),  # 10^9 is less than 2^30
        ("1073741824", False),
        (1073741824, False),
        ("1.5Gi", True),
        ("2G", True),
        ("2e9", True),
        ("1999999999999m", True),
    ],
)
def test_a_memory_tier_as_large_as_the_workers_limit_is_refused(
    chart: Chart, limit: object, *, accepted: bool
) -> None:
    values = tiers("1G") | {"worker": {"resources": {"limits": {"memory": limit}}}}
    if accepted:
        chart.render(values)
    else:
        assert "worker.resources.limits.memory" in chart.refused(values)


def test_a_disk_tier_does_not_count_towards_the_memory_limit(chart: Chart) -> None:
    values = tiers("100G", mediumtype="SSD", alias="SSD", path="/mnt/ssd", type="hostPath")
    rendered = chart.render(values)
    assert rendered.properties("WORKER")["alluxio.worker.ramdisk.size"] == "0"


def test_an_ssd_tier_in_an_empty_directory_is_not_memory(chart: Chart) -> None:
    rendered = chart.render(tiers("1G", mediumtype="SSD", alias="SSD", path="/mnt/ssd"))
    volumes = rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    assert {"name": "tier0-0", "emptyDir": {"sizeLimit": str(GIB)}} in volumes


def test_two_levels_with_several_directories_reach_worker_and_pod(chart: Chart) -> None:
    levels = [
        {"level": 0, "mediumtype": "MEM", "path": "/dev/shm", "type": "emptyDir", "quota": "1G"},
        {
            "level": 1,
            "alias": "SSD",
            "mediumtype": "SSD,HDD",
            "path": "/mnt/ssd,/mnt/hdd",
            "type": "persistentVolumeClaim",
            "name": "fast,slow",
            "quota": "10G,20G",
            "high": 0.9,
        },
    ]
    rendered = chart.render({"tieredstore": {"levels": levels}})
    worker = rendered.properties("WORKER")
    prefix = "alluxio.worker.tieredstore.level1"
    assert worker["alluxio.worker.tieredstore.levels"] == "2"
    assert worker[f"{prefix}.alias"] == "SSD"
    assert worker[f"{prefix}.dirs.mediumtype"] == "SSD,HDD"
    assert worker[f"{prefix}.dirs.path"] == "/mnt/ssd,/mnt/hdd"
    assert worker[f"{prefix}.dirs.quota"] == f"{10 * GIB},{20 * GIB}"
    assert worker[f"{prefix}.watermark.high.ratio"] == "0.9"
    spec = rendered.pod("DaemonSet", "alluxio-worker")["spec"]
    claims = {each["name"]: each.get("persistentVolumeClaim") for each in spec["volumes"]}
    assert claims["tier1-0"] == {"claimName": "fast"}
    assert claims["tier1-1"] == {"claimName": "slow"}
    mounts = {each["mountPath"] for each in spec["containers"][0]["volumeMounts"]}
    assert {"/dev/shm", "/mnt/ssd", "/mnt/hdd"} <= mounts


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"mediumtype": "SSD,HDD"}, "names 2 directories and path names 1"),
        ({"type": "persistentVolumeClaim"}, "name does not give a claim"),
    ],
)
def test_lists_of_a_level_that_do_not_match_are_refused(
    chart: Chart, more: dict[str, object], said: str
) -> None:
    assert said in chart.refused(tiers("1G", **more))


def test_levels_out_of_order_are_refused(chart: Chart) -> None:
    assert "tieredstore.levels[0] has level 1" in chart.refused(tiers("1G", level=1))


def test_the_heap_follows_the_limit_and_leaves_room_for_the_blocks(chart: Chart) -> None:
    values = tiers("1Gi") | {"worker": {"resources": {"limits": {"memory": "3Gi"}}}}
    options = chart.render(values).config()["ALLUXIO_WORKER_JAVA_OPTS"].split()
    assert "-Xmx819m" in options  # 40 % of the 2 GiB beside the blocks
    assert "-XX:MaxDirectMemorySize=819m" in options


def test_the_users_heap_is_the_only_one(chart: Chart) -> None:
    rendered = chart.render({"worker": {"jvmOptions": ["-Xmx2g"]}, "jvmOptions": ["-Xss512k"]})
    options = rendered.config()["ALLUXIO_WORKER_JAVA_OPTS"].split()
    assert [each for each in options if each.startswith("-Xmx")] == ["-Xmx2g"]


def test_whole_numbers_reach_alluxio_without_exponent(chart: Chart) -> None:
    values = {"properties": {"alluxio.user.block.size.bytes.default": 67108864, "alluxio.x": 0.25}}
    worker = chart.render(values).properties("WORKER")
    assert worker["alluxio.user.block.size.bytes.default"] == "67108864"
    assert worker["alluxio.x"] == "0.25"
