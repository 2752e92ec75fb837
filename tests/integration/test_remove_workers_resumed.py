"""`remove-workers` that is killed between the label's going and the cleaning: the next run ends it, unasked.

The workers' tier is a directory of the nodes, and n3 was made a worker with a label and a taint of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.files_under_test import Files, quick_clients
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

NAME = "resumed"
PREFIX = "resumed-"
TIER = f"/mnt/{NAME}-ssd"
BLOCKS = f"{TIER}/alluxioworker"
QUOTA = 128 << 20
READ = f"/{PREFIX}read"
KEY = f"alluxops.io/{NAME}.{NAME}"
GOES = ("--limit", "n3")
CONFIRMED = {"alluxio_confirm_remove": "n3"}
GIVEN = {
    "bootstrap_workers_labels": {f"{NAME}-pool": "a"},
    "bootstrap_workers_taints": [{"key": NAME, "effect": "NoSchedule"}],
}


def settings(lab: RunningLab) -> dict[str, Any]:
    level = {"level": 0, "alias": "SSD", "mediumtype": "SSD", "type": "hostPath"}
    level |= {"path": TIER, "quota": QUOTA, "high": 0.95, "low": 0.7}
    found = quick_clients(lab)
    found["alluxio_values"] |= {
        "tieredstore": {"levels": [level]},
        "tolerations": [{"key": NAME, "operator": "Exists"}],
    }
    return {**found, "alluxio_worker_quota": QUOTA}


def remove(cache: Cache, *argv: str) -> Outcome:
    return cache.apply("remove-workers", *GOES, *argv, **settings(cache.lab), **CONFIRMED)


def node(lab: RunningLab) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab.kubectl("get", "node", "n3", "-o", "json"))
    return found


def marks(lab: RunningLab) -> str:
    """What the node has of the release: labels, annotations and taints, as text."""
    found = node(lab)
    metadata = found["metadata"]
    parts = (metadata["labels"], metadata.get("annotations"), found["spec"].get("taints"))
    return "\n".join(line for line in json.dumps(parts, indent=0).splitlines() if NAME in line)


def no_worker_on_n3(cache: Cache) -> bool:
    return not [
        pod
        for pod in cache.pods().values()
        if pod["spec"].get("nodeName") == "n3"
        and pod["metadata"]["labels"]["role"] == "alluxio-worker"
    ]


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A cache with three workers, of which bootstrap-workers made that on n3."""
    found = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    found.remove()
    found.forget(PREFIX)
    for one in lab.state.nodes:
        lab.on_node(
            one.name,
            f"rm -rf {TIER}; mkdir {TIER}; chown 1000:1000 {TIER}; echo mine > {TIER}/mine",
        )
    found.apply("site", **settings(lab))
    lab.kubectl("label", "node", "n3", f"{KEY}-")
    found.wait_for("the worker that site made to end", lambda: no_worker_on_n3(found))
    lab.on_node("n3", f"rm -rf {BLOCKS}")
    try:
        found.apply("bootstrap-workers", *GOES, **settings(lab), **GIVEN)
        yield found
    finally:
        for command in (
            ("label", "node", "n3", f"{NAME}-pool-"),
            ("taint", "node", "n3", f"{NAME}-"),
        ):
            lab.run("kubectl", *command, check=False)
        found.remove(directories=[found.storage, TIER])
        found.forget(PREFIX)


def test_a_removal_that_was_killed_before_it_cleaned_is_ended_by_the_next_run(cache: Cache) -> None:
    lab, files = cache.lab, Files(cache)
    digest = files.write(READ, "n3", "CACHE_THROUGH")
    cache.script(f"alluxio fs pin {READ}")
    blocks = f"find {BLOCKS} -type f 2>/dev/null; true"
    assert lab.on_node("n3", blocks) != ""
    given = marks(lab)
    assert f'"{NAME}-pool": "a"' in given
    assert f'"key": "{NAME}"' in given

    dry = " ".join(remove(cache, "--check", "--diff").output.split())
    assert f"{NAME}-pool=a, taint {NAME}:NoSchedule" in dry
    assert re.search(f"would delete [^·]*{BLOCKS}", dry)
    assert marks(lab) == given

    arguments = ("remove-workers", "-i", str(lab.inventory), *GOES)
    with cache.running("alluxops", *arguments, **settings(lab), **CONFIRMED) as process:
        cache.wait_for("the label's going", lambda: f"uncleaned.{KEY}" in marks(lab))
        cache.kill(process)
    cache.wait_for("the worker to end", lambda: no_worker_on_n3(cache))
    assert lab.on_node("n3", blocks) != ""
    # All that bootstrap-workers gave went with the label, and only the note is left.
    assert [line.split(":")[0] for line in marks(lab).splitlines()] == [f'"uncleaned.{KEY}"']

    done = remove(cache)
    assert "n3  removed" in done.output
    assert marks(lab) == ""
    assert lab.on_node("n3", f"ls {TIER}").split() == ["mine"]
    assert (files.cached(READ), files.digest(READ)) == ("100%", digest)

    again = remove(cache)
    assert "n3  already removed" in again.output
    assert ", 0 changed" in again.output
