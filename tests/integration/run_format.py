"""The guide's `journal.format.runFormat=true`, given to `helm upgrade` by hand: what would format runs before every
start of a master, and has to leave a journal alone."""

from __future__ import annotations

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import ROOT
from tests.masters_under_test import Masters

FORMAT = "journal-format"
"""The init container that our chart has for it."""


def upgrade_by_hand(cache: Cache) -> None:
    """Take the release on. Several masters wait for the deletion of their pods."""
    cache.lab.run(
        *("helm", "upgrade", cache.name, str(ROOT / "charts/alluxio"), "-n", cache.name),
        *("--reuse-values", "--set", "journal.format.runFormat=true"),
    )


def restart_all(cache: Cache, masters: Masters) -> None:
    """Delete the pods of all masters at once, and wait until others, with that container, take part and one leads."""
    masters.kubectl("delete", "pod", "-l", "role=alluxio-master")
    cache.wait_for("all masters to take part", masters.are_whole, is_patient=True)
    pods = [cache.pods()[name] for name in masters.names()]
    containers = [pod["spec"].get("initContainers", []) for pod in pods]
    assert [[item["name"] for item in found] for found in containers] == [[FORMAT]] * masters.count
