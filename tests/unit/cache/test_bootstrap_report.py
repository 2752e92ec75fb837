"""A run ends with a line for each host, with its times, and with what to write into the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import bootstrap_report as action
from ansible_collections.alluxops.cache.plugins.module_utils import bootstrap_report

Json = dict[str, Any]


def found(step: str = "join", *, is_worker: bool = False, **more: Any) -> Json:
    return {
        "plan": {"host": "n4", "node": "n4", "step": step, "is_worker": is_worker},
        "took_s": 41.2,
        "join_s": 6.0,
        "arrival": {"registered_s": 22.4, "capacity_bytes": 8 << 30},
        "canary": {"took_s": 3.0},
        "writer": "n3",
        **more,
    }


def test_of_an_ephemeral_root_the_reader_is_named() -> None:
    one = found(writer="", canary={"took_s": 3.0, "reader": "n3"})
    (line,) = bootstrap_report.lines({"n4": one}, check_mode=False)
    assert line.endswith(" · wrote what n3 read in 3 s")


def test_a_new_worker_has_its_times() -> None:
    assert bootstrap_report.lines({"n4": found()}, check_mode=False) == [
        "n4  worker in 41 s, 8 GiB · joined in 6 s · registered 22 s after its label · read in 3 s what n3 wrote"
    ]


def test_a_worker_has_what_was_mended() -> None:
    lines = bootstrap_report.lines(
        {
            "n4": found("member", is_worker=True),
            "n10": found("start", is_worker=True, mended=["x"]),
        },
        check_mode=False,
    )
    assert lines[0].startswith("n4   is a worker, nothing to mend, 8 GiB · read in")
    assert lines[1].startswith("n10  is a worker, mended, 8 GiB · kubelet started")
    assert lines[2] == "       x"


def test_what_hangs_is_told_and_not_called_mended() -> None:
    hung = found("member", is_worker=True, hung=["/mnt: does not answer"])
    lines = bootstrap_report.lines({"n4": hung}, check_mode=False)
    assert lines[0].startswith("n4  is a worker, not all of it mended, 8 GiB")
    assert lines[1] == "      /mnt: does not answer"


def test_a_host_that_failed_has_its_line_too() -> None:
    one, two = bootstrap_report.lines({"n4": found()}, ["n10"], check_mode=False)
    assert one.startswith("n4   worker in")
    assert two == "n10  failed, see its error: run again, it goes on"


def test_what_was_installed_is_told_first() -> None:
    packages = {"installed": ["package kubelet 1.34.4-1.1 was installed"]}
    told = bootstrap_report.mended(plan("join"), {"mended": ["m"]}, {}, packages)
    assert told == [*packages["installed"], "m"]


def test_a_check_says_what_would_be_done() -> None:
    one, two, three = bootstrap_report.lines(
        {
            "a": found(),
            "b": found("member", is_worker=True),
            "c": found("member"),
        },
        check_mode=True,
    )
    assert one == "a  would do: join the cluster, label the node, wait for its worker"
    assert two == "b  would do: nothing"
    assert three == "c  would do: label the node, wait for its worker"


def plan(step: str, *, is_worker: bool = False) -> Json:
    return {"step": step, "is_worker": is_worker}


NODE = {"mended": ["m"], "made": ["/a"], "corrected": ["/b"]}
CORRECTED = "/b: owner and mode were put right"


def test_a_worker_is_told_to_take_the_directory_that_was_made() -> None:
    told = bootstrap_report.mended(plan("member", is_worker=True), NODE, {})
    made = "/a: made anew, its worker has the old directory until its pod is deleted"
    assert told == ["m", made, CORRECTED]


@pytest.mark.parametrize("step", ["start", "member"])
def test_what_was_mended_of_a_worker_that_did_not_serve_is_told(step: str) -> None:
    told = bootstrap_report.mended(plan(step), NODE, {})
    assert told == ["m", "/a: made anew", CORRECTED]


@pytest.mark.parametrize("step", ["join", "rejoin"])
def test_a_host_that_joins_is_told_all_but_its_first_directories(step: str) -> None:
    assert bootstrap_report.mended(plan(step), NODE, {}) == ["m", CORRECTED]


def test_what_became_of_a_disk_is_told_in_every_case() -> None:
    for taken in ("/dev/sdb: formatted", "/dev/sdb: mounted on /t"):
        device = {"taken": taken}
        assert bootstrap_report.mended(plan("join"), {}, device) == [taken]
        assert bootstrap_report.mended(plan("member", is_worker=True), {}, device) == [taken]


def test_the_action_tells_it_with_the_line_of_a_worker_that_did_not_serve() -> None:
    done = {"plan": found("start")["plan"], "node": NODE}
    told = action._found(done)
    assert told["mended"] == ["m", "/a: made anew", CORRECTED]
    assert bootstrap_report.lines({"n4": told}, check_mode=False)[1:] == [
        f"      {line}" for line in told["mended"]
    ]


def test_a_host_has_the_time_of_its_own_registration_and_not_of_its_batch() -> None:
    arrived = {
        node: {"registered_s": 1.0, "registered_at": at}
        for node, at in (("n4", 1030.0), ("n5", 1300.0))
    }
    done = {"plan": plan("join") | {"node": "n4"}, "arrival": {"nodes": arrived}, "began": "1000.5"}
    assert action._found(done)["took_s"] == 29.5


def test_the_inventory_is_told_of_hosts_that_are_to_move() -> None:
    assert "move n4, n5 from new_workers to cache_workers" in bootstrap_report.inventory_line(
        ["n4", "n5", "n2"], ["n1", "n2"]
    )
    assert bootstrap_report.inventory_line(["n2"], ["n1", "n2"]) == ""
