"""Killing the leader of three masters: the cache serves again and has all it acknowledged. How fast: `make bench`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab
from tests.masters_under_test import Masters
from tests.steady_client import SteadyClient

pytestmark = pytest.mark.long

NAME = "failover"
STORAGE = f"/mnt/{NAME}"
SETTINGS: dict[str, Any] = {
    "alluxio_namespace": NAME,
    "alluxio_release": NAME,
    "node_storage_root": STORAGE,
    "alluxio_masters": 3,
    "alluxio_ha": "embedded",
    "verify_tests": False,
}


def remove(lab: RunningLab) -> None:
    """Take the release and its data away."""
    lab.run("helm", "uninstall", NAME, "-n", NAME, "--wait", check=False, timeout_s=180)
    lab.run("kubectl", "delete", "namespace", NAME, "--ignore-not-found", timeout_s=180)
    lab.run("kubectl", "delete", "pv", "-l", f"release={NAME}", "--ignore-not-found")
    for node in lab.state.nodes:
        lab.on_node(node.name, f"rm -rf {STORAGE}")


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """Three embedded masters in a namespace of their own."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME))
    remove(lab)
    cache.apply("site", **SETTINGS)
    yield cache
    remove(lab)


@pytest.fixture(scope="module")
def masters(lab: RunningLab, cache: Cache) -> Masters:
    """Its masters."""
    return Masters(lab.run, NAME, NAME)


@pytest.fixture(scope="module")
def client(lab: RunningLab, cache: Cache) -> SteadyClient:
    """A client in a pod of its own; it goes with the namespace."""
    client = SteadyClient(lab.run, lab.environment, NAME, NAME)
    client.start()
    return client


@pytest.mark.parametrize("how", ["pod", "process"])
def test_killing_the_leader_loses_no_acknowledged_write(
    cache: Cache, masters: Masters, client: SteadyClient, how: str
) -> None:
    cache.wait_for("all masters to take part", masters.are_whole)
    before = masters.leader()
    assert before is not None
    with client.load("files", how, pause_s=0.02) as load:
        client.wait_answered(load, 50)
        kill = masters.kill_pod if how == "pod" else masters.kill_process
        killed = kill(before)
        client.wait_answered(load, 50)
        cache.wait_for("a leader", masters.leader)
        client.wait_answered(load, 50)
    late = [item.name for item in load.operations if item.answered and item.began > killed]
    assert len(late) >= 50
    assert client.missing(load.acknowledged) == []


def test_verify_status_and_shell_follow_the_leader(cache: Cache, masters: Masters) -> None:
    cache.wait_for("all masters to take part", masters.are_whole)
    leader = masters.leader()
    report = json.loads(cache.apply("status", "--json", **SETTINGS).output)
    roles = {master["pod"]: master["role"] for master in report["masters"]}
    assert roles == {pod: "leader" if pod == leader else "standby" for pod in masters.names()}, (
        report
    )
    shell = cache.run(
        *cache.command("alluxops", "shell", "-i", str(cache.lab.inventory), settings=SETTINGS),
        *("--", "fs", "masterInfo"),
    )
    assert shell.code == 0, shell.output
    assert f"Current leader master: {leader}" in shell.output
    verify = json.loads(cache.apply("verify", "--json", **SETTINGS).output)
    assert verify["verify"]["write_read"]["digest_equal"]
    assert verify["healthy"], verify
