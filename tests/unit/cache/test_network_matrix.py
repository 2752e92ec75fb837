"""What iperf3, dd and the program in the pods print is read, and their errors are told in their words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import network_matrix
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Measured,
    MeasureError,
)
from tests.unit.cache.network_cases import measured

DIRECT = """\
folder /mnt/tier
kind ext2/ext3
67108864 bytes (67 MB, 64 MiB) copied, 0.5 s, 134 MB/s
64+0 records in
64+0 records out
33554432 bytes (34 MB, 32 MiB) copied, 0.25 s, 134 MB/s
"""
REFUSED = """\
folder /mnt/tier
kind overlayfs
dd: failed to open '/mnt/tier/1': Invalid argument
cached
67108864 bytes (64.0MB) copied, 0.064 seconds, 1000.0MB/s
"""


def iperf(**end: Any) -> str:
    return json.dumps({"start": {}, "end": end})


def test_what_arrived_counts_not_what_was_sent() -> None:
    text = iperf(
        sum_sent={"bits_per_second": 9e9, "retransmits": 3}, sum_received={"bits_per_second": 8e9}
    )
    assert network_matrix.parse_iperf(text) == (1e9, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"end": {}, "error": "unable to connect to server"}', "unable to connect"),
        ("iperf3: not found\n", "iperf3: not found"),
        ("", "printed nothing"),
        ('{"end": {}}', "no sum"),
        ("[]", "no object"),
    ],
)
def test_a_failure_is_told_in_its_words(text: str, words: str) -> None:
    with pytest.raises(MeasureError, match=words):
        network_matrix.parse_iperf(text)


def test_blocks_on_a_disk_are_summed() -> None:
    found = network_matrix.parse_tier("n1", DIRECT)
    assert (found.kind, found.folder, found.bytes) == ("disk", "/mnt/tier", 100663296)
    assert found.bytes_per_s == pytest.approx(100663296 / 0.75)


def test_a_tier_in_memory_is_told_as_such() -> None:
    text = DIRECT.replace("ext2/ext3", "tmpfs")
    assert network_matrix.parse_tier("n1", text).kind == "memory"


def test_a_file_system_without_direct_reads_is_told_as_such() -> None:
    assert network_matrix.parse_tier("n1", REFUSED).kind == "cached"


def test_a_tier_without_blocks_is_not_measured() -> None:
    with pytest.raises(MeasureError, match="no block of 16 MiB"):
        network_matrix.parse_tier("n1", "")


def test_tiers_are_those_of_the_release_in_their_order() -> None:
    level = "-Dalluxio.worker.tieredstore.level{}.dirs.path={}"
    options = f"{level.format(1, '/hdd')} -Dx=y {level.format(0, '/ssd1,/ssd2')}"
    found = network_matrix.tier_folders(
        {"ALLUXIO_WORKER_JAVA_OPTS": options, "OTHER": level.format(2, "/no")}
    )
    assert found == ["/ssd1", "/ssd2", "/hdd"]
    assert network_matrix.tier_folders({}) == []


def reading(began: float, *parts: tuple[int, int]) -> dict[str, Any]:
    """An answer of (seconds, bytes a second), with a tick each tenth of one."""
    ticks: list[list[float]] = [[0.0, 0]]
    for seconds, each in parts:
        for _ in range(seconds * 10):
            ticks.append([ticks[-1][0] + 0.1, ticks[-1][1] + each / 10])
    return {"began": began, "ticks": ticks}


def test_a_rate_is_all_bytes_over_all_seconds_however_late_a_tick_is() -> None:
    assert network_matrix.rate(reading(0, (2, 100))) == pytest.approx(100)
    assert network_matrix.rate({"began": 0, "ticks": [[0.0, 0], [4.0, 400]]}) == 100
    assert network_matrix.rate({"began": 0, "ticks": [[0.0, 0]]}) == 0


def test_nodes_together_are_counted_only_while_all_of_them_read() -> None:
    """The first has the link for itself until the second begins; then each has half."""
    first = reading(100.0, (1, 1000), (2, 500))
    second = reading(101.0, (2, 500), (1, 1000))
    assert network_matrix.rate_together([first, second]) == pytest.approx(1000)


def test_moments_between_ticks_are_in_proportion() -> None:
    late = {"began": 100.05, "ticks": [[0.0, 0], [1.7, 1700], [2.0, 2000]]}
    found = network_matrix.rate_together([reading(100.0, (2, 1000)), late])
    assert found == pytest.approx(2000)


def test_nodes_that_hardly_read_together_are_no_measure() -> None:
    assert network_matrix.rate_together([reading(0, (2, 10)), reading(1.5, (2, 10))]) is None
    assert network_matrix.rate_together([]) is None


def test_a_document_is_read_back_as_it_was() -> None:
    document = json.loads(json.dumps({**measured().as_dict(), "format": 1}))
    assert Measured.from_dict(document) == measured()
    assert Measured.from_dict(Measured(("n1",)).as_dict()) == Measured(("n1",))
