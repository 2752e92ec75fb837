"""Killing the leader of three masters, or its node, or letting it stand still: the cache serves again and has all it
acknowledged. How fast: `make bench`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab
from tests.integration.struck_leader import (
    missing_after,
    missing_after_dead_node,
    missing_after_pause,
)
from tests.masters_under_test import Masters
from tests.steady_client import SteadyClient

pytestmark = pytest.mark.long

NAME = "failover"
PAUSE_S = 10.0
"""Twice the longest that the others wait for a silent leader."""
SETTINGS: dict[str, Any] = {
    "alluxio_masters": 3,
    "alluxio_ha": "embedded",
    "verify_tests": False,
}


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """Three embedded masters in a namespace of their own."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    cache.apply("site", **SETTINGS)
    yield cache
    cache.remove()


@pytest.fixture(scope="module")
def masters(lab: RunningLab, cache: Cache) -> Masters:
    """Its masters."""
    return Masters(lab.run, NAME, NAME)


@pytest.fixture(scope="module")
def client(lab: RunningLab, cache: Cache) -> SteadyClient:
    """A client in a pod of its own; it goes with the namespace."""
    # On the control plane's node, whose API carries its commands: that one is not killed here.
    client = SteadyClient(lab.run, lab.environment, NAME, NAME, lab.state.control.name)
    client.start()
    return client


@pytest.mark.parametrize("how", ["pod", "process"])
def test_killing_the_leader_loses_no_acknowledged_write(
    cache: Cache, masters: Masters, client: SteadyClient, how: str
) -> None:
    kill = masters.kill_pod if how == "pod" else masters.kill_process
    assert missing_after(cache, masters, client, kill, how) == []


def test_a_leader_that_stands_still_loses_no_acknowledged_write(
    cache: Cache, masters: Masters, client: SteadyClient
) -> None:
    assert missing_after_pause(cache, masters, client, PAUSE_S) == []


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
    verify = json.loads(cache.apply("verify", "--json", **SETTINGS | {"verify_tests": True}).output)
    assert verify["verify"]["write_read"]["digest_equal"]
    assert verify["healthy"], verify


def test_killing_the_leaders_node_loses_no_acknowledged_write(
    cache: Cache, masters: Masters, client: SteadyClient
) -> None:
    assert missing_after_dead_node(cache, masters, client) == []
    cache.wait_for("all masters to take part", masters.are_whole)
