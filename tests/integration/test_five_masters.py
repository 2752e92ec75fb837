"""Three masters become five and three again, on a lab of five nodes, in both modes; what masters that went leave behind
is never the truth.

It boots a lab of its own, named after ALLUXOPS_TEST_LAB with a 5 behind it, with two workers to leave room for masters.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import versions
from lab.state import load
from tests.chaos.faults.dead_node import power_off, power_on
from tests.integration import file_tree
from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab, run_lab

pytestmark = pytest.mark.long

NAME = "five"
WORKERS = ("n4", "n5")
HOSTS = ("n1", "n2", "n3", "n4", "n5")
"""Of cache_masters."""
MOVED = ("n1", "n4", "n3", "n2", "n5")
"""The same, once master 1 has moved to n4."""
OURS: dict[str, Any] = {"verify_tests": False, "alluxio_worker_quota": 268435456}
THREE = {"alluxio_masters": 3, "alluxio_ha": "embedded"}
FIVE = {"alluxio_masters": 5, "alluxio_ha": "embedded"}
SHARED: dict[str, Any] = {
    "alluxio_ha": "zookeeper",
    "alluxio_journal_shared_path": "/mnt/shared",
    "zookeeper_image": f"zookeeper:{versions.load().zookeeper_debian}",
}


@dataclass(frozen=True)
class FewWorkers(RunningLab):
    """A lab whose inventory lists all nodes as masters and two as workers."""

    place: Path = Path()

    @property
    def inventory(self) -> Path:
        """The inventory directory, for -i."""
        return self.place

    def write_inventory(self, masters: Sequence[str]) -> None:
        shutil.copytree(self.paths.inventory, self.place, dirs_exist_ok=True)
        path = self.place / "hosts.yml"
        hosts = yaml.safe_load(path.read_text())
        for group, names in (("cache_masters", masters), ("cache_workers", WORKERS)):
            hosts["all"]["children"][group] = {"hosts": {name: {} for name in names}}
        path.write_text(yaml.safe_dump(hosts, sort_keys=False))


class Release:
    """The release that this module changes."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lab = cache.lab

    def verb(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.verb(*argv, **OURS, **settings)

    def apply(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.apply(*argv, **OURS, **settings)

    def report(self, **settings: Any) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.apply("status", "--json", **settings).output)
        return report

    def tree(self) -> FileTree:
        return file_tree.read(self.cache.script, f"/{NAME}")

    def marker(self, ordinal: int) -> dict[str, Any]:
        """What the marker in a master's journal volume says."""
        path = f"{self.cache.root}/journal/.alluxops.json"
        marker: dict[str, Any] = json.loads(self.lab.on_node(MOVED[ordinal], f"cat {path}"))
        return marker

    def delete_masters(self, *ordinals: int) -> None:
        pods = [f"{NAME}-master-{ordinal}" for ordinal in ordinals]
        self.lab.kubectl("delete", "pod", "-n", NAME, "--force", "--grace-period=0", *pods)


def see_whole(release: Release, settings: dict[str, Any]) -> None:
    """The cache is healthy, and every one of so many members of its quorum answers."""
    report = release.report(**settings)
    assert report["healthy"], report["problems"]
    available = [member["available"] for member in report["quorum"]["members"]]
    assert available == [True] * settings["alluxio_masters"]


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FewWorkers]:
    """A lab of five nodes. One that is up already is left up, and so is one with KEEP=1."""
    name = os.environ.get("ALLUXOPS_TEST_LAB", "test") + "5"
    found = load(name)
    was_up = found is not None and found.ready
    try:
        run_lab("up", "--name", name, "--workers", "4")
        running = FewWorkers(name, tmp_path_factory.mktemp("inventory"))
        running.write_inventory(HOSTS)
        yield running
    finally:
        if not was_up and os.environ.get("KEEP") != "1":
            run_lab("down", "--name", name)


def test_masters_that_share_a_journal_become_five_and_three_again(
    five: FewWorkers, tmp_path: Path
) -> None:
    """Before the release of the other tests, so that their masters do not run beside these."""
    five.bring_images("images-zookeeper")
    name = f"{NAME}-shared"
    release = Release(Cache(five, tmp_path, name))
    three, more = {**SHARED, "alluxio_masters": 3}, {**SHARED, "alluxio_masters": 5}
    release.cache.forget(f"{name}/")
    try:
        release.apply("site", **three)
        file_tree.make(release.cache.script, f"/{name}")
        before = file_tree.read(release.cache.script, f"/{name}")
        assert "a nonce" in release.apply("scale-masters", "--check", **more).output
        for settings, standbys in ((more, 4), (three, 2)):
            done = release.apply("scale-masters", **settings)
            assert f"inventory set alluxio_masters: {standbys + 1}, alluxio_ha: zo" in done.output
            report = release.report(**settings)
            assert report["healthy"], report["problems"]
            roles = sorted(master["role"] for master in report["masters"])
            assert roles == ["leader", *["standby"] * standbys]
            assert before.differences(file_tree.read(release.cache.script, f"/{name}")) == []
            assert ", 0 changed" in release.apply("site", **settings).output
    finally:
        release.cache.remove(
            f"{name}-zookeeper", directories=[release.cache.root, f"/mnt/shared/{name}"]
        )


@pytest.fixture(scope="module")
def release(five: FewWorkers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A cache with three masters."""
    found = Release(Cache(five, tmp_path_factory.mktemp(NAME), NAME))
    found.cache.remove()
    found.cache.forget(f"{NAME}/")
    found.apply("site", **THREE)
    yield found
    found.cache.remove()


@pytest.fixture(scope="module")
def before(release: Release) -> FileTree:
    """Its files, mounts, pins, TTLs and ACLs."""
    file_tree.make(release.cache.script, f"/{NAME}")
    return release.tree()


@pytest.fixture(scope="module")
def moved(five: FewWorkers, release: Release, before: FileTree) -> Outcome:
    """The run that brought master 1 to n4 after n2 was gone for good; n2 is back then, and bare."""
    del before
    claim = f"alluxio-journal-{NAME}-master-1"
    lost = next(node for node in five.state.nodes if node.name == "n2")
    volume = five.kubectl("get", "pvc", claim, "-n", NAME, "-o", "jsonpath={.spec.volumeName}")
    power_off(five.state, lost)
    try:
        five.kubectl("delete", "node", "n2")
        five.kubectl("delete", "pvc", claim, "-n", NAME)
        five.kubectl("delete", "pv", volume)
        five.write_inventory([name for name in MOVED if name != lost.name])
        return release.verb("site", **THREE)
    finally:
        power_on(five.state)
        five.on_node(lost.name, f"rm -rf {release.cache.storage}")
        five.write_inventory(MOVED)


def test_a_master_whose_host_is_gone_moves_to_another(
    release: Release, before: FileTree, moved: Outcome
) -> None:
    assert moved.code == 0, moved.output
    see_whole(release, THREE)
    assert release.cache.pods()[f"{NAME}-master-1"]["spec"]["nodeName"] == "n4"
    assert before.differences(release.tree()) == []


@pytest.fixture(scope="module")
def grown(release: Release, moved: Outcome) -> Outcome:
    """The run that made five of three."""
    assert moved.code == 0, moved.output
    return release.verb("scale-masters", **FIVE)


@pytest.fixture(scope="module")
def shrunk(release: Release, grown: Outcome) -> Outcome:
    """The run that made three of five."""
    assert grown.code == 0, grown.output
    return release.verb("scale-masters", **THREE)


def test_three_masters_become_five_and_nothing_is_forgotten(
    release: Release, before: FileTree, grown: Outcome
) -> None:
    assert grown.code == 0, grown.output
    see_whole(release, FIVE)
    assert before.differences(release.tree()) == []
    assert "inventory set alluxio_masters: 5, alluxio_ha: embedded" in grown.output
    assert ", 0 changed" in release.apply("site", **FIVE).output


def test_five_bear_the_loss_of_two(release: Release, before: FileTree, grown: Outcome) -> None:
    del grown
    masters = release.report(**FIVE)["masters"]
    leader = next(int(item["pod"][-1]) for item in masters if item["role"] == "leader")
    release.delete_masters(leader, 4 if leader != 4 else 3)
    release.apply("site", **FIVE)
    assert release.report(**FIVE)["healthy"]
    assert before.differences(release.tree()) == []


def test_five_masters_become_three_and_nothing_is_forgotten(
    release: Release, before: FileTree, shrunk: Outcome
) -> None:
    assert shrunk.code == 0, shrunk.output
    see_whole(release, THREE)
    assert before.differences(release.tree()) == []
    assert ", 0 changed" in release.apply("scale-masters", **THREE).output


def test_what_two_masters_left_behind_is_marked(release: Release, shrunk: Outcome) -> None:
    del shrunk
    markers = [release.marker(ordinal) for ordinal in range(5)]
    assert [marker.get("left_by", "") for marker in markers] == ["", "", "", *["scale-masters"] * 2]
    assert all(marker["left_at"] for marker in markers[3:])


def test_site_with_five_does_not_start_from_it(
    release: Release, before: FileTree, shrunk: Outcome
) -> None:
    del shrunk
    release.apply("uninstall", **THREE)
    refused = release.verb("site", **FIVE)
    assert refused.code == 2, refused.output
    assert "masters 3 and 4 are old copies" in refused.output
    fewer = release.verb("site", **{**THREE, "alluxio_masters": 1})
    assert fewer.code == 2, fewer.output
    assert "master 1 on n4, master 2 on n3" in fewer.output
    assert "set alluxio_masters: 3 " in refused.output
    release.apply("site", **THREE)
    assert before.differences(release.tree()) == []
