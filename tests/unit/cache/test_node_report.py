"""A journal that masters have served from is not left out because hosts, or the place of journals, have changed."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import node_report as action
from ansible_collections.alluxops.cache.plugins.module_utils import (
    journal,
    journal_job,
    journal_place,
    node_report,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import ManySettingsErrors
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import STORAGE_CLASS
from ansible_collections.alluxops.cache.plugins.modules import node_check

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WANTED = journal.Wanted("cache", "alluxio")
Results = dict[str, dict[str, Any]]


def marker(ordinal: int, *, served: bool = True, release: str = "alluxio") -> dict[str, Any]:
    """What node_check returns of a host with a journal."""
    found = journal.new_marker(journal.Wanted("cache", release), ordinal, NOW)
    if served:
        found = journal.served_marker(found, journal.Wanted("cache", release), ordinal, NOW)
    return {"marker": base64.b64encode(found.text().encode()).decode()}


def left_out(order: str, results: Results, masters: int = 1) -> list[str]:
    hosts = {f"{name}.example": name for name in order.split()}
    claims: list[dict[str, Any]] = [
        {"kind": "journal", "ordinal": ordinal, "node": name, "path": "/mnt/j"}
        for ordinal, name in enumerate(order.split()[:masters])
    ]
    claims.append({"kind": "domain", "ordinal": None, "node": None})
    found = {f"{name}.example": result for name, result in results.items()}
    return [error.what for error in node_report.left_out(found, hosts, claims, WANTED)]


def test_the_journal_of_a_master_that_goes_elsewhere_is_named_with_its_host() -> None:
    results: Results = {"n1": marker(0), "n2": {"marker": ""}}
    assert left_out("n1 n2", results) == []
    (told,) = left_out("n2 n1", results)
    assert "master 0 has served on n1.example" in told
    assert "puts it on n2.example" in told


@pytest.mark.parametrize(
    "results",
    [
        {"n1": marker(0, served=False), "n2": {"marker": ""}},
        {"n1": marker(0, release="other"), "n2": {"marker": ""}},
        {"n1": marker(1), "n2": {"marker": ""}},  # a stale copy that fewer masters left
        {"n1": marker(0), "n2": marker(0)},  # it was moved there
        {"n1": {"unreachable": True}, "n2": {}},
    ],
)
def test_what_is_nobodys_metadata_is_in_nobodys_way(results: Results) -> None:
    assert left_out("n2 n1", results) == []


def test_an_old_copy_is_nobodys_metadata() -> None:
    # Three masters became one; master 1 is to come again, on another host.
    results: Results = {"n1": marker(0), "n2": marker(1), "n3": {"marker": ""}}
    assert "master 1 has served on n2.example" in left_out("n1 n3 n2", results, masters=2)[0]
    known = journal.read_marker(str(results["n2"]["marker"]))
    assert known is not None
    copy = replace(known, left_at="2026-01-02T03:04:05Z", left_by="scale-masters")
    assert left_out("n1 n3 n2", {**results, "n2": {"marker": copy.encoded()}}, masters=2) == []


PLACE = "/mnt/fuse3/cache/alluxio/journal"
OWN_CLASS = {"node": None, "path": PLACE, "provisioned": True, "storage_class": "fast"}
SHARED = {"node": None, "path": "/mnt/shared/cache/alluxio", "shared": True, "storage_class": ""}


def elsewhere(
    results: Results, place: dict[str, Any] | None, masters: int = 1, **noted: str
) -> list[Any]:
    """What is said of three hosts, with masters that are to have their journals in such a place."""
    hosts = {f"h{number}": f"n{number}" for number in range(3)}
    claims: list[dict[str, Any]] = [
        {"kind": "journal", "name": f"j{ordinal}", "ordinal": ordinal, **place}
        for ordinal in range(masters)
        if place is not None
    ]
    claims.append({"kind": "domain", "name": "d", "ordinal": None, "node": None})
    wanted = replace(WANTED, shared=place is SHARED)
    assert node_report.left_out(results, hosts, claims, wanted) == []
    return journal_place.elsewhere(results, hosts, claims, wanted, folder=PLACE, noted=noted)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (SHARED, "in /mnt/shared/cache/alluxio, which all share"),
        (OWN_CLASS, "in volumes of the storage class fast"),
        ({**OWN_CLASS, "storage_class": ""}, "the cluster's default"),
        (None, "in no volume"),
    ],
)
def test_journals_on_the_hosts_are_not_left_for_new_ones_in_another_place(
    place: dict[str, Any] | None, told: str
) -> None:
    (error,) = elsewhere({"h0": marker(0), "h1": {"marker": ""}}, place)
    assert f"lie on the hosts ({PLACE}): master 0 on h0; " in error.what
    assert told in error.what
    assert f"give {PLACE} another name on h0: " in error.fix  # unmarked, it would be adopted


def test_each_master_of_a_quorum_is_named_where_all_are_to_share_a_journal() -> None:
    (error,) = elsewhere({f"h{ordinal}": marker(ordinal) for ordinal in range(3)}, SHARED, 3)
    assert "master 0 on h0, master 1 on h1, master 2 on h2" in error.what


def test_a_place_that_is_the_releases_own_is_begun_in() -> None:
    served: Results = {"h0": marker(0)}
    tied = {"node": "n0", "path": PLACE, "storage_class": STORAGE_CLASS}
    assert elsewhere(served, tied) == []
    assert elsewhere(served, OWN_CLASS, j0="2026-01-02T03:04:09Z") == []  # it moved there before
    known = journal.read_marker(str(served["h0"]["marker"]))
    assert known is not None
    left = {"marker": replace(known, left_at="2026-01-02T03:04:05Z").encoded()}
    others = [left, marker(0, served=False), marker(0, release="other"), {"marker": ""}, {}]
    for other in [*others, {"unreachable": True}]:
        assert elsewhere({"h0": other}, OWN_CLASS) == []


def kept(**results: Any) -> list[journal.Journal]:
    """Of three masters."""
    claims: list[dict[str, Any]] = [
        {
            "kind": "journal",
            "name": f"j{ordinal}",
            "ordinal": ordinal,
            "node": f"n{ordinal + 1}",
            "path": PLACE,
            "storage_class": STORAGE_CLASS,
        }
        for ordinal in range(3)
    ]
    claims.append({"kind": "journal", "name": "s", "ordinal": 3, "node": None, "path": "/shared"})
    hosts = {"h1": "n1", "h2": "n2", "h3": "n3"}
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED")
    return node_report.kept(results, hosts, claims, PLACE, wanted)


def test_what_lies_on_the_hosts_is_judged_as_in_a_volume() -> None:
    found = kept(
        h1={**marker(0), "records": ["UFS"]},
        h2={"records": ["EMBEDDED"]},
        h3=marker(2, release="x"),
    )
    assert [item.state for item in found] == ["empty", "adopted", "other"]
    assert [item.records for item in found] == [("UFS",), ("EMBEDDED",), ()]
    assert found[0].name == f"the journal of master 0 ({PLACE} on n1)"
    assert [item.state for item in kept(h2={"marker": ""})] == ["empty"] * 3


def test_entries_are_found_on_the_host_as_the_job_finds_them(tmp_path: Path) -> None:
    assert node_check.read_records("") == []
    files = {
        "UFS": ["FileSystemMaster/v1/logs/0x0-0x9", "BlockMaster/v1/checkpoints/0x9"],
        "EMBEDDED": ["raft/02511d47/current/log_0-9", "raft/02511d47/sm/1_9/a/b"],
    }
    for kind, names in files.items():
        for number, name in enumerate(names):
            folder = tmp_path / f"{kind}{number} [1]"
            (folder / name).parent.mkdir(parents=True)
            assert (node_check.read_records(str(folder)), looked(folder)) == ([], [])
            (folder / name).write_text("entries")
            assert (node_check.read_records(str(folder)), looked(folder)) == ([kind], [kind])


def looked(folder: Path) -> list[str]:
    """What the Job's script says of a folder."""
    done = subprocess.run(
        ["/bin/sh", "-c", journal_job.LOOK],
        env={"JOURNAL": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    claim = {"ordinal": 0, "name": "j0"}
    return list(journal.read_journal(done.stdout, claim, WANTED).records)


def test_the_marker_is_read_on_the_host(tmp_path: Path) -> None:
    assert node_check.read_marker("") == ""
    assert node_check.read_marker(str(tmp_path / "missing")) == ""
    (tmp_path / journal.MARKER).write_text(journal.new_marker(WANTED, 0, NOW).text())
    read = journal.read_marker(node_check.read_marker(str(tmp_path)))
    assert read == journal.new_marker(WANTED, 0, NOW)


def fewer(results: Results, masters: int, **wanted: Any) -> list[str]:
    """What is said of three hosts, of which so many are to run masters."""
    hosts = {f"h{number}": f"n{number}" for number in range(3)}
    claims: list[dict[str, Any]] = [
        {"kind": "journal", "ordinal": ordinal, "node": f"n{ordinal}", "path": PLACE}
        for ordinal in range(masters)
    ]
    found = node_report.fewer(results, hosts, claims, replace(WANTED, **wanted))
    return [str(error) for error in found]


def test_fewer_masters_do_not_leave_journals_behind() -> None:
    results: Results = {f"h{ordinal}": marker(ordinal) for ordinal in range(3)}
    assert fewer(results, 3) == []
    (told,) = fewer(results, 1)
    assert "alluxio_masters is 1" in told
    assert "master 1 on h1, master 2 on h2" in told
    assert "set alluxio_masters: 3 " in told
    assert "scale-masters" in told
    (told,) = fewer({"h0": marker(0), "h1": marker(1), "h2": {"unreachable": True}}, 1)
    assert "set alluxio_masters: 3 " in told
    assert "set alluxio_masters: 5 " in fewer({"h2": marker(4)}, 3)[0]


def test_what_no_master_of_the_release_served_from_is_in_nobodys_way() -> None:
    known = journal.read_marker(str(marker(1)["marker"]))
    assert known is not None
    left = {"marker": replace(known, left_at="2026-01-02T03:04:05Z").encoded()}
    others = [left, marker(1, served=False), marker(1, release="other"), {"marker": ""}, {}]
    for other in others:
        assert fewer({"h0": marker(0), "h1": other}, 1) == []
    assert fewer({"h0": marker(0), "h1": marker(0)}, 1, shared=True) == []
    assert fewer({"h1": marker(1)}, 0) == []  # in no volume of ours


def test_old_copies_are_told_before_anything_changes() -> None:
    hosts = {f"h{ordinal}": f"n{ordinal}" for ordinal in range(5)}
    claims: list[dict[str, Any]] = [
        {"kind": "journal", "ordinal": ordinal, "name": f"j{ordinal}", "node": f"n{ordinal}"}
        for ordinal in range(5)
    ]
    embedded = replace(WANTED, journal_type="EMBEDDED")
    results: Results = {}
    for ordinal in range(5):
        known = journal.read_marker(str(marker(ordinal)["marker"]))
        assert known is not None
        if ordinal >= 3:
            known = replace(known, left_at="2026-01-02T03:04:05Z", left_by="scale-masters")
        results[f"h{ordinal}"] = {"marker": known.encoded(), "records": ["EMBEDDED"]}
    (told,) = node_report.old_copies(results, hosts, claims, embedded)
    assert "the journals of masters 3 and 4 are old copies" in told.what
    assert "set alluxio_masters: 3 " in told.fix
    assert node_report.old_copies(results, hosts, claims[:3], embedded) == []
    results["h4"] = results["h3"] = {"unreachable": True}
    assert node_report.old_copies(results, hosts, claims, embedded) == []


PREFLIGHT: dict[str, Any] = {
    "noted": {},
    "serves": "",
    "namespace": "cache",
    "release": "alluxio",
    "folder": PLACE,
    "away": True,
    "leads": False,
    "policy": "if_empty",
    "restores": False,
    "title": "",
    "cluster_checks": [],
    "held_by": "",
}
"""What is asked of a release that is away, beside its hosts, claims, values and what was found."""


def report(**changed: Any) -> str:
    """What the preflight says of a release that is away, and is to have its journal in a class of the user's own."""
    options: dict[str, Any] = {
        "masters": [{"host": "h0", "name": "n0"}],
        "claims": [{"kind": "journal", "name": "j0", "ordinal": 0, **OWN_CLASS}],
        "results": {"h0": marker(0)},
        "values": {"journal": {"type": "UFS"}},
        **PREFLIGHT,
        **changed,
    }
    try:
        object.__new__(action.ActionModule).act_on_controller(options, {})
    except ManySettingsErrors as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("policy", ["if_empty", "never"])
def test_the_preflight_refuses_to_begin_in_another_place(policy: str) -> None:
    assert "storage class fast" in report(policy=policy)


@pytest.mark.parametrize(
    "changed",
    [{"away": False}, {"restores": True}, {"policy": "force"}, {"values": {}, "claims": []}],
)
def test_the_preflight_lets_begin_what_runs_or_was_asked_for(changed: dict[str, Any]) -> None:
    assert report(**changed) == ""
