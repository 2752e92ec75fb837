"""From readers' answers to figures: what is proven, how fast it was, what bounds it, and whether it is slower now."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_gate,
    benchmark_plan,
    benchmark_proof,
    benchmark_reader,
    benchmark_result,
    network_report,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import benchmark_files, benchmark_page
from tests.unit.cache.benchmark_cases import (
    COUNTED,
    MIB,
    NODES,
    SMALL,
    arm,
    measured,
    reader,
    report,
    run,
)


@pytest.mark.parametrize("name", benchmark_plan.ARMS)
def test_an_arm_that_took_its_path_is_proven(name: str) -> None:
    assert benchmark_proof.faults(name, 100 * MIB, COUNTED[name]) == []


@pytest.mark.parametrize(
    ("name", "counted", "why"),
    [
        ("direct", {"ufs": 50}, "50 MiB came from the store"),
        ("direct-slow", {"domain": 11}, "11 MiB came over domain sockets"),
        ("cold", {"remote": 100}, "0 B of 100 MiB came from the store"),
        # An eighth is fetched seven times: as many bytes as were read, and most were cached.
        ("cold", {"domain": 700, "ufs": 91}, "91 MiB came from the store: the rest was cached"),
        # Read again, and served by the page cache.
        ("warm-fuse", {"remote": 70}, "70 MiB of 100 MiB came over the network"),
        ("warm-fuse", {"remote": 80, "domain": 20}, "20 MiB came over domain sockets"),
        ("warm-fuse", {"remote": 100, "ufs": 30}, "30 MiB came from the store"),
        ("warm-short-circuit", {"remote": 100}, "100 MiB came over the network"),
        (
            "warm-short-circuit",
            {"domain": 50},
            "50 MiB of 100 MiB came over domain sockets or inside",
        ),
        ("warm-s3", {"ufs": 100}, "100 MiB came from the store"),
        ("warm-s3", {"remote": -5}, "a worker was restarted"),
    ],
)
def test_an_arm_that_took_another_path_is_not(name: str, counted: dict[str, int], why: str) -> None:
    bytes_of = {counter: value * MIB for counter, value in counted.items()}
    assert why in "; ".join(benchmark_proof.faults(name, 100 * MIB, bytes_of))


def test_counters_are_waited_for_until_all_is_in_them() -> None:
    assert benchmark_proof.is_counted("direct", 5, {})
    assert not benchmark_proof.is_counted("cold", 5, {"ufs": 4})
    assert benchmark_proof.is_counted("warm-s3", 5, {"local": 2, "remote": 3})
    assert benchmark_proof.seen({"ufs": MIB, "domain": 0}) == "1 MiB from the store"


@pytest.mark.parametrize("ms", [0.1, 1.0, 12.5, 900.0])
def test_a_latency_is_known_to_a_few_percent(ms: float) -> None:
    place = benchmark_reader.latency_class(ms / 1000)
    found = benchmark_result.percentiles({place: 1})
    assert all(math.isclose(value, ms, rel_tol=0.03) for value in found.values())


def test_readers_are_added_up_to_a_run() -> None:
    found = run("direct")
    assert (found["bytes"], found["files"], found["mib_s"], found["files_s"]) == (
        100 * MIB, 100, 50.0, 50.0,
    )  # fmt: skip
    assert 9 < found["p50_ms"] < 11
    assert found["p95_ms"] == found["p50_ms"]
    assert 90 < found["p99_ms"] < 110
    assert (found["reader_cpu"], found["processes"], found["wrong"]) == (0.2, 8, [])


def test_a_file_that_was_not_read_right_spoils_a_run() -> None:
    wrong = run("direct", errors=2, error="d0000/f00000001: 5 of 9 bytes")["wrong"]
    assert wrong == ["4 of 100 files could not be read: d0000/f00000001: 5 of 9 bytes"]
    assert run("direct", files=49)["wrong"] == ["98 of 100 files were read"]


def test_an_arm_of_which_nothing_could_be_read_has_figures_too() -> None:
    nothing: dict[str, Any] = {
        "files": 0,
        "bytes": 0,
        "errors": 50,
        "error": "no way",
        "latencies": {},
    }
    found = arm("cold", **nothing)
    assert (found["mib_s"], found["p99_ms"]) == (0, 0)
    assert found["wrong"][0] == "100 of 100 files could not be read: no way"
    assert benchmark_result.verdict([found, arm("warm-fuse", **nothing)])


def test_the_slowest_reader_tells_how_long_a_run_took() -> None:
    runs = [run("cold", seconds=each) for each in (1.0, 4.0, 2.0)]
    found = benchmark_result.arm_of("cold", runs, NODES)
    assert (found["mib_s"], found["least_mib_s"], found["most_mib_s"]) == (50.0, 25.0, 100.0)
    assert [one["counted"]["ufs"] for one in found["runs"]] == [100 * MIB] * 3
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"node_busy": 0.9}, "the nodes' processors, 90% busy"),
        ({"cpu_s": 7.6}, "the readers themselves: each keeps a processor 95% busy"),
        ({}, "waiting for answers: 8 reads at once of 9."),
    ],
)
def test_what_bounds_an_arm_is_told_from_its_figures(more: dict[str, Any], what: str) -> None:
    assert arm("warm-fuse", **more)["bound"].startswith(what)


def again(name: str, **counted: int) -> dict[str, Any]:
    """An arm of one run, of whose 100 MiB so many were counted."""
    bytes_of = {counter: value * MIB for counter, value in counted.items()}
    one = benchmark_result.run_of(name, [reader("n1"), reader("n2")], bytes_of, SMALL)
    return benchmark_result.arm_of(name, [one], NODES)


def test_bytes_that_were_moved_again_are_told_and_prove_the_path_all_the_same() -> None:
    found = again("warm-fuse", remote=768)
    assert (found["moved"], found["runs"][0]["moved"], found["wrong"]) == (7.68, 7.68, [])
    [_, text, _] = benchmark_result.verdict([again("direct"), found])
    assert text.startswith("warm-fuse moved 7.7 bytes for each byte read (768 MiB over the network")
    table = benchmark_result.table([benchmark_result.workload_of(SMALL, [again("direct"), found])])
    assert table[2].split()[-2:] == ["-", "proven"]
    assert table[3].endswith("    7.7  proven, moved 7.7 times")


@pytest.mark.parametrize(
    ("name", "counted", "times"),
    [
        ("direct", {}, None),
        ("cold", {"ufs": 760, "domain": 640}, 7.6),
        ("cold", {"ufs": 100, "domain": 640}, 6.4),
        ("warm-s3", {"remote": 61, "domain": 40}, 1.01),
    ],
)
def test_what_is_moved_is_what_workers_gave_or_the_store(
    name: str, counted: dict[str, int], times: float | None
) -> None:
    found = again(name, **counted)
    assert found["moved"] == times
    assert bool(found["finding"]) is (times is not None and times > 1.3)


def test_a_proxy_is_told_to_have_read_from_its_own_node_or_others() -> None:
    found = again("warm-s3", remote=61, domain=39)
    assert found["socket_share"] == 0.39
    assert benchmark_result.proof(found) == "proven, 39% over the domain socket"
    assert benchmark_result.proof(again("warm-fuse", remote=100)) == "proven"
    assert benchmark_result.proof(again("warm-s3", ufs=100)) == "NOT PROVEN"


def test_an_arm_that_is_not_proven_is_neither_the_best_nor_compared() -> None:
    fast = again("warm-fuse", domain=100)
    slow = arm("warm-s3", 9.0)
    lines = benchmark_result.verdict([again("direct"), fast, slow])
    assert lines[0].startswith("warm-s3 is 0.2 times as fast as direct")
    assert not any("warm-fuse" in line for line in lines)
    assert benchmark_result.verdict([fast]) == ["no warm arm is proven, so none is compared"]
    spoilt = again("direct", domain=100)
    assert len(benchmark_result.verdict([spoilt, slow])) == 1


def test_the_best_warm_arm_is_compared_with_the_direct_ones() -> None:
    found = report(direct=4.0, direct_slow=20.0, cold=5.0, warm_fuse=3.0, warm_short_circuit=2.0)
    text = found["workloads"][0]["verdict"]
    assert text[:2] == [
        "warm-short-circuit is 10.0 times as fast as direct-slow",
        "warm-short-circuit is 2.0 times as fast as direct",
    ]
    assert text[2].startswith("warm-short-circuit is bound by waiting")
    assert report(direct=1.0)["workloads"][0]["verdict"] == []


def test_what_is_not_proven_is_told() -> None:
    runs = [benchmark_result.run_of("cold", [reader()], {"ufs": 0}, SMALL)]
    workload = benchmark_result.workload_of(SMALL, [benchmark_result.arm_of("cold", runs, ["n1"])])
    wrong = benchmark_result.wrong([workload])
    assert wrong[-1].startswith("small, cold: 0 B of 50 MiB came from the store")
    lines = benchmark_result.table([workload])
    assert "NOT PROVEN" in lines[2]
    told = {
        "wrong": wrong,
        "left": [],
        "slower": ["small, cold: 1"],
        "missing": ["b"],
        "baseline": "/b.json",
    }
    assert benchmark_result.told(told).endswith("slower: small, cold: 1; missing: b")
    assert benchmark_result.gate_lines(told)[-2:] == [
        "  slower    small, cold: 1",
        "  missing   b",
    ]
    well = {"wrong": [], "left": [], "slower": [], "missing": [], "baseline": "/b.json"}
    assert benchmark_result.told(well) == ""
    assert benchmark_result.gate_lines(well) == [
        "  baseline  every arm of /b.json is there, and none is slower"
    ]
    left = {**well, "left": ["small: 1 bytes are still cached; not measured after that: large"]}
    assert benchmark_result.told(left) == f"not freed: {left['left'][0]}"
    assert benchmark_result.gate_lines(left) == [f"  left      {left['left'][0]}"]


def test_a_table_has_a_line_an_arm() -> None:
    lines = benchmark_result.table(report(direct=4.0, cold=2.0)["workloads"])
    assert lines[0] == "  small: 100 files of 1 MiB"
    assert lines[2].split()[:3] == ["direct", "25.0", "25.0"]
    assert lines[3].split()[0] == "cold"
    assert lines[3].endswith("proven")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "workloads": [{}]}'])
def test_what_is_no_report_is_no_baseline(text: str) -> None:
    with pytest.raises(SettingsError, match="no report of a benchmark"):
        benchmark_gate.parse(text, "/b.json")


def test_a_report_is_written_and_found_again(tmp_path: Path) -> None:
    folder = benchmark_files.folder(str(tmp_path / "new"), "cache", "alluxio")
    first, second = report(direct=2.0), report(direct=1.0)
    page = benchmark_page.page(first, [])
    path = benchmark_files.write(folder, first, page, datetime(2026, 11, 26, 21, 0, tzinfo=UTC))
    assert path.name == "2026-11-26T21-00-00Z.html"
    assert path.stat().st_mode & 0o777 == 0o600
    assert benchmark_files.read_baseline(str(path.with_suffix(".json"))) == first
    (folder / "other.json").write_text("{}")
    assert benchmark_files.earlier(folder) == [first]
    assert "run after run" in benchmark_page.page(second, benchmark_files.earlier(folder))
    assert benchmark_files.read_baseline("") is None


def test_a_page_needs_nothing_else_and_says_all() -> None:
    found = report(direct=4.0, cold=5.0, warm_fuse=3.0)
    document = {**measured(100).as_dict(), "figures": network_report.figures(measured(100))}
    found |= {"network": {**document, "made_at": "2026-11-26"}, "wrong": ["small, cold: <why>"]}
    found |= {"left": ["small: /x stays"]}
    page = benchmark_page.page(found, [])
    assert page.count("<svg") == 2
    assert "src=" not in page
    assert "href=" not in page.replace("xlink:href", "")
    for text in (
        "no proxy serves on n1 &amp; n2",
        "&lt;why&gt;",
        "100 MiB from the store",
        "small: /x stays",
        "warm-fuse",
    ):
        assert text in page
    assert "Throughput between nodes" in page


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for given, why in (
        ("relative", "give an absolute path"),
        (str(tmp_path / "file"), r"benchmark_report is '.*file', and .*file cannot be written to"),
    ):
        with pytest.raises(SettingsError, match=why):
            benchmark_files.folder(given, "n", "r")
    with pytest.raises(SettingsError, match="cannot be read"):
        benchmark_files.read_baseline(str(tmp_path / "none.json"))
