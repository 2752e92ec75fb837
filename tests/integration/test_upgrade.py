"""What `upgrade` and `rollback` promise: nothing the cache knows is lost, whichever way it goes, wherever it stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import versions as versions_module
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

VERSIONS = versions_module.load()
OLD, NEW = VERSIONS.alluxio_older, VERSIONS.alluxio
NAME = "upgrade"
NOWHERE = "2.9.99"
QUIET: dict[str, Any] = {"verify_tests": False}


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A cache of the older version that knows something, over nothing that an earlier module left."""
    lab.bring_images("images-alluxio-old")
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.apply("uninstall", **QUIET, alluxio_confirm_purge=NAME)
    cache.apply("site", **QUIET, alluxio_version=OLD)
    cache.know_something()
    yield cache
    cache.forget(f"alluxio_backups/{NAME}/")
    cache.forget()
    cache.apply("uninstall", **QUIET, alluxio_confirm_purge=NAME)


@pytest.fixture(scope="module")
def tree(cache: Cache) -> list[str]:
    """What the cache knew before anything was upgraded."""
    return cache.known()


def running(cache: Cache) -> set[str]:
    """Image tags of the pods."""
    return {
        container["image"].rpartition(":")[2]
        for pod in cache.pods().values()
        for container in pod["spec"]["containers"]
    }


def values_with(cache: Cache, **properties: str) -> dict[str, Any]:
    """The lab's own values with other properties."""
    shown = json.loads(cache.lab.run("ansible-inventory", "--host", "n1"))
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return {"alluxio_values": {**shown["alluxio_values"], "properties": named}}


def test_site_does_not_change_the_version_of_a_running_release(
    cache: Cache, tree: list[str]
) -> None:
    outcome = cache.verb("site", **QUIET)
    assert outcome.code == 2, outcome.output
    assert f"runs Alluxio {OLD}" in outcome.output
    assert "alluxops upgrade" in outcome.output
    assert cache.known() == tree


def test_check_mode_shows_the_plan_and_changes_nothing(cache: Cache) -> None:
    before = cache.releases()
    outcome = cache.apply("upgrade", "--check", **QUIET)
    assert f"Alluxio {OLD} becomes {NEW}" in outcome.output
    assert f"{NAME}-master-0 restarts" in outcome.output
    assert "once the masters serve" in outcome.output
    assert "alluxio_backups" in outcome.output
    assert cache.releases() == before
    assert running(cache) == {OLD}


def test_what_kubernetes_would_refuse_half_way_is_refused_before(cache: Cache) -> None:
    settings = values_with(cache)
    settings["alluxio_values"]["journal"] = {"size": "3Gi"}
    outcome = cache.verb("upgrade", **QUIET, **settings)
    assert outcome.code == 2, outcome.output
    assert "spec.volumeClaimTemplates" in outcome.output
    assert "journal.size" in outcome.output


def test_an_upgrade_that_cannot_work_stops_with_its_state_explained(cache: Cache) -> None:
    outcome = cache.verb("upgrade", **QUIET, alluxio_version=NOWHERE)
    assert outcome.code == 1, outcome.output
    assert f"{NAME}-master-0 never started" in outcome.output
    assert f"{OLD}    {NAME}-worker" in outcome.output
    assert "run `upgrade` again" in outcome.output
    assert "`alluxops rollback`, to revision 1" in outcome.output
    assert running(cache) == {OLD, NOWHERE}


def test_the_right_version_converges_from_there(cache: Cache, tree: list[str]) -> None:
    outcome = cache.apply("upgrade", **QUIET)
    assert "no master serves" in outcome.output
    assert running(cache) == {NEW}
    assert set(cache.ready().values()) == {"2/2"}
    assert cache.known() == tree
    again = cache.apply("upgrade", **QUIET)
    assert "nothing to do" in again.output
    assert "0 changed" in again.output


def test_the_older_version_is_refused_from_then_on(cache: Cache) -> None:
    for verb in ("site", "upgrade"):
        outcome = cache.verb(verb, **QUIET, alluxio_version=OLD)
        assert outcome.code == 2, outcome.output
        assert "alluxops rollback" in outcome.output
    outcome = cache.verb("rollback", **QUIET, rollback_revision=1)
    assert outcome.code == 2, outcome.output
    assert f"{NEW} has written the journal" in outcome.output
    assert "restore" in outcome.output
    assert running(cache) == {NEW}


def test_other_settings_restart_what_reads_them_and_a_rollback_undoes_them(
    cache: Cache, tree: list[str]
) -> None:
    name = "alluxio.user.metrics.heartbeat.interval"
    workers = cache.starts("alluxio-worker")
    outcome = cache.apply(
        "upgrade", **QUIET, **values_with(cache, alluxio_user_metrics_heartbeat_interval="3sec")
    )
    assert "alluxio_backups" in outcome.output
    assert not set(cache.starts("alluxio-worker")) & set(workers)
    assert "3sec" in cache.shell("getConf", name)
    assert cache.forget(f"alluxio_backups/{NAME}/")

    outcome = cache.apply("rollback", **QUIET)
    assert "set the inventory as it was" in outcome.output
    assert "3sec" not in cache.shell("getConf", name)
    assert cache.known() == tree
    assert set(cache.playbook("site.yml", **QUIET).changed.values()) == {0}
