"""Another version with three masters: the leader restarts last, and clients write all the while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab import versions as versions_module
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab
from tests.integration.struck_leader import missing_after
from tests.masters_under_test import Masters
from tests.steady_client import SteadyClient

pytestmark = pytest.mark.long

VERSIONS = versions_module.load()
OLD, NEW = VERSIONS.alluxio_older, VERSIONS.alluxio
NAME = "upgrade-masters"
SETTINGS: dict[str, Any] = {
    "alluxio_masters": 3,
    "alluxio_ha": "embedded",
    "verify_tests": False,
}


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """Three masters of the older version that know something."""
    lab.bring_images("images-alluxio-old")
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    cache.apply("site", **SETTINGS, alluxio_version=OLD)
    cache.know_something()
    yield cache
    cache.forget(f"alluxio_backups/{NAME}/")
    cache.forget()
    cache.remove()


def started(cache: Cache) -> dict[str, str]:
    """When each master's pod was made."""
    return {
        name: pod["metadata"]["creationTimestamp"]
        for name, pod in cache.pods().items()
        if name.startswith(f"{NAME}-master-")
    }


def test_masters_become_newer_under_load_and_lose_nothing(cache: Cache) -> None:
    masters = Masters(cache.lab.run, NAME, NAME)
    client = SteadyClient(cache.lab.run, cache.lab.environment, NAME, NAME)
    client.start()
    before, made = cache.known(), started(cache)
    led: list[str] = []

    def upgrade(leader: str) -> float:
        led.append(leader)
        cache.apply("upgrade", **SETTINGS)
        return time.time()

    # Directories: workers restart too, and what files hold is not persisted.
    assert missing_after(cache, masters, client, upgrade, "upgrade", kind="dirs") == []
    assert cache.known() == before
    now = started(cache)
    assert not set(now.values()) & set(made.values())
    assert max(now, key=lambda name: now[name]) == led[0]
    images = {
        container["image"].rpartition(":")[2]
        for name, pod in cache.pods().items()
        if name in now
        for container in pod["spec"]["containers"]
    }
    assert images == {NEW}
    again = cache.apply("upgrade", **SETTINGS)
    assert "0 changed" in again.output
