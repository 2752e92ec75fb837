"""The markers, written through the masters' own containers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal_marker
from ansible_collections.alluxops.cache.plugins.action.journal_conversion import LoneMaster
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.journal_volumes import Volumes, marker, options

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Json = dict[str, Any]


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


def marked(cluster: Volumes, **given: Any) -> Json:
    uid = str(given.get("uid", ""))
    kind = given.get("kind", "EMBEDDED")
    wanted = journal.Wanted("cache", "alluxio", kind, "2.9.6", cluster=uid)
    writer = journal_marker._Writer(
        cluster,  # type: ignore[arg-type]
        wanted,
        "/journal",
        restored=bool(given.get("restored")),
        upcoming=str(given.get("upcoming", "")),
    )
    pods = [{"name": f"alluxio-master-{ordinal}"} for ordinal in given.get("ready", [0])]
    writer.write(pods, count=given.get("masters", len(pods)), dry=bool(given.get("dry")))
    return writer.result()


def test_a_serving_master_gets_its_marker_once(cluster: Volumes) -> None:
    cluster.write(0)
    assert marked(cluster, dry=True)["changed"]
    assert marker(cluster, 0) is None
    assert marked(cluster)["changed"]
    assert marker(cluster, 0).served  # type: ignore[union-attr]
    assert not marked(cluster)["changed"]


def test_the_marker_of_another_release_is_left_with_a_warning(cluster: Volumes) -> None:
    other = journal.new_marker(journal.Wanted("cache", "other", "EMBEDDED"), 0, NOW)
    (cluster.folder(0) / journal.MARKER).write_text(other.text())
    result = marked(cluster)
    assert not result["changed"]
    assert "release other" in result["warnings"][0]
    assert marker(cluster, 0) == other


def test_the_marker_of_another_cluster_is_left_with_a_warning(cluster: Volumes) -> None:
    theirs = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6", cluster="uid-prod")
    (cluster.folder(0) / journal.MARKER).write_text(journal.new_marker(theirs, 0, NOW).text())
    result = marked(cluster, uid="uid-staging")
    assert not result["changed"]
    assert "of cluster uid-prod" in result["warnings"][0]


def test_a_marker_from_before_gets_the_cluster(cluster: Volumes) -> None:
    assert marked(cluster)["changed"]
    assert marked(cluster, uid="uid-prod")["changed"]
    assert marker(cluster, 0).cluster == "uid-prod"  # type: ignore[union-attr]


def test_a_restore_that_did_not_end_stays_marked(cluster: Volumes) -> None:
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6")
    begun = journal.new_marker(wanted, 0, NOW, "/x.gz")
    (cluster.folder(0) / journal.MARKER).write_text(begun.text())
    (warning,) = marked(cluster)["warnings"]
    assert "it may hold a part only" in warning
    assert "alluxio_confirm_purge=alluxio" in warning
    assert marker(cluster, 0).restoring == "/x.gz"  # type: ignore[union-attr]
    marked(cluster, restored=True)
    assert marker(cluster, 0).restoring is None  # type: ignore[union-attr]


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("upcoming", ["", "2.9.10"])
@pytest.mark.parametrize(("served", "serves"), [("EMBEDDED", "UFS"), ("UFS", "EMBEDDED")])
def test_a_journal_that_a_conversion_left_is_not_made_the_one_in_use(
    cluster: Volumes, served: Any, serves: str, upcoming: str, *, dry: bool
) -> None:
    wanted = journal.Wanted("cache", "alluxio", served, "2.9.6")
    newer = journal.served_marker(journal.new_marker(wanted, 0, NOW), wanted, 0, NOW)
    (cluster.folder(0) / journal.MARKER).write_text(newer.text())
    with pytest.raises(SettingsError) as refusal:
        marked(cluster, kind=serves, upcoming=upcoming, dry=dry)
    assert f"serves from a journal of type {serves}" in refusal.value.what
    assert f"as type {served} last" in refusal.value.what
    assert f"a revision of type {served}" in refusal.value.fix
    assert "annotate pvc alluxio-journal-alluxio-master-0" in refusal.value.fix
    assert marker(cluster, 0) == newer
    (cluster.folder(0) / journal.MARKER).unlink()  # to go on from the older one
    assert marked(cluster, kind=serves)["changed"]
    assert marker(cluster, 0).journal_type == serves  # type: ignore[union-attr]


@pytest.mark.parametrize("given", [{"served": False}, {"journal_type": ""}])
def test_a_marker_that_tells_no_type_that_served_gets_the_one_that_does(
    cluster: Volumes, given: Json
) -> None:
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.6")
    known = replace(journal.new_marker(wanted, 0, NOW), **{"served": True, **given})
    (cluster.folder(0) / journal.MARKER).write_text(known.text())
    assert marked(cluster, kind="UFS")["changed"]
    assert marker(cluster, 0).journal_type == "UFS"  # type: ignore[union-attr]


def test_a_converted_journal_is_marked_as_in_use(cluster: Volumes) -> None:
    values = options()["values"]
    master = LoneMaster.__new__(LoneMaster)
    vars(master).update(
        kube=cluster, namespace="cache", release="alluxio", values=values, pod="x-master-0"
    )
    master.mark("UFS")
    found = marker(cluster, 0)
    assert found is not None
    assert (found.journal_type, found.version, found.served) == ("UFS", "2.9.6", True)
    assert found.formatted_at
