"""What Alluxio's own commands print is read, not their exit codes."""

from __future__ import annotations

import json

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.verification import (
    byte_counters,
    counted,
    parse_consistency,
    parse_digest,
    parse_run_tests,
    sections,
)
from tests.unit.cache.kube_objects import FIXTURES, fixture

GREEN, RED, RESET = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def output_of(results: list[bool]) -> str:
    lines = []
    for number, passed in enumerate(results):
        lines.append(f"runTest --operation BASIC --readType NO_CACHE --writeType W{number}")
        lines.append("2026-01-01 00:00:00,000 INFO  BasicOperations - writeFile to file took 3 ms.")
        lines.append(
            f"{GREEN}Passed the test!{RESET}" if passed else f"{RED}Failed the test!{RESET}"
        )
    return "\n".join(lines)


def test_run_tests_counts_what_passed_and_names_what_failed() -> None:
    found = parse_run_tests(output_of([True, False, True]))
    assert (found["passed"], found["total"]) == (2, 3)
    assert found["failed"] == ["--operation BASIC --readType NO_CACHE --writeType W1"]


def test_the_real_run_passes_24_of_24() -> None:
    found = parse_run_tests((FIXTURES / "run_tests.txt").read_text(encoding="utf-8"))
    assert found == {"passed": 24, "total": 24, "failed": [], "cause": ""}


def test_run_tests_that_ran_nothing_is_an_error_with_what_it_said() -> None:
    with pytest.raises(CacheError, match="ran no test") as failure:
        parse_run_tests("Exception in thread main: No available Alluxio worker found")
    assert "No available Alluxio worker" in failure.value.cause


def test_a_consistent_tree() -> None:
    assert parse_consistency("/ is consistent with the under storage system.\n", "/") == {
        "path": "/",
        "inconsistent": [],
    }


def test_an_inconsistent_tree_lists_its_paths() -> None:
    text = "The following files are inconsistent:\n/a b/c\n/d\n\n"
    assert parse_consistency(text, "/")["inconsistent"] == ["/a b/c", "/d"]


def test_the_real_inconsistent_answer_is_read() -> None:
    text = (FIXTURES / "check_consistency_differs.txt").read_text(encoding="utf-8")
    assert parse_consistency(text, "/")["inconsistent"] == ["/vanished"]


def test_a_path_may_hold_spaces() -> None:
    text = "/a b is consistent with the under storage system.\n"
    assert parse_consistency(text, "/a b")["inconsistent"] == []


def test_several_paths_are_compared_one_after_the_other() -> None:
    text = (
        "/a is consistent with the under storage system.\nThe following files are inconsistent:\n/b\n"
        "/c is consistent with the under storage system.\n"
    )
    assert parse_consistency(text, "/*", 3) == {"path": "/*", "inconsistent": ["/b"]}
    with pytest.raises(CacheError, match="did not say"):
        parse_consistency(text, "/*", 4)


@pytest.mark.parametrize(
    "text", ["", "Failed to connect to master", "checkConsistency is not a command"]
)
def test_an_answer_that_says_neither_is_an_error(text: str) -> None:
    with pytest.raises(CacheError, match="did not say"):
        parse_consistency(text, "/")


def test_digests() -> None:
    assert parse_digest("a" * 64 + "  -\n") == "a" * 64
    assert parse_digest("") is None
    assert parse_digest("abc  -") is None


def test_the_workers_real_counters_are_read() -> None:
    counters = byte_counters(json.dumps(fixture("worker_metrics")))
    assert (counters["remote"], counters["domain"], counters["ufs"]) == (996, 24641646, 20971684)


@pytest.mark.parametrize("metrics", [None, "", "<html>", "{}", '{"counters": {}}'])
def test_a_worker_without_counters_has_zero(metrics: str | None) -> None:
    assert set(byte_counters(metrics).values()) == {0}


def test_a_counter_named_per_under_store_is_summed_and_throughput_is_not_taken_for_bytes() -> None:
    metrics = {
        "Worker.BytesReadPerUfs.UFS:s3:%2F%2Fa": {"count": 1},
        "Worker.BytesReadPerUfs.UFS:s3:%2F%2Fb": {"count": 2},
        "Worker.BytesReadRemoteThroughput": {"count": 99},
    }
    counters = byte_counters(json.dumps({"counters": metrics}))
    assert (counters["ufs"], counters["remote"]) == (3, 0)


def test_counters_are_compared_before_and_after() -> None:
    assert counted({"remote": 5}, {"remote": 9, "ufs": 2})["remote"] == 4
    assert counted({"remote": 5}, {"remote": 9, "ufs": 2})["ufs"] == 2


def test_one_shells_output_is_split_by_command() -> None:
    text = (
        "noise\n=== tests\na\nb\n=== tests.rc 3\n=== consistency\n/ is fine\n=== consistency.rc 0\n"
    )
    assert sections(text) == {
        "tests": "a\nb",
        "tests.rc": "3",
        "consistency": "/ is fine",
        "consistency.rc": "0",
    }
