"""What `backup` and `restore` promise: a cache that was taken away comes back entry by entry; no journal is lost."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import file_tree
from tests.integration.cache_under_test import Cache
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

NAME = "backup"
PREFIX = "backup-under-test"
"""A part of the bucket, so that backups and files are nobody else's."""
BACKUPS = f"{PREFIX}/alluxio_backups/{NAME}/{NAME}"
"""Below it, backups lie in a directory that is named after the cluster's uid."""
SETTINGS: dict[str, Any] = {
    "verify_tests": False,
    "alluxio_root_ufs": f"s3://datasets/{PREFIX}/",
    # A day that comes every four years: the CronJob runs when a test makes a Job of it.
    "backup_schedule": "0 0 29 2 *",
}
CONFIRMED = {**SETTINGS, "alluxio_confirm_restore": NAME}


def in_bucket(lab: RunningLab, prefix: str) -> list[str]:
    listed = lab.s3().list_objects_v2(Bucket="datasets", Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def empty_bucket(lab: RunningLab) -> None:
    for key in in_bucket(lab, f"{PREFIX}/"):
        lab.s3().delete_object(Bucket="datasets", Key=key)


def backups(lab: RunningLab) -> list[str]:
    """Names of the backups in the bucket."""
    names = [key.rsplit("/", 1)[-1] for key in in_bucket(lab, f"{BACKUPS}/")]
    return sorted(name for name in names if name.endswith(".gz"))


def cluster_uid(lab: RunningLab) -> str:
    """What tells the lab's cluster from others."""
    return lab.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").strip()


def read(cache: Cache) -> FileTree:
    return file_tree.read(cache.script, "/tree")


def is_told_to_restore(cache: Cache) -> bool:
    """Whether the settings tell the masters to start from a backup."""
    (config,) = (
        item
        for item in cache.lab.objects("configmaps", "-n", NAME)
        if item["metadata"]["name"] == f"{NAME}-config"
    )
    return "journal.init.from.backup" in config["data"]["ALLUXIO_MASTER_JAVA_OPTS"]


def is_refused(cache: Cache) -> bool:
    """Whether a backup is refused for a restore that did not end; until a master serves, there is nobody to ask."""
    outcome = cache.verb("backup", **SETTINGS)
    assert outcome.code != 0, outcome.output
    return outcome.code == 2 and f"into {NAME} has begun and did not end" in outcome.output


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A deployed cache that knows a tree, over nothing that an earlier run left."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    empty_bucket(lab)
    # A root within a bucket has to exist.
    lab.s3().put_object(Bucket="datasets", Key=f"{PREFIX}/")
    cache.apply("site", **SETTINGS)
    file_tree.make(cache.script, "/tree")
    yield cache
    cache.remove()
    empty_bucket(lab)


@pytest.fixture(scope="module")
def tree(cache: Cache) -> FileTree:
    """The tree before anything was taken away."""
    tree = read(cache)
    assert len(tree.entries) > file_tree.FILES + file_tree.CACHED + file_tree.DIRECTORIES
    return tree


@pytest.fixture(scope="module")
def scheduled(cache: Cache, tree: FileTree) -> str:
    """The backup that the CronJob made."""
    del tree
    job = ("-n", NAME, "job/backup-now")
    cache.lab.kubectl("-n", NAME, "create", "job", "--from", f"cronjob/{NAME}-backup", "backup-now")
    cache.lab.kubectl("wait", *job, "--for=condition=Complete", "--timeout=120s", timeout_s=130)
    assert "Backup Entry Count" in cache.lab.kubectl("logs", *job)
    (name,) = backups(cache.lab)
    return name


@pytest.fixture(scope="module")
def file(cache: Cache, scheduled: str) -> Path:
    """A backup on this machine."""
    del scheduled
    outcome = cache.apply("backup", **SETTINGS, backup_to=str(cache.directory / "backups"))
    (found,) = (cache.directory / "backups" / NAME / NAME).glob("*/*")
    assert str(found) in outcome.output
    return found


@pytest.fixture(scope="module")
def restored(cache: Cache, tree: FileTree, file: Path) -> Cache:
    """The cache, taken away and restored from the newest backup in the bucket, after runs that were killed.

    The first dies at the first pod; the second once Helm has taken the backup out of the settings, which is all that
    they tell of a restore.
    """
    del tree, file
    cache.remove()
    given = {**CONFIRMED, "restore_from": "latest"}
    inventory = ("-i", str(cache.lab.inventory))
    with cache.running("alluxops", "restore", *inventory, **given) as process:
        cache.wait_for("a master", lambda: f"{NAME}-master-0" in cache.pods())
        cache.kill(process)
    assert is_told_to_restore(cache)
    # What serves now may hold a part of the metadata: the schedule makes no backup of it.
    assert cache.lab.objects("cronjobs", "-n", NAME)[0]["spec"]["suspend"]
    with cache.running("alluxops", "restore", *inventory, **given) as process:
        cache.wait_for("the end", lambda: not is_told_to_restore(cache), limit_s=600)
        cache.kill(process)
    cache.wait_for("a backup to be refused", lambda: is_refused(cache))
    assert not cache.lab.objects("cronjobs", "-n", NAME)[0]["spec"].get("suspend")
    cache.apply("restore", **given)
    notes = cache.lab.objects("statefulsets", "-n", NAME)[0]["metadata"].get("annotations") or {}
    assert "alluxops/restore-to-settle" not in notes
    return cache


def test_a_schedule_makes_backups_and_keeps_servers_as_they_are(
    cache: Cache, scheduled: str
) -> None:
    assert f"{BACKUPS}/{cluster_uid(cache.lab)}/{scheduled}.complete" in in_bucket(
        cache.lab, PREFIX
    )


def test_a_backup_in_the_store_replaces_the_oldest(cache: Cache, scheduled: str) -> None:
    outcome = cache.apply("backup", **SETTINGS, backup_keep=1)
    (name,) = backups(cache.lab)
    assert name > scheduled
    assert f"s3://datasets/{BACKUPS}/{cluster_uid(cache.lab)}/{name}" in outcome.output
    assert re.search(r"\d+ entries, \d+ bytes, [\d.]+ s, 1 older removed", outcome.output)
    # The backups are no data of the cache: its metadata are what they were.
    assert "alluxio_backups" not in cache.script(
        "alluxio fs -Dalluxio.user.file.metadata.load.type=NEVER ls /"
    )


def test_a_backup_on_this_machine_is_for_its_owner_alone(cache: Cache, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    left = cache.script("ls /journal/alluxops-backups")
    assert left.strip() == ""


def test_check_mode_says_where_a_backup_would_be(cache: Cache, file: Path) -> None:
    before = backups(cache.lab)
    outcome = cache.apply("backup", "--check", **SETTINGS)
    assert f"s3://datasets/{BACKUPS}/{cluster_uid(cache.lab)}/" in outcome.output
    assert backups(cache.lab) == before


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"alluxio_confirm_restore": ""}, "alluxio_confirm_restore is ''"),
        ({"restore_from": "/nowhere.gz"}, "/nowhere.gz cannot be read"),
        ({"restore_from": "s3://elsewhere/x.gz"}, "is not in the root under store"),
        ({}, "serves (backup-master-0 leads), so its journal is not empty"),
    ],
)
def test_a_restore_that_cannot_work_is_refused_before_anything_changes(
    cache: Cache, file: Path, settings: dict[str, Any], told: str
) -> None:
    before = cache.releases()
    outcome = cache.verb("restore", **{**CONFIRMED, "restore_from": str(file), **settings})
    assert outcome.code == 2, outcome.output
    assert told in outcome.output
    assert cache.releases() == before


def test_a_restored_cache_equals_the_original_entry_by_entry(
    restored: Cache, tree: FileTree
) -> None:
    assert tree.differences(read(restored)) == []
    options = restored.script("echo $ALLUXIO_MASTER_JAVA_OPTS")
    assert "init.from.backup" not in options


def test_files_in_the_store_are_read_again_and_site_has_nothing_to_change(restored: Cache) -> None:
    assert restored.script("alluxio fs cat /tree/files/f01").strip() == "entry 01"
    inventory = ("-i", str(restored.lab.inventory))
    assert set(restored.playbook("site.yml", *inventory, **SETTINGS).changed.values()) == {0}


def test_a_journal_that_is_not_empty_is_refused(restored: Cache, file: Path) -> None:
    restored.uninstall()
    outcome = restored.verb("restore", **CONFIRMED, restore_from=str(file))
    assert outcome.code == 2, outcome.output
    assert "holds metadata" in outcome.output
    three = {**CONFIRMED, "alluxio_masters": 3, "alluxio_ha": "embedded"}
    outcome = restored.verb("restore", **three, restore_from=str(file))
    # The kept journal is seen on its host, before there are volumes for the other two.
    assert outcome.code == 2, outcome.output
    assert "holds metadata of type UFS" in outcome.output
    claims = restored.lab.objects("persistentvolumeclaims", "-n", NAME)
    assert not [claim for claim in claims if claim["metadata"]["name"].endswith("-master-1")]


def test_a_missing_backup_is_refused_and_one_of_this_machine_fills_three_masters(
    restored: Cache, tree: FileTree, file: Path
) -> None:
    restored.remove()
    three = {**CONFIRMED, "alluxio_masters": 3, "alluxio_ha": "embedded"}
    missing = "alluxio-backup-2026-01-01-1767225600000.gz"
    outcome = restored.verb("restore", **three, restore_from=missing)
    # The under store can be listed from within the release's namespace only.
    assert outcome.code == 1, outcome.output
    assert f"there is no backup {missing}" in outcome.output
    assert restored.pods() == {}
    restored.apply("restore", **three, restore_from=str(file))
    assert tree.differences(read(restored)) == []
    assert len([name for name in restored.ready() if "-master-" in name]) == 3
