"""Verbs over masters that elect through ZooKeeper, and an ensemble that forgets: the cache keeps every path, mount and
setting. A sequence: each test goes on where the one before ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import file_tree, run_format
from tests.integration.cache_under_test import Cache
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab
from tests.integration.zookeeper_under_test import (
    WHOLE,
    deployed_for,
    read_tree,
    servers,
    settings_of,
    wait_healthy,
)
from tests.masters_under_test import Masters

pytestmark = pytest.mark.long

NAME = "zookeeper-verbs"
"""Namespace and release."""
ENSEMBLE = f"{NAME}-zookeeper"
SETTINGS: dict[str, Any] = {**settings_of(NAME), "verify_tests": False}
RESTARTS = 3
STEPS_DOWN_WITHIN_S = 120
"""The leader steps down when its session is over, within seconds; the rest is a busy machine's."""


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A cache that was deployed by site just now."""
    with deployed_for(lab, tmp_path_factory.mktemp(NAME), NAME) as cache:
        yield cache


@pytest.fixture(scope="module")
def masters(cache: Cache) -> Masters:
    """Its masters."""
    return Masters(cache.lab.run, NAME, NAME, has_quorum=False)


@pytest.fixture(scope="module")
def before(cache: Cache) -> FileTree:
    """Its files, mounts, pins, TTLs and ACLs."""
    file_tree.make(cache.script, f"/{NAME}")
    tree = read_tree(cache)
    assert len(tree.entries) > file_tree.FILES + file_tree.CACHED + file_tree.DIRECTORIES
    assert len(tree.mounts) == 2
    return tree


def made(cache: Cache) -> dict[str, str]:
    """When each master's pod was made."""
    pods = cache.pods()
    return {
        name: pod["metadata"]["creationTimestamp"]
        for name, pod in pods.items()
        if name.startswith(f"{NAME}-master-")
    }


def config(cache: Cache) -> str:
    """What the release tells its pods."""
    return cache.lab.kubectl("get", "configmap", f"{NAME}-config", "-n", NAME, "-o", "yaml")


def test_an_upgrade_to_another_property_restarts_the_leader_last_and_loses_nothing(
    cache: Cache, masters: Masters, before: FileTree
) -> None:
    values = cache.lab.values
    values["master"]["properties"] = {"alluxio.master.ttl.checker.interval": "2hour"}
    leader, old = masters.leader(), made(cache)
    outcome = cache.apply("upgrade", **SETTINGS, alluxio_values=values)
    assert "alluxio_backups" in outcome.output
    assert "2hour" in config(cache)
    now = made(cache)
    assert len(now) == masters.count
    assert not set(now.values()) & set(old.values())
    assert max(now, key=lambda name: now[name]) == leader
    assert before.differences(read_tree(cache)) == []

    again = cache.apply("upgrade", **SETTINGS, alluxio_values=values)
    assert "nothing to do" in again.output
    assert ", 0 changed" in again.output
    assert made(cache) == now


def test_a_rollback_undoes_it_and_loses_nothing(cache: Cache, before: FileTree) -> None:
    outcome = cache.apply("rollback", **SETTINGS)
    assert "set the inventory as it was" in outcome.output
    assert "2hour" not in config(cache)
    assert before.differences(read_tree(cache)) == []
    assert ", 0 changed" in cache.apply("site", **SETTINGS).output


def test_an_upgrade_by_hand_with_the_guides_run_format_and_all_restarted_lose_nothing(
    cache: Cache, masters: Masters, before: FileTree
) -> None:
    run_format.upgrade_by_hand(cache)
    for _ in range(RESTARTS):
        run_format.restart_all(cache, masters)
    wait_healthy(cache)
    assert before.differences(read_tree(cache)) == []


def run_servers(cache: Cache, count: int) -> None:
    """Have so many servers, and wait until the others are gone or all serve."""
    cache.lab.kubectl("scale", "statefulset", ENSEMBLE, "-n", NAME, f"--replicas={count}")

    def as_wanted() -> bool:
        found = sorted(servers(cache).values())
        return found == WHOLE if count == len(WHOLE) else len(found) == count

    cache.wait_for(f"{count} servers", as_wanted, is_patient=True)


def test_without_two_of_three_servers_nobody_leads_and_all_emptied_cost_no_metadata(
    cache: Cache, masters: Masters, before: FileTree
) -> None:
    data = f"{cache.root}/zookeeper"
    pods = cache.lab.objects("pods", "-n", NAME, "-l", "app=zookeeper")
    nodes = [pod["spec"]["nodeName"] for pod in pods]
    assert len(nodes) == len(WHOLE)
    try:
        run_servers(cache, 1)
        # More than once: a question that the API did not answer counts as no leader.
        cache.wait_for(
            "no leader",
            lambda: not any(masters.leader() for _ in range(3)),
            limit_s=STEPS_DOWN_WITHIN_S,
        )
        run_servers(cache, 0)
        for node in nodes:
            assert "version-2" in cache.lab.on_node(node, f"ls {data}")
            cache.lab.on_node(node, f"find {data} -mindepth 1 -delete")
    finally:
        run_servers(cache, len(WHOLE))
    wait_healthy(cache)
    assert before.differences(read_tree(cache)) == []


def test_uninstall_takes_both_releases_and_site_takes_the_shared_journal_up(
    cache: Cache, before: FileTree
) -> None:
    outcome = cache.apply("uninstall", **SETTINGS)
    assert f"Helm release {ENSEMBLE}" in outcome.output
    assert cache.lab.objects("statefulsets", "-n", NAME) == []

    again = cache.apply("uninstall", **SETTINGS)
    assert "nothing was there to remove" in again.output
    assert ", 0 changed" in again.output

    cache.apply("site", **SETTINGS)
    assert sorted(servers(cache).values()) == WHOLE
    assert before.differences(read_tree(cache)) == []
    assert ", 0 changed" in cache.apply("site", **SETTINGS).output


@pytest.mark.parametrize("verb", ["site", "upgrade"])
def test_masters_that_run_are_not_led_to_another_ensemble(
    cache: Cache, before: FileTree, verb: str
) -> None:
    old, told = made(cache), config(cache)
    elsewhere = "nobody.example.test:2181"
    refused = cache.verb(verb, **{**SETTINGS, "alluxio_zookeeper_address": [elsewhere]})
    assert refused.code == 2, refused.output
    assert elsewhere in refused.output
    assert "alluxio_zookeeper_address" in refused.output
    assert made(cache) == old
    assert config(cache) == told
    assert before.differences(read_tree(cache)) == []
