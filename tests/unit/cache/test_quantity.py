"""The same text, as Kubernetes, Alluxio and the JVM read it."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import (
    alluxio_bytes,
    human,
    jvm_memory,
    kubernetes_bytes,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1G", 10**9),
        ("1Gi", 2**30),
        ("1073741824", 2**30),
        (1073741824, 2**30),
        ("500M", 500 * 10**6),
        ("1e3", 1000),
        ("1.5Gi", 3 * 2**29),
        ("100m", 1),
    ],
)
def test_kubernetes_reads_decimal_and_binary_units(text: object, size: int) -> None:
    assert kubernetes_bytes(text) == size


@pytest.mark.parametrize("text", ["256MB", "1gb", "1 Gi", "", "G", "ten", "1K"])
def test_kubernetes_refuses_what_its_api_server_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="no Kubernetes quantity"):
        kubernetes_bytes(text)


@pytest.mark.parametrize("text", ["1G", "1GB", "1g", "1Gi", "1GiB", "1073741824", "1073741824b"])
def test_alluxio_reads_every_unit_as_a_power_of_1024(text: str) -> None:
    assert alluxio_bytes(text) == 2**30


@pytest.mark.parametrize("text", ["1i", "1ib", "1X", "", "-1G", "G"])
def test_alluxio_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no Alluxio size"):
        alluxio_bytes(text)


@pytest.mark.parametrize(
    ("options", "heap", "direct"),
    [
        (["-Xmx2g", "-XX:MaxDirectMemorySize=512m"], 2 << 30, 512 << 20),
        (["-Xmx1g -Xmx3g"], 3 << 30, None),
        (["-Dx=y"], None, None),
    ],
)
def test_the_last_jvm_option_wins(options: list[str], heap: int | None, direct: int | None) -> None:
    assert jvm_memory(options) == (heap, direct)


def test_sizes_read_well() -> None:
    assert [human(1500 << 20), human(1 << 30), human(999)] == ["1.5 GiB", "1 GiB", "999 B"]
