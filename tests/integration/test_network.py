"""`network` names what is slow: the way from the store, or one node. Its pods never outlive it, nor a run after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

NAME = "network"
ROOT_PREFIX = "network-under-test"
OBJECT_BYTES = 32 * 1024**2
MIB = 1024**2
SLOW_NODE = "n3"
SETTINGS: dict[str, Any] = {
    "verify_tests": False,
    "alluxio_root_ufs": f"s3://datasets/{ROOT_PREFIX}/",
    "alluxio_worker_quota": 128 * 1024**2,
}


@dataclass(frozen=True)
class Networked:
    """A cache, whose root holds an object that is worth reading."""

    cache: Cache
    path: Path

    def measure(self, *argv: str, code: int = 0, **settings: Any) -> Outcome:
        """`alluxops network`; no pod is left of it, however it ends."""
        given = {**SETTINGS, "network_report": str(self.path), **settings}
        outcome = self.cache.verb("network", *argv, **given)
        assert outcome.code == code, outcome.output
        assert self.pods == []
        return outcome

    @property
    def report(self) -> dict[str, Any]:
        """The last one."""
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    @property
    def pods(self) -> list[str]:
        """The pods that measure, by their uid."""
        found = self.cache.lab.objects("pods", "-n", NAME, "-l", "alluxops/task=network")
        return [pod["metadata"]["uid"] for pod in found]


@pytest.fixture(scope="module")
def network(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Networked]:
    """A deployed cache, one of whose workers holds a file that was written to the cache only."""
    folder = tmp_path_factory.mktemp(NAME)
    lab.bring_images("images-toolbox")
    cache = Cache(lab, folder, NAME)
    cache.remove()
    cache.forget(f"{ROOT_PREFIX}/")
    lab.s3().put_object(
        Bucket="datasets",
        Key=f"{ROOT_PREFIX}/large",
        Body=b"0123456789abcdef" * (OBJECT_BYTES // 16),
    )
    cache.apply("site", **SETTINGS)
    cache.script(
        "head -c 40000000 /dev/zero > /tmp/blocks; alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE"
        " copyFromLocal /tmp/blocks /blocks; rm /tmp/blocks"
    )
    yield Networked(cache, folder / "report.json")
    cache.remove()
    cache.forget(f"{ROOT_PREFIX}/")


def names(network: Networked) -> set[str]:
    return {node.name for node in network.cache.lab.state.joined}


def test_what_cannot_be_measured_is_refused_before_a_pod_is_made(network: Networked) -> None:
    text = network.measure(code=2, network_compute_nodes=["no-such-node"]).output
    assert "network_compute_nodes has 'no-such-node'" in text
    assert "network_seconds is 0" in network.measure(code=2, network_seconds=0).output
    text = network.measure(code=2, alluxio_root_ufs_secret="no-such-secret").output
    assert "there is no Secret no-such-secret" in text
    # A misspelt variable is not passed over, although others use the prefix too.
    assert "network_second is not" in network.measure(code=2, network_second=1).output
    assert "network_report is" in network.measure(code=2, network_report="here.json").output


def test_a_check_says_what_would_be_measured_and_makes_nothing(network: Networked) -> None:
    text = network.measure("--check").output
    nodes = len(names(network))
    assert f"measure {nodes * (nodes - 1) // 2} of" in text
    assert f"s3://datasets/{ROOT_PREFIX}/" in text
    assert not network.path.exists()


def test_an_image_that_is_not_there_is_told_by_what_kubernetes_says(network: Networked) -> None:
    text = network.measure(code=1, alluxops_toolbox_image="alluxops/toolbox:none").output
    assert "has not got the image alluxops/toolbox:none" in text
    assert "images/toolbox" in text


def test_all_links_the_store_and_tiers_are_measured(network: Networked) -> None:
    text = network.measure().output
    report, nodes = network.report, names(network)
    assert {(link["source"], link["target"]) for link in report["links"]} == {
        (a, b) for a in nodes for b in nodes if a != b
    }
    assert all(link["bytes_per_s"] > MIB and link["latency_ms"] > 0 for link in report["links"])
    assert set(report["store"]["alone"]) == nodes
    assert report["store"]["object_bytes"] == OBJECT_BYTES
    assert report["disks"]
    assert network.path.stat().st_mode & 0o777 == 0o600
    assert "from \\ to" in text
    assert "narrowest" in text
    key = network.cache.lab.s3()._request_signer._credentials.secret_key
    assert key not in text + network.path.read_text()


def test_a_slow_way_from_the_store_is_the_narrowest(network: Networked) -> None:
    """200 Mbit a second are 23.8 MiB; the nodes among themselves are as fast as before."""
    with network.cache.lab.slowed("--rate", "200mbit"):
        text = network.measure().output
    report = network.report
    assert report["narrowest"]["resource"] == "store"
    assert "narrowest  the link from the store" in text
    together = report["store"]["together"] or max(report["store"]["alone"].values())
    assert 10 * MIB < together < 26 * MIB
    assert max(report["store"]["alone"].values()) < 26 * MIB
    assert min(link["bytes_per_s"] for link in report["links"]) > 26 * MIB


def test_a_slow_node_is_named(network: Networked) -> None:
    with network.cache.lab.slowed("--rate", "50mbit", "--node", SLOW_NODE):
        text = network.measure().output
    assert network.report["slow"]["nodes"] == [SLOW_NODE]
    assert f"slow       {SLOW_NODE}: every link of it" in text
    for link in network.report["links"]:
        is_slow = SLOW_NODE in (link["source"], link["target"])
        assert (link["bytes_per_s"] < 7 * MIB) is is_slow


def test_the_nodes_own_network_and_a_sample_are_measured_where_that_is_asked_for(
    network: Networked,
) -> None:
    text = network.measure(network_host=True, network_pairs=1, network_seconds=1).output
    assert "on the nodes' own network" in text
    assert "(network_pairs is 1)" in text
    assert len(network.report["links"]) == 2


def test_pods_of_a_run_that_was_killed_are_removed_by_the_next(network: Networked) -> None:
    cache = network.cache
    settings = {**SETTINGS, "network_seconds": 10}
    inventory = ("-i", str(cache.lab.inventory))
    with cache.running("alluxops", "network", *inventory, **settings) as run:
        cache.wait_for("a round to begin", lambda: "round 1 of" in cache.running_log)
        assert cache.kill(run) > 1
    assert network.pods
    assert "0 changed" in network.measure().output
