"""The right journal in the right place: a master that moves to a host of old copies, a release that was put back."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import node_report as report
from ansible_collections.alluxops.cache.plugins.module_utils import journal, volumes
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Marker,
    Wanted,
    claim_name,
    new_marker,
    served_marker,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec
from tests.unit.cache.journal_volumes import Volumes, guard, marker
from tests.unit.cache.test_journal_lost import SINCE, unmount
from tests.unit.cache.test_journal_plan import EMBEDDED, NOW, UFS
from tools.repository import ROOT

Json = dict[str, Any]


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path)


def served(ordinal: int, wanted: Wanted = EMBEDDED, **more: Any) -> Marker:
    return replace(served_marker(new_marker(wanted, ordinal, NOW), wanted, ordinal, NOW), **more)


# The guard, over folders.


def waits(cluster: Volumes, ordinal: int, *, has_pod: bool) -> None:
    """A master whose pod cannot start yet, or is not made, and whose claim is a new one."""
    cluster.pods[ordinal]["status"]["containerStatuses"] = []
    if not has_pod:
        del cluster.pods[ordinal]
    name = claim_name("alluxio", ordinal)
    cluster.notes = {claim: note for claim, note in cluster.notes.items() if claim != name}


@pytest.mark.parametrize("has_pod", [False, True])
def test_a_master_that_moves_does_not_start_on_the_old_copy_of_another(
    cluster: Volumes, *, has_pod: bool
) -> None:
    guard(cluster).run()
    cluster.serve(True, True, True)
    waits(cluster, 1, has_pod=has_pod)
    other = served(3, left_at=SINCE)
    (cluster.folder(1) / journal.MARKER).write_text(other.text())
    with pytest.raises(SettingsError, match="belongs to master 3 of release alluxio") as refusal:
        guard(cluster).run()
    assert "remove all that lies in" in refusal.value.fix
    assert marker(cluster, 1) == other
    unmount(cluster, 1)
    assert [item["formatted_now"] for item in guard(cluster).run()["journals"]] == [True]
    assert guard(cluster).looked_at == []


def test_a_master_that_only_takes_its_time_is_not_looked_at(cluster: Volumes) -> None:
    guard(cluster).run()
    cluster.serve(True, True, True)
    before = dict(cluster.notes)
    waits(cluster, 1, has_pod=True)
    cluster.notes = before
    assert guard(cluster).looked_at == []


# Preflight, before a volume is made that a pod waits for.


def told(*markers: Marker, ha: str = "EMBEDDED", **options: Any) -> list[str]:
    """What preflight refuses of hosts with these markers, for a release that serves unless told otherwise."""
    names = range(len(markers))
    given: Json = {
        "namespace": "cache",
        "release": "alluxio",
        "results": {
            f"h{number}": {
                "marker": base64.b64encode(item.text().encode()).decode(),
                "records": ["EMBEDDED", "UFS"],
            }
            for number, item in zip(names, markers, strict=True)
        },
        "masters": [{"host": f"h{number}", "name": f"n{number}"} for number in names],
        "claims": [
            {
                "kind": "journal",
                "name": claim_name("alluxio", number),
                "ordinal": number,
                "node": f"n{number}",
                "path": "/mnt/j",
                "storage_class": volumes.STORAGE_CLASS,
            }
            for number in names
        ],
        "values": {"journal": {"type": ha, "volumeType": "persistentVolumeClaim"}},
        "noted": {claim_name("alluxio", number): SINCE for number in names},
        "leads": True,
        "serves": ha,
        **options,
    }
    defaults = {name: item.get("default") for name, item in argument_spec("node_report").items()}
    action: Any = report.ActionModule.__new__(report.ActionModule)
    try:
        action.act_on_controller({**defaults, **given}, {})
    except ManySettingsErrors as errors:
        return [str(error) for error in errors.errors]
    return []


FIRST = {claim_name("alluxio", 0): SINCE}
OLD_COPY: Json = {"left_at": SINCE, "left_by": "scale-masters"}


def test_the_old_copy_of_another_master_is_told_before_a_pod_can_start_on_it() -> None:
    (said,) = told(served(0), served(3, **OLD_COPY), noted=FIRST)
    assert "the journal of master 1 (/mnt/j on n1) belongs to master 3" in said
    assert "remove all that lies in /mnt/j on n1" in said
    assert told(served(0), served(1), noted=FIRST) == []
    # Master 1 has run there: nothing is put in its place, and the look at what serves tells.
    assert told(served(0), served(3, **OLD_COPY)) == []


@pytest.mark.parametrize("how", [{"away": True}, {"restores": True}])
def test_where_no_pod_waits_the_look_into_the_volumes_tells(how: Json) -> None:
    said = told(served(0), served(3, **OLD_COPY), noted={}, leads=False, serves="", **how)
    assert "belongs to" not in str(said)


@pytest.mark.parametrize("ha", ["UFS", "EMBEDDED"])
def test_a_release_that_was_put_back_is_told_whatever_is_wanted(ha: str) -> None:
    (said,) = told(served(0), ha=ha, serves="UFS")
    assert "alluxio serves from a journal of type UFS" in said
    assert "helm -n cache rollback alluxio REVISION" in said
    assert "remove /mnt/j/.alluxops.json on n0" in said
    assert told(served(0), ha="UFS", leads=False, serves="") == []  # its Job tells


def test_a_conversion_is_told_nothing() -> None:
    # Masters 1 and 2 left when there was one before, one of them unmarked.
    hosts = (served(0, UFS), served(1, **OLD_COPY), served(2))
    assert told(*hosts, ha="EMBEDDED", serves="UFS", noted=FIRST) == []
    assert told(served(0), ha="UFS", serves="EMBEDDED") == []


def test_preflight_hands_on_what_serves() -> None:
    text = (ROOT / "roles/preflight/tasks/nodes.yml").read_text()
    assert 'serves: "{{ __preflight_cluster_checks.serves }}"' in text
