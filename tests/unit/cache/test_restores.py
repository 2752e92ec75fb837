"""Whether a restore goes on, and whether it has ended, by the release's configuration and its markers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import cluster as facts
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.plugin_utils import restores
from tests.unit.cache.journal_volumes import Volumes

URI = "s3://b/x/alluxio-backup-1.gz"
OPTIONS = (
    f"-Dalluxio.master.journal.folder=/journal -Dalluxio.master.journal.init.from.backup={URI}"
)
BEGUN = journal.new_marker(
    journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6"),
    0,
    datetime(2026, 1, 2, tzinfo=UTC),
    URI,
)
ENDED = replace(BEGUN, restoring=None, served=True)


class Configured(Volumes):
    """Masters with a ConfigMap."""

    options = OPTIONS

    def get(self, path: str) -> dict[str, Any] | None:
        if path.endswith("/configmaps/alluxio-config"):
            return {"data": {"ALLUXIO_MASTER_JAVA_OPTS": self.options}}
        return super().get(path)


@pytest.fixture
def kube(tmp_path: Path) -> Any:
    return Configured(tmp_path)


def found(kube: Any) -> restores.Found:
    pods = [facts.pod_facts(pod) for pod in kube.pods]
    return restores.read(kube, "cache", "alluxio", pods)


@pytest.mark.parametrize(
    ("marker", "goes_on", "has_ended"),
    [(BEGUN, URI, False), (ENDED, "", True), (replace(BEGUN, served=True), URI, False)],
)
def test_the_marker_of_a_master_that_serves_tells(
    kube: Any, marker: journal.Marker, goes_on: str, *, has_ended: bool
) -> None:
    kube.serve(False, True)
    (kube.folder(1) / journal.MARKER).write_text(marker.text())
    told = found(kube)
    assert (told.pending, told.goes_on, told.has_ended) == (URI, goes_on, has_ended)


def test_what_no_configuration_names_does_not_go_on(kube: Any) -> None:
    kube.options = "-Da=b"
    kube.serve(True)
    (kube.folder(0) / journal.MARKER).write_text(BEGUN.text())
    told = found(kube)
    assert (told.pending, told.goes_on, told.has_ended) == ("", "", False)


def test_without_a_marker_or_a_master_nothing_is_told(kube: Any) -> None:
    assert (found(kube).goes_on, found(kube).has_ended) == ("", False)
    kube.serve(True)
    assert (found(kube).goes_on, found(kube).has_ended) == ("", False)
