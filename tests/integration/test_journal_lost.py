"""A journal on a disk that is not mounted is waited for: nothing is formatted, started or believed in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

NAME = "lost"
MASTER = f"{NAME}-master-0"
QUIET: dict[str, Any] = {"verify_tests": False, "alluxio_worker_quota": 268435456}


class Disk:
    """The directory of the single master's journal: what a disk that is mounted there shows, or none does."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.path = f"{cache.root}/journal"
        [volume] = [
            volume
            for volume in cache.lab.objects("pv", "-l", f"release={NAME}")
            if "journal" in volume["spec"]["claimRef"]["name"]
        ]
        terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        self.node = str(terms[0]["matchExpressions"][0]["values"][0])

    def run(self, script: str) -> str:
        return self.cache.lab.on_node(self.node, script)

    def take_away(self) -> None:
        self.run(f"mv {self.path} {self.path}-aside")

    def leave_a_directory(self) -> None:
        """What a run that did not look would make."""
        self.run(f"install -d -m 2770 -o 1000 -g 1000 {self.path}")

    def bring_back(self) -> None:
        self.run(f"rm -rf {self.path} && mv {self.path}-aside {self.path}")

    def cover(self) -> None:
        """Mount the old disk over the journal that was made below it."""
        self.run(f"mv {self.path} {self.path}-below && mv {self.path}-aside {self.path}")

    def uncover(self) -> None:
        self.run(f"rm -rf {self.path} && mv {self.path}-below {self.path}")

    def listed(self) -> str:
        """What lies in the directory; `none` where there is none."""
        return self.run(f"ls -A {self.path} 2>/dev/null || echo none").strip()


def scale(cache: Cache, masters: int) -> None:
    """Stop the master, or start it and wait until it serves."""
    what = ("scale", "statefulset", f"{NAME}-master", f"--replicas={masters}")
    cache.lab.kubectl("-n", NAME, *what)
    if masters:
        cache.wait_for("the master", lambda: cache.ready().get(MASTER) == "2/2")
    else:
        cache.wait_for("no master", lambda: MASTER not in cache.pods())


def refused(cache: Cache, settings: dict[str, Any]) -> str:
    """What site says, which has changed nothing."""
    outcome = cache.verb("site", **settings)
    assert outcome.code == 2, outcome.output
    assert "lies there since" in outcome.output
    assert "mount the disk" in outcome.output
    return outcome.output


@pytest.fixture(params=["none", "embedded"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One master, with a UFS journal or an embedded one."""
    return {**QUIET, "alluxio_masters": 1, "alluxio_ha": request.param}


@pytest.fixture
def cache(
    lab: RunningLab, tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> Iterator[Cache]:
    """A cache that nobody has proven."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    cache.apply("site", **settings)
    yield cache
    cache.remove()
    cache.forget()


def test_site_waits_for_a_disk_that_is_not_mounted(cache: Cache, settings: dict[str, Any]) -> None:
    cache.know_something()
    before = cache.known()
    disk = Disk(cache)
    scale(cache, 0)
    disk.take_away()
    assert "is empty" in refused(cache, settings)
    assert disk.listed() == "none"  # else the master that waits for it would start

    disk.leave_a_directory()
    assert "is empty" in refused(cache, settings)
    assert disk.listed() == ""

    if settings["alluxio_ha"] == "embedded":
        scale(cache, 1)  # an embedded journal needs no formatting: it serves, and knows nothing
        cache.wait_for("entries of its own", lambda: "raft" in disk.listed())
        assert "has no marker" in refused(cache, settings)
        assert ".alluxops.json" not in disk.listed()
        scale(cache, 0)

    disk.bring_back()
    scale(cache, 1)
    cache.apply("site", **settings)
    assert cache.known() == before
    cache.apply("site", **settings)  # and nothing is left that keeps the next one from its work
    if settings["alluxio_ha"] == "none":
        the_disk_comes_back_too_late(cache, disk, settings)


def the_disk_comes_back_too_late(cache: Cache, disk: Disk, settings: dict[str, Any]) -> None:
    """A journal was made below the mount point meanwhile: the disk's is the release's too, and older."""
    scale(cache, 0)
    disk.take_away()
    # site does not start what somebody has stopped; nothing serves before it has made the directory.
    cache.lab.kubectl("-n", NAME, "scale", "statefulset", f"{NAME}-master", "--replicas=1")
    begin_anew = {"alluxio_journal_format": "force", "alluxio_confirm_format": NAME}
    cache.apply("site", **settings, **begin_anew)
    scale(cache, 0)
    disk.cover()
    for masters in (0, 1):  # waiting for it, and serving from it as after a reboot
        scale(cache, masters)
        outcome = cache.verb("site", **settings)
        assert outcome.code == 2, outcome.output
        assert "says its marker, and claim" in outcome.output
        assert "unmount the old disk" in outcome.output
    scale(cache, 0)
    disk.uncover()
    scale(cache, 1)
    cache.apply("site", **settings)
