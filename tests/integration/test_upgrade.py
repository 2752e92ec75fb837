"""What `upgrade` and `rollback` promise: nothing the cache knows is lost, whichever way it goes, wherever it stops."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import versions as versions_module
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab
from tools.repository import ROOT

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


@pytest.fixture(scope="module")
def kept(cache: Cache, tree: list[str]) -> Path:
    """A backup on this machine that the older version made."""
    del tree
    cache.apply("backup", **QUIET, alluxio_version=OLD, backup_to=str(cache.directory / "kept"))
    (found,) = (cache.directory / "kept" / NAME / NAME).glob("*/*")
    return found


def running(cache: Cache) -> set[str]:
    """Image tags of the pods."""
    return {
        container["image"].rpartition(":")[2]
        for pod in cache.pods().values()
        for container in pod["spec"]["containers"]
    }


def values_with(cache: Cache, **properties: str) -> dict[str, Any]:
    """The lab's own values with other properties."""
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return {"alluxio_values": {**cache.lab.values, "properties": named}}


def test_site_does_not_change_the_version_of_a_running_release(
    cache: Cache, tree: list[str], kept: Path
) -> None:
    assert kept.is_file()
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


def test_a_journal_that_nobody_can_back_up_is_not_converted(cache: Cache) -> None:
    masters = ("-n", NAME, "scale", "statefulset", f"{NAME}-master")
    cache.lab.kubectl(*masters, "--replicas=0")
    cache.wait_for("no master", lambda: f"{NAME}-master-0" not in cache.pods())
    outcome = cache.verb("upgrade", **QUIET)
    assert outcome.code == 2, outcome.output
    assert f"upgrade_without_backup={NAME}" in outcome.output
    assert running(cache) == {OLD}
    cache.lab.kubectl(*masters, "--replicas=1")
    cache.wait_for("the master", lambda: cache.ready().get(f"{NAME}-master-0") == "2/2")


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
    assert "made by the run that did not end; no master serves" in outcome.output
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


def service(cache: Cache) -> dict[str, Any]:
    """The Service of master 0."""
    shown = cache.lab.run("kubectl", "-n", NAME, "get", "svc", f"{NAME}-master-0", "-o", "json")
    found: dict[str, Any] = json.loads(shown)
    return found


def test_masters_names_get_addresses_and_lose_them_again(
    cache: Cache, tree: list[str], tmp_path: Path
) -> None:
    headless = tmp_path / "alluxio"
    shutil.copytree(ROOT / "charts" / "alluxio", headless)
    template = headless / "templates" / "master-services.yaml"
    text = template.read_text(encoding="utf-8")
    assert text.count("  type: ClusterIP\n") == 1
    template.write_text(
        text.replace("  type: ClusterIP\n", "  clusterIP: None\n"), encoding="utf-8"
    )
    pods = cache.starts("alluxio-master")

    outcome = cache.apply("upgrade", **QUIET, alluxio_chart_ref=str(headless))
    assert "replaced, as they get or lose an address" in outcome.output
    assert service(cache)["spec"]["clusterIP"] == "None"

    cache.apply("site", **QUIET)
    assert service(cache)["spec"]["clusterIP"] != "None"

    cache.apply("rollback", **QUIET)
    assert service(cache)["spec"]["clusterIP"] == "None"
    cache.apply("upgrade", **QUIET)
    assert service(cache)["spec"]["clusterIP"] != "None"
    assert cache.starts("alluxio-master") == pods
    assert cache.known() == tree


def test_the_older_version_comes_back_with_a_backup_that_it_can_read(
    cache: Cache, tree: list[str], kept: Path
) -> None:
    back = {**QUIET, "rollback_revision": 1, "restore_from": str(kept)}
    outcome = cache.verb("rollback", **back)
    assert outcome.code == 2, outcome.output
    assert f"The journal of {NAME} is destroyed" in outcome.output
    back["alluxio_confirm_restore"] = NAME

    cache.apply("backup", **QUIET, backup_to=str(cache.directory / "newer"))
    (late,) = (cache.directory / "newer" / NAME / NAME).glob("*/*")
    outcome = cache.verb("rollback", **{**back, "restore_from": str(late)})
    assert outcome.code == 2, outcome.output
    assert f"was to run Alluxio {NEW}" in outcome.output
    assert running(cache) == {NEW}

    outcome = cache.apply("rollback", "--check", **back)
    assert "replace all that the cache knows now" in outcome.output
    assert running(cache) == {NEW}

    cache.script("alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE mkdir /kept/since")
    outcome = cache.apply("rollback", **back)
    assert re.search(rf"restored +{re.escape(kept.name)} of ", outcome.output)
    assert running(cache) == {OLD}
    assert cache.known() == tree
    config = cache.lab.kubectl("-n", NAME, "get", "configmap", f"{NAME}-config", "-o", "yaml")
    assert "init.from.backup" not in config
    assert set(cache.playbook("site.yml", **QUIET, alluxio_version=OLD).changed.values()) == {0}


def test_such_a_rollback_that_was_killed_is_brought_to_its_end(
    cache: Cache, tree: list[str], kept: Path
) -> None:
    cache.apply("upgrade", **QUIET)
    given = {**QUIET, "restore_from": str(kept), "alluxio_confirm_restore": NAME}
    inventory = ("-i", str(cache.lab.inventory))
    with cache.running("alluxops", "rollback", *inventory, **given) as process:
        cache.wait_for("the step that restores", lambda: is_restoring(cache))
        cache.kill(process)
    outcome = cache.verb("rollback", **QUIET)
    assert outcome.code == 2, outcome.output
    assert "has begun and did not end" in outcome.output
    cache.apply("rollback", **given)
    assert not is_restoring(cache)
    assert running(cache) == {OLD}
    assert cache.known() == tree


def test_a_rollback_that_was_killed_goes_on_to_the_revision_that_it_was_to_reach(
    cache: Cache, tree: list[str]
) -> None:
    cache.apply("upgrade", **QUIET)
    name = "alluxio.user.metrics.heartbeat.interval"
    cache.apply(
        "upgrade", **QUIET, **values_with(cache, alluxio_user_metrics_heartbeat_interval="3sec")
    )
    left = int(newest(cache)["version"])
    inventory = ("-i", str(cache.lab.inventory))
    with cache.running("alluxops", "rollback", *inventory, **QUIET) as process:
        cache.wait_for("Helm's part of it", lambda: int(newest(cache)["version"]) > left)
        cache.kill(process)
    outcome = cache.apply("rollback", **QUIET)
    assert f"back to revision {left - 1}" in outcome.output
    assert "3sec" not in cache.shell("getConf", name)
    assert cache.known() == tree
    assert set(cache.playbook("site.yml", **QUIET).changed.values()) == {0}
    cache.forget(f"alluxio_backups/{NAME}/")


def is_restoring(cache: Cache) -> bool:
    """Whether the last revision is one that starts from a backup."""
    return newest(cache).get("alluxops.io/step", "").startswith("restore-")


def newest(cache: Cache) -> dict[str, str]:
    """The labels of the last revision's record."""
    secrets = cache.lab.objects("secrets", "-n", NAME, "-l", f"owner=helm,name={NAME}")
    labels: list[dict[str, str]] = [secret["metadata"]["labels"] for secret in secrets]
    return max(labels, key=lambda found: int(found["version"]))
