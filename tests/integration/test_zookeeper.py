"""Masters that elect through our own ZooKeeper over a journal that all of them share, on a real cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import failover
from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab
from tests.integration.struck_leader import (
    missing_after,
    missing_after_dead_node,
    missing_after_pause,
)
from tests.integration.zookeeper_under_test import (
    WHOLE,
    place_for,
    remove,
    report,
    servers,
    settings_of,
    wait_healthy,
)
from tests.masters_under_test import Masters
from tests.steady_client import SteadyClient

pytestmark = pytest.mark.long

NAME = "zookeeper"
"""Namespace and release, beside the release that other modules use."""

SLOWER = {failover.SESSION: "8s", failover.QUIET: "10s"}
PAUSE_S = 12.0
"""Longer than a session lasts, which is 10 s with SLOWER and a tick of 2 s, and over before the successor may lead:
10 s after a session of which two thirds may have been left. Later nothing keeps the old leader from the shared
journal, and what it acknowledges may be lost (docs/runbooks/high-availability.md). Our own times leave a busy machine
no such moment.
"""
SETTINGS = settings_of(NAME)


@pytest.fixture(scope="module")
def site(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """The lab with the image, and without this release before and after."""
    with place_for(lab, tmp_path_factory.mktemp(NAME), NAME) as cache:
        yield cache


@pytest.fixture(scope="module")
def first(site: Cache) -> Outcome:
    """The first run, proofs included."""
    return site.verb("site", **SETTINGS)


@pytest.fixture(scope="module")
def cache(site: Cache, first: Outcome) -> Cache:
    """The deployed cache."""
    assert first.code == 0, first.output
    return site


@pytest.fixture(scope="module")
def masters(lab: RunningLab, cache: Cache) -> Masters:
    """Its masters."""
    return Masters(lab.run, NAME, NAME, has_quorum=False)


@pytest.fixture(scope="module")
def client(lab: RunningLab, cache: Cache) -> SteadyClient:
    """A client in a pod of its own; it goes with the namespace."""
    client = SteadyClient(lab.run, lab.environment, NAME, NAME, lab.state.control.name)
    client.start()
    return client


def alluxio(cache: Cache, *argv: str, check: bool = True) -> str:
    """An `alluxio` command in a worker, which finds the leader as any client does."""
    worker = ("-n", NAME, "exec", f"daemonset/{NAME}-worker", "-c", "alluxio-worker", "--")
    return cache.lab.run("kubectl", *worker, "alluxio", *argv, check=check)


def tree(cache: Cache) -> list[str]:
    """Every path below /tree with mode, owner, size and time."""
    return sorted(alluxio(cache, "fs", "ls", "-R", "/tree").splitlines())


def test_the_first_run_ends_with_a_cache_that_serves(cache: Cache, first: Outcome) -> None:
    assert "runTests 24/24" in first.output
    assert "same digest" in first.output
    found = report(cache)
    assert found["healthy"], found["problems"]
    assert sorted(master["role"] for master in found["masters"]) == ["leader", "standby", "standby"]
    assert sorted(servers(cache).values()) == WHOLE


def test_all_masters_have_one_journal(cache: Cache) -> None:
    journal = f"/mnt/shared/{NAME}/{NAME}"
    seen = {cache.lab.on_node(node.name, f"ls {journal}") for node in cache.lab.state.joined}
    assert len(seen) == 1
    assert "BlockMaster" in seen.pop()


def test_a_second_run_changes_nothing(cache: Cache) -> None:
    outcome = cache.playbook("site.yml", **SETTINGS)
    assert set(outcome.changed.values()) == {0}, outcome.output


def test_nothing_is_lost_with_the_leaders_pod(
    cache: Cache, masters: Masters, client: SteadyClient
) -> None:
    alluxio(cache, "fs", "mkdir", *[f"/tree/{name}/deep" for name in "abc"])
    for name in "abc":
        # Not in the background, as is the default: the listing tells whether it is persisted.
        through = "-Dalluxio.user.file.writetype.default=CACHE_THROUGH"
        source = "file:///opt/alluxio/conf/log4j.properties"
        alluxio(cache, "fs", through, "cp", source, f"/tree/{name}/f")
    alluxio(cache, "fs", "setTtl", "--action", "free", "/tree/a/f", "86400000")
    before = tree(cache)
    assert len(before) == 9
    assert missing_after(cache, masters, client, masters.kill_pod, "pod") == []
    wait_healthy(cache)
    assert tree(cache) == before
    assert "86400000" in alluxio(cache, "fs", "stat", "/tree/a/f")
    alluxio(cache, "fs", "touch", "/tree/after")


def test_nothing_is_lost_with_the_leaders_process(
    cache: Cache, masters: Masters, client: SteadyClient
) -> None:
    assert missing_after(cache, masters, client, masters.kill_process, "process") == []
    wait_healthy(cache)


def test_nothing_is_lost_with_the_leaders_node(
    cache: Cache, masters: Masters, client: SteadyClient
) -> None:
    assert missing_after_dead_node(cache, masters, client) == []
    wait_healthy(cache)


def test_a_leader_that_wakes_before_its_successor_leads_loses_nothing(
    cache: Cache, masters: Masters, client: SteadyClient, tmp_path: Path
) -> None:
    slower = tmp_path / "slower.yml"
    slower.write_text(yaml.safe_dump({"properties": SLOWER}))
    cache.apply("site", **SETTINGS, alluxio_values_files=[str(slower)])
    try:
        assert missing_after_pause(cache, masters, client, PAUSE_S) == []
    finally:
        cache.apply("site", **SETTINGS)
    wait_healthy(cache)


def test_the_cache_serves_on_without_one_server_of_zookeeper(cache: Cache) -> None:
    server = next(name for name, mode in servers(cache).items() if mode == "leader")
    cache.lab.kubectl("-n", NAME, "delete", "pod", server, "--grace-period=0", "--force")
    alluxio(cache, "fs", "touch", "/tree/meanwhile")
    assert "/tree/meanwhile" in alluxio(cache, "fs", "ls", "/tree")
    cache.wait_for(
        "three servers",
        lambda: sorted(servers(cache).values()) == WHOLE,
    )
    outcome = cache.playbook("site.yml", **SETTINGS)
    assert set(outcome.changed.values()) == {0}, outcome.output


# What the settings alone tell is refused in tests/unit/cache/test_settings.py and test_values_check.py.
BAD = [
    pytest.param({"alluxio_journal_shared_path": ""}, "alluxio_journal_shared_path", id="no path"),
    pytest.param({"zookeeper_replicas": 1}, "runs with 3 servers", id="another size"),
    pytest.param({"alluxio_journal_shared_path": "/mnt/nowhere"}, "/mnt/nowhere", id="elsewhere"),
    pytest.param(
        {"alluxio_ha": "embedded", "alluxio_journal_shared_path": ""}, "HA zookeeper", id="changed"
    ),
]


@pytest.mark.parametrize(("settings", "named"), BAD)
def test_what_cannot_work_is_refused(cache: Cache, settings: dict[str, Any], named: str) -> None:
    outcome = cache.verb("site", **{**SETTINGS, **settings})
    assert outcome.code == 2, outcome.output
    assert named in outcome.output


TENANT = "zookeeper-tenant"
"""Another release, for which the ensemble of the first is the user's own."""


@pytest.fixture
def tenant(lab: RunningLab, cache: Cache) -> Iterator[Cache]:
    """A place for it, empty before and after."""
    tenant = Cache(lab, cache.directory / TENANT, TENANT)
    tenant.directory.mkdir()

    def remove_it() -> None:
        tenant.remove(directories=[f"/mnt/{TENANT}", f"/mnt/shared/{TENANT}"])

    remove_it()
    yield tenant
    remove_it()


def test_an_ensemble_of_the_users_own_serves_two_releases(cache: Cache, tenant: Cache) -> None:
    server = f"{NAME}-zookeeper-{{}}.{NAME}-zookeeper-servers.{NAME}.svc:2181"
    root_ufs = "s3://datasets/zookeeper-mode/tenant/"
    settings = {**SETTINGS, "alluxio_root_ufs": root_ufs}
    nobody = {**settings, "alluxio_zookeeper_address": ["nobody.example.test:2181"]}
    refused = tenant.verb("site", **nobody)
    assert refused.code == 1, refused.output
    assert "nobody.example.test:2181: nobody.example.test: " in refused.output
    # One that looked at a journal may still be on its way out.
    pods = cache.lab.objects("pods", "-n", TENANT)
    assert all(pod["metadata"].get("deletionTimestamp") for pod in pods)
    mine = {**settings, "alluxio_zookeeper_address": [server.format(number) for number in range(3)]}
    done = tenant.verb("site", **mine)
    assert done.code == 0, done.output
    sets = [item["metadata"]["name"] for item in cache.lab.objects("statefulsets", "-n", TENANT)]
    assert sets == [f"{TENANT}-master"]
    again = tenant.playbook("site.yml", **mine)
    assert set(again.changed.values()) == {0}, again.output
    assert report(cache)["healthy"]  # each has a leader of its own
    found = json.loads(tenant.verb("status", "--json", **mine).output)
    assert sorted(master["role"] for master in found["masters"]) == ["leader", "standby", "standby"]


def test_a_backup_is_restored_where_neither_cache_nor_ensemble_are(cache: Cache) -> None:
    alluxio(cache, "fs", "mkdir", "/tree/restored")
    cache.apply("backup", **SETTINGS, backup_to=str(cache.directory / "backups"))
    (file,) = (cache.directory / "backups" / NAME / NAME).glob("*/*")
    remove(cache)
    cache.apply("restore", **SETTINGS, restore_from=str(file), alluxio_confirm_restore=NAME)
    assert sorted(servers(cache).values()) == WHOLE
    assert "/tree/restored" in alluxio(cache, "fs", "ls", "/tree")
    outcome = cache.playbook("site.yml", **SETTINGS)
    assert set(outcome.changed.values()) == {0}, outcome.output
