"""A check's findings, for programs and for people."""

from __future__ import annotations

import json
from dataclasses import replace

from ansible_collections.alluxops.cache.plugins.module_utils import check_report, consistency
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import (
    Asked,
    Content,
    Outcome,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_targets import Part
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import Compared, Finding
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from tests.unit.cache.check_cases import FILE, file_at

PART = Part("/d", Mount("/d", "s3://b", True, False))
COMPARED = Compared((), (FILE, file_at("/d/cold", cached_bytes=0)), (), 0, 0)
GOOD = Outcome(
    Asked(("/d",), "all", 200, 0), (PART,), COMPARED, Content(1, 7, read=1, read_bytes=7)
)
FOUND = [Finding(f"/d/{n:02}", consistency.CHANGED, "why") for n in range(12)]
BAD = replace(
    GOOD,
    compared=replace(COMPARED, findings=tuple(FOUND), only_cached=(file_at("/d/own"),), unknown=3),
    content=Content(
        2, 14, 1, 7, earlier=1, store_files=1,
        findings=[Finding("/d/a", consistency.DIFFERS, "MD5 ...")],
    ),
)  # fmt: skip


def test_a_good_cache_is_told_in_five_lines() -> None:
    assert check_report.summary(GOOD, "cache check", "/x.json") == [
        "cache check",
        "  compared  /d with s3://b/",
        "  names     2 files (14 B): same size and hash",
        "  content   1 of 1 file (7 B) same digest, 1 file not cached",
        "  findings  none",
        "  report    /x.json",
    ]


def test_findings_are_counted_and_the_first_shown() -> None:
    lines = check_report.summary(BAD, "cache check", "/x.json")
    assert "  findings  12 changed, 1 content differs" in lines
    assert "    changed          /d/00: why" in lines
    assert "    and 3 more" in lines
    assert "  note      1 file only in the cache: written there, and in no under store" in lines
    assert any("proven by the interrupted run before" in line for line in lines)
    assert any("1 read from the store too" in line for line in lines)


def test_content_that_was_not_asked_for_is_not_told_as_right() -> None:
    asked = Asked((), "none", 200, 0)
    lines = check_report.summary(replace(GOOD, asked=asked, content=Content()), "x", "")
    assert "  content   not read" in lines


def test_the_report_has_every_finding() -> None:
    report = check_report.report(BAD, "ns/cache", "2026-01-01T00:00:00+00:00")
    assert json.loads(json.dumps(report)) == report
    assert len(report["findings"]) == 13
    assert report["counts"] == {"changed": 12, "content differs": 1}
    assert report["asked"] == {"paths": ["/d"], "content": "all"}
    assert (report["only_cached"], report["unknown_files"]) == (["/d/own"], 3)
    assert report["content"]["earlier"] == 1


def test_a_sample_says_which() -> None:
    assert Asked((), "sample", 20, 3).as_dict() == {
        "paths": [], "content": "sample", "sample": 20, "seed": 3,
    }  # fmt: skip


def test_a_repair_tells_its_steps_and_what_is_left() -> None:
    left = [Finding("/d/x", consistency.CLASH, "two")]
    lines = check_report.repaired(BAD, "cache repair", ["/d/00: load it"], left, "/x.json")
    assert lines[-6:] == [
        "  steps     1",
        "    /d/00: load it",
        "  left      1 two versions",
        "    two versions  /d/x: two",
        "            two versions: rename one of the two: whichever the other replaces is lost",
        "  report    /x.json",
    ]
    idle = check_report.repaired(GOOD, "cache repair", [], [], "/x.json")
    assert idle[-2:] == ["  steps     nothing to change", "  report    /x.json"]
