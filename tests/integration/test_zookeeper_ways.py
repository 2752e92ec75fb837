"""The ways from ZooKeeper to one master without it, and back: a backup and a restore, as the runbook has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import file_tree
from tests.integration.cache_under_test import Cache
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab
from tests.integration.zookeeper_under_test import (
    WHOLE,
    deployed_for,
    read_tree,
    servers,
    settings_of,
)

pytestmark = pytest.mark.long

NAME = "zookeeper-ways"
"""Namespace and release."""
THREE: dict[str, Any] = {**settings_of(NAME), "verify_tests": False}
ONE: dict[str, Any] = {
    **THREE,
    "alluxio_masters": 1,
    "alluxio_ha": "none",
    "alluxio_journal_shared_path": "",
}
LATEST = {"restore_from": "latest", "alluxio_confirm_restore": NAME}
FORCED = {**LATEST, "alluxio_journal_format": "force", "alluxio_confirm_format": NAME}


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A cache whose masters elect through ZooKeeper."""
    with deployed_for(lab, tmp_path_factory.mktemp(NAME), NAME) as cache:
        yield cache


@pytest.fixture(scope="module")
def before(cache: Cache) -> FileTree:
    """Its files, mounts, pins, TTLs and ACLs."""
    file_tree.make(cache.script, f"/{NAME}")
    return read_tree(cache)


def masters(cache: Cache) -> list[str]:
    return sorted(name for name in cache.pods() if name.startswith(f"{NAME}-master-"))


def is_refused(cache: Cache, verb: str, says: str, **settings: Any) -> None:
    """A run ends before it changes anything, and says why."""
    refused = cache.verb(verb, **settings)
    assert refused.code == 2, refused.output
    assert says in " ".join(refused.output.split())


def test_from_zookeeper_to_one_master_nothing_is_lost(cache: Cache, before: FileTree) -> None:
    for verb in ("site", "scale-masters"):
        is_refused(cache, verb, "zookeeper", **ONE)
    assert before.differences(read_tree(cache)) == []

    cache.apply("backup", **THREE)
    cache.apply("uninstall", **THREE)
    cache.apply("restore", **ONE, **LATEST)
    assert masters(cache) == [f"{NAME}-master-0"]
    assert servers(cache) == {}
    assert before.differences(read_tree(cache)) == []
    assert ", 0 changed" in cache.apply("site", **ONE).output


def test_back_to_zookeeper_the_shared_path_holds_an_old_copy_that_has_to_be_given_up(
    cache: Cache, before: FileTree
) -> None:
    cache.script(f"alluxio fs mkdir /{NAME}/since")
    now = read_tree(cache)
    assert before.differences(now) != []

    is_refused(cache, "scale-masters", "zookeeper", **THREE)
    cache.apply("backup", **ONE)
    cache.apply("uninstall", **ONE)
    is_refused(cache, "restore", "holds metadata", **THREE, **LATEST)
    cache.apply("restore", **THREE, **FORCED)
    assert len(masters(cache)) == 3
    assert sorted(servers(cache).values()) == WHOLE
    assert now.differences(read_tree(cache)) == []
    assert ", 0 changed" in cache.apply("site", **THREE).output
