"""`scale-masters` on a real cluster: one master becomes three and one again, and the cache forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration import file_tree, run_format
from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab
from tests.masters_under_test import Masters

pytestmark = pytest.mark.long

NAME = "scale"
QUOTA_BYTES = 268435456
ONE = {"alluxio_masters": 1, "alluxio_ha": "none"}
THREE = {"alluxio_masters": 3, "alluxio_ha": "embedded"}


class Release:
    """The release that this module changes."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lab = cache.lab
        # On the nodes' disks: what lies in workers only outlives their pods, and so must its pins.
        tier = {"level": 0, "alias": "SSD", "mediumtype": "SSD", "type": "hostPath"}
        tier |= {"path": f"{cache.root}/tier0", "quota": QUOTA_BYTES, "high": 0.95, "low": 0.7}
        values = cache.directory / "disks.yml"
        values.write_text(yaml.safe_dump({"tieredstore": {"levels": [tier]}}))
        self.ours = {"verify_tests": False, "alluxio_values_files": [str(values)]}
        self.ours["alluxio_worker_quota"] = QUOTA_BYTES

    def verb(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.verb(*argv, **self.ours, **settings)

    def apply(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.apply(*argv, **self.ours, **settings)

    def masters(self) -> dict[str, str]:
        """When each master's pod was made, by name."""
        pods = self.lab.objects("pods", "-n", NAME, "-l", "role=alluxio-master")
        return {pod["metadata"]["name"]: pod["metadata"]["creationTimestamp"] for pod in pods}

    def report(self, **settings: Any) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.apply("status", "--json", **settings).output)
        return report

    def leader(self, **settings: Any) -> str:
        masters = self.report(**settings)["masters"]
        return next(str(master["pod"]) for master in masters if master["role"] == "leader")

    def tree(self) -> FileTree:
        return file_tree.read(self.cache.script, "/scale")


@pytest.fixture(scope="module")
def release(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A cache with one master."""
    found = Release(Cache(lab, tmp_path_factory.mktemp(NAME), NAME))
    found.cache.remove()
    found.cache.forget("scale/")
    found.apply("site", **ONE)
    yield found
    found.cache.remove()


@pytest.fixture(scope="module")
def before(release: Release) -> FileTree:
    """Its files, mounts, pins, TTLs and ACLs."""
    file_tree.make(
        release.cache.script, "/scale", pinned=[file_tree.PINNED, file_tree.PINNED_CACHED]
    )
    # Alluxio's job takes these away with the pin.
    release.cache.script("alluxio fs setReplication --min 2 /scale/files/f47")
    release.cache.script("alluxio fs pin /scale/files/f57 SSD")
    tree = release.tree()
    assert len(tree.entries) > file_tree.FILES + file_tree.CACHED + file_tree.DIRECTORIES
    assert len(tree.mounts) == 2
    return tree


@pytest.fixture(scope="module")
def grown(release: Release, before: FileTree) -> Outcome:
    """The run that made three of one."""
    del before
    return release.verb("scale-masters", **THREE)


def test_one_master_becomes_three_and_nothing_is_forgotten(
    release: Release, before: FileTree, grown: Outcome
) -> None:
    assert grown.code == 0, grown.output
    report = release.report(**THREE)
    assert report["healthy"], report["problems"]
    assert [member["available"] for member in report["quorum"]["members"]] == [True] * 3
    assert before.differences(release.tree()) == []


def test_it_ends_with_the_lines_to_write_into_the_inventory(grown: Outcome) -> None:
    assert "inventory set alluxio_masters: 3, alluxio_ha: embedded" in grown.output


def test_the_old_journal_stays_in_the_volume(release: Release, grown: Outcome) -> None:
    del grown
    seen = release.lab.on_node("n1", f"find /mnt/{NAME} -maxdepth 5 -name FileSystemMaster")
    assert "FileSystemMaster" in seen


def test_a_second_run_changes_nothing(release: Release, grown: Outcome) -> None:
    del grown
    made = release.masters()
    again = release.apply("scale-masters", **THREE)
    assert ", 0 changed" in again.output
    assert release.masters() == made


def test_site_with_the_lines_changes_nothing_and_with_stale_ones_is_refused(
    release: Release, grown: Outcome
) -> None:
    del grown
    assert ", 0 changed" in release.apply("site", **THREE).output
    stale = release.verb("site", **ONE)
    assert stale.code == 2, stale.output
    assert "alluxops scale-masters" in stale.output


def test_an_upgrade_by_hand_with_the_guides_run_format_and_all_restarted_lose_nothing(
    release: Release, before: FileTree, grown: Outcome
) -> None:
    del grown
    run_format.upgrade_by_hand(release.cache)
    run_format.restart_all(release.cache, Masters(release.lab.run, NAME, NAME))
    release.cache.wait_for(
        "a healthy cache", lambda: release.report(**THREE)["healthy"], is_patient=True
    )
    assert before.differences(release.tree()) == []


def test_a_changed_property_restarts_the_leader_last(release: Release, grown: Outcome) -> None:
    del grown
    leader, made = release.leader(**THREE), release.masters()
    values = release.lab.values
    values["master"]["properties"] = {"alluxio.master.ttl.checker.interval": "2hour"}
    release.apply("site", **THREE, alluxio_values=values)
    now = release.masters()
    assert not set(now.values()) & set(made.values())
    assert max(now, key=lambda name: now[name]) == leader
    assert len(set(now.values())) == 3


def test_a_run_killed_half_way_is_continued_by_the_next(
    release: Release, before: FileTree, grown: Outcome
) -> None:
    del grown
    inventory = ("-i", str(release.lab.inventory))
    settings = {**release.ours, **ONE}
    made = release.masters()
    with release.cache.running("alluxops", "scale-masters", *inventory, **settings) as process:
        release.cache.wait_for(
            "master 2 to be stopped", lambda: f"{NAME}-master-2" not in release.masters()
        )
        release.cache.kill(process)
    # Those that vote keep what suits them until the last has gone, and so do not restart.
    (masters,) = release.lab.objects("statefulsets", "-n", NAME)
    assert masters["spec"]["updateStrategy"]["type"] == "OnDelete"
    del made[f"{NAME}-master-2"]
    assert release.masters() == made
    done = release.apply("scale-masters", **ONE)
    assert "inventory set alluxio_masters: 1, alluxio_ha: none" in done.output
    assert list(release.masters()) == [f"{NAME}-master-0"]
    assert before.differences(release.tree()) == []
    assert ", 0 changed" in release.apply("site", **ONE).output
