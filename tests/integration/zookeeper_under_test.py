"""A release of three masters that elect through our own ZooKeeper, as the test modules that have one make it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import versions
from tests.integration import file_tree
from tests.integration.cache_under_test import Cache
from tests.integration.file_tree import FileTree
from tests.integration.lab_under_test import RunningLab

WHOLE = ["follower", "follower", "leader"]
"""What the servers of an ensemble say that they are, sorted."""


def settings_of(name: str) -> dict[str, Any]:
    """Its settings, beside those of its place; its files lie below a directory of its own in the bucket."""
    return {
        "alluxio_root_ufs": f"s3://datasets/{name}-mode/",
        "alluxio_masters": 3,
        "alluxio_ha": "zookeeper",
        "alluxio_journal_shared_path": "/mnt/shared",
        "zookeeper_image": f"zookeeper:{versions.load().zookeeper_debian}",
    }


@contextmanager
def place_for(lab: RunningLab, directory: Path, name: str) -> Iterator[Cache]:
    """The lab with the image, and without this release before and after (with KEEP=1 it stays)."""
    lab.bring_images("images-zookeeper")
    cache = Cache(lab, directory, name)
    remove(cache)
    yield cache
    if os.environ.get("KEEP") != "1":
        remove(cache)


@contextmanager
def deployed_for(lab: RunningLab, directory: Path, name: str) -> Iterator[Cache]:
    """Such a place, with the release that site has just deployed; its root is known to the store."""
    with place_for(lab, directory, name) as cache:
        # Alluxio persists no directory below a root that the store does not know; what verify writes makes it known.
        cache.apply("site", **settings_of(name), verify_tests=True)
        yield cache


def read_tree(cache: Cache) -> FileTree:
    """Its files, mounts, pins, TTLs and ACLs, below the directory of its name."""
    return file_tree.read(cache.script, f"/{cache.name}")


def remove(cache: Cache) -> None:
    """Take both releases and their data away."""
    name = cache.name
    cache.remove(f"{name}-zookeeper", directories=[f"/mnt/{name}", f"/mnt/shared/{name}"])
    cache.forget(f"{name}-mode/")


def report(cache: Cache) -> dict[str, Any]:
    """The report of `alluxops status`."""
    told = cache.verb("status", "--json", **settings_of(cache.name))
    found: dict[str, Any] = json.loads(told.output)
    return found


def wait_healthy(cache: Cache) -> None:
    """Wait until every master and worker serves."""
    found: dict[str, Any] = {}

    def healthy() -> bool:
        found.update(report(cache))
        return bool(found["healthy"])

    cache.wait_for("a healthy cache", healthy)


def servers(cache: Cache) -> dict[str, str]:
    """What each server of the ensemble says that it is: leader, follower; "" for none."""
    found = {}
    for pod in cache.lab.objects("pods", "-n", cache.name, "-l", "app=zookeeper"):
        name = pod["metadata"]["name"]
        ask = "exec 3<>/dev/tcp/127.0.0.1/2181; printf srvr >&3; cat <&3"
        said = cache.lab.run(
            "kubectl", "-n", cache.name, "exec", name, "--", "bash", "-c", ask, check=False
        )
        found[name] = said.partition("Mode: ")[2].partition("\n")[0]
    return found
