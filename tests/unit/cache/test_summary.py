"""The summary is what an operator pastes in a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.summary import duration, summary

Json = dict[str, Any]


def report(**change: Any) -> Json:
    found: Json = {
        "release": "alluxio",
        "namespace": "cache",
        "cluster": {"version": "1.34.4", "platform": "kubernetes", "nodes": []},
        "version": "2.9.6",
        "masters": [{"pod": "alluxio-master-0", "node": "n1", "ready": "2/2", "role": "leader"}],
        "workers": [
            {
                "pod": f"w-{node}",
                "node": node,
                "ready": "2/2",
                "registered": True,
                "capacity_bytes": 536870912,
                "used_bytes": 0,
            }
            for node in ("n2", "n3")
        ],
        "endpoints": ["/metrics/json/"],
        "verify": {
            "run_tests": {"passed": 24, "total": 24, "failed": []},
            "write_read": {"writer": "n2", "reader": "n3", "digest_equal": True},
            "consistency": {"path": "/", "inconsistent": []},
        },
        "healthy": True,
        "problems": [],
    }
    return {**found, **change}


def test_a_healthy_cache_in_a_few_lines() -> None:
    lines = summary(report(), changed=9, elapsed_s=132, root_ufs="s3://datasets/")
    assert lines[0].split() == [
        "alluxio",
        "in",
        "cache",
        "(Kubernetes",
        "1.34.4)",
        "2",
        "min",
        "12",
        "s,",
        "9",
        "changed",
    ]
    assert lines[1:4] == [
        "  masters   1/1  alluxio-master-0 on n1 2/2, leader",
        "  workers   2/2  n2 n3, 512 MiB each, 0 B used",
        "  verify    runTests 24/24 · write n2, read n3: same digest · consistent with s3://datasets/",
    ]
    assert any("127.0.0.1:19999" in line for line in lines)


@pytest.mark.parametrize(
    ("consistency", "said"),
    [
        ({"path": "/a"}, "consistent with s3://datasets/ in /a"),
        ({"path": "/.alluxops-verify-*", "scope": "written"}, "both files are in s3://datasets/"),
        ({"path": "/", "inconsistent": ["/a"]}, "1 path differs from s3://datasets/"),
        ({"path": "/", "inconsistent": ["/a", "/b"]}, "2 paths differ from s3://datasets/"),
        (
            {"path": "/", "finished": False, "timeout_s": 300},
            "consistency not finished within 300 s (/)",
        ),
    ],
)
def test_what_was_compared_is_said_and_no_more(consistency: Json, said: str) -> None:
    verify = {"consistency": {"inconsistent": [], **consistency}}
    lines = summary(report(verify=verify), root_ufs="s3://datasets/")
    assert f"  verify    {said}" in lines


def test_openshift_is_called_by_its_name() -> None:
    cluster = {"version": "1.31.0", "platform": "openshift", "nodes": []}
    assert "OpenShift 1.31.0" in summary(report(cluster=cluster))[0]


def test_problems_are_listed_and_nothing_is_offered_to_open() -> None:
    lines = summary(report(healthy=False, problems=["masters 0/1 ready."]))
    assert "  problem   masters 0/1 ready." in lines
    assert "  state     not healthy" in lines
    assert not any("dashboard" in line for line in lines)


def test_a_journal_formatted_by_this_run_is_said() -> None:
    lines = summary(report(), journals=[{"ordinal": 0, "formatted_now": True}])
    assert "journal formatted by this run" in lines[1]
    assert (
        "formatted" not in summary(report(), journals=[{"ordinal": 0, "formatted_now": False}])[1]
    )


def test_a_journal_adopted_by_this_run_is_said() -> None:
    lines = summary(report(), journals=[{"ordinal": 0, "adopted_now": True}])
    assert "journal adopted by this run" in lines[1]
    assert "formatted" not in lines[1]


def test_a_worker_the_leader_does_not_know_does_not_count() -> None:
    workers = report()["workers"]
    workers[0] = {**workers[0], "registered": False}
    assert summary(report(workers=workers))[2].startswith("  workers   1/2  n2 n3")


def test_nothing_installed() -> None:
    lines = summary(report(masters=[], workers=[], verify=None, version="", healthy=False))
    assert lines[1:3] == ["  masters   none", "  workers   none"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3725, "62 min 5 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_quorum_has_its_own_line() -> None:
    quorum = {"shown": "3/3 available, leader alluxio-master-1"}
    assert "  quorum    3/3 available, leader alluxio-master-1" in summary(report(quorum=quorum))
    assert not any(line.startswith("  quorum") for line in summary(report(quorum=None)))


def test_what_is_there_is_counted_against_what_is_wanted() -> None:
    said = "\n".join(summary(report(wanted={"masters": 3, "workers": 4})))
    assert "masters   1/3  alluxio-master-0" in said
    assert "workers   2/4  n2 n3" in said
    assert "workers   2/2  n2 n3" in "\n".join(summary(report(wanted={"masters": 1, "workers": 1})))


def test_a_note_is_no_problem() -> None:
    said = summary(report(notes=["mind the gap."]))
    assert "  note      mind the gap." in said
    assert "  state     healthy" in said
