"""Reading what the proofs of a cache print: runTests, checkConsistency, digests and the workers' byte counters.

Pure functions over text and JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import explain
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

Json = dict[str, Any]

TESTS_LEFTOVER = "/default_tests_files"
"""Where `alluxio runTests` leaves its files."""

WRITTEN = "written"
"""Scope of a comparison with the under store: only what the proof itself wrote."""

COUNTERS = {
    "remote": "Worker.BytesReadRemote",
    "local": "Worker.BytesReadDirect",
    "domain": "Worker.BytesReadDomain",
    "ufs": "Worker.BytesReadPerUfs",
    "written_remote": "Worker.BytesWrittenRemote",
    "written_domain": "Worker.BytesWrittenDomain",
    "written_direct": "Worker.BytesWrittenDirect",
}

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_TEST = re.compile(r"^\s*runTest\s+(.+)$")
_PASSED = re.compile(r"Passed the test")
_FAILED = re.compile(r"Failed the test")
_CONSISTENT = re.compile(r"^(.+) is consistent with the under storage system\.?$")
_INCONSISTENT_HEADER = re.compile(r"(?i)following files are inconsistent|inconsistent files")
_JVM_OPTIONS = re.compile(r"^Picked up JAVA_TOOL_OPTIONS")
_SECTION = re.compile(r"^=== (\S+) ?(.*)$")


def sections(text: str) -> dict[str, str]:
    """Split what one shell printed for several commands, each begun by a line `=== NAME`; order kept.

    A line `=== NAME.rc CODE` gives the command's exit code as text.
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        header = _SECTION.match(line)
        if header:
            current = found.setdefault(header.group(1), [])
            if header.group(2):
                current.append(header.group(2))
        else:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def spoken(text: str) -> list[str]:
    """The lines that a failed proof has to say: without colours, our own marks and the tests that passed."""
    lines = [line.rstrip() for line in _ANSI.sub("", text).splitlines()]
    return [
        line
        for line in lines
        if line.strip()
        and not any(noise.search(line) for noise in (_SECTION, _TEST, _PASSED, _JVM_OPTIONS))
    ]


def parse_run_tests(text: str) -> Json:
    """{passed, total, failed: [options of each failed test], cause} of `alluxio runTests`; cause where one is known.

    Raises CacheError when it ran no test at all, with its last lines.
    """
    passed, failed, current = 0, [], ""
    for line in _ANSI.sub("", text).splitlines():
        began = _TEST.match(line)
        if began:
            current = began.group(1).strip()
        elif _PASSED.search(line):
            passed += 1
        elif _FAILED.search(line):
            failed.append(current)
    if not passed and not failed:
        raise CacheError(
            "alluxio runTests ran no test.",
            "\n".join(spoken(text)[-5:]),
            "see the master's log; it needs a live worker and a writable root.",
        )
    known = explain.known_cause([text]) if failed else None
    cause = f"{known[1]} Fix: {known[2]}" if known else ""
    return {"passed": passed, "total": passed + len(failed), "failed": failed, "cause": cause}


def parse_consistency(text: str, path: str, answers: int = 1) -> Json:
    """{path, inconsistent: [paths]} of `alluxio fs checkConsistency`, whose exit code is 0 either way.

    answers: how many times it was run, one after the other. Raises CacheError where one of them says neither, with the
    last line.
    """
    lines = [line.strip() for line in _ANSI.sub("", text).splitlines() if line.strip()]
    inconsistent: list[str] = []
    answered, listing = 0, False
    for line in lines:
        if _CONSISTENT.match(line):
            answered, listing = answered + 1, False
        elif _INCONSISTENT_HEADER.search(line):
            answered, listing = answered + 1, True
        elif listing and line.startswith("/"):
            inconsistent.append(line)
    if answered >= answers:
        return {"path": path, "inconsistent": inconsistent}
    raise CacheError(
        f"alluxio fs checkConsistency {path} did not say whether it is consistent.",
        lines[-1] if lines else "it printed nothing.",
        "see the leader's log.",
    )


def unfinished(consistency: Mapping[str, Any] | None) -> str:
    """That a comparison was ended before it was done, in words; empty where it was not."""
    if not consistency or consistency.get("finished", True):
        return ""
    return f"consistency not finished within {consistency['timeout_s']} s ({consistency['path']})"


def parse_digest(text: str) -> str | None:
    """The SHA-256 that sha256sum printed; None when there is none."""
    found = re.search(r"\b([0-9a-f]{64})\b", text)
    return found.group(1) if found else None


def byte_counters(metrics: str | None) -> dict[str, int]:
    """Byte counters of a worker, by the names of COUNTERS, from its /metrics/json/; 0 where it has none yet."""
    found = dict.fromkeys(COUNTERS, 0)
    try:
        counters = json.loads(metrics or "{}").get("counters") or {}
    except ValueError:
        return found
    for metric, value in counters.items():
        for name, prefix in COUNTERS.items():
            # A metric may carry its worker's or under store's name as a further part.
            if metric == prefix or metric.startswith(prefix + "."):
                found[name] += int(value.get("count", 0))
    return found


def counted(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """How far each counter went."""
    return {name: after.get(name, 0) - before.get(name, 0) for name in COUNTERS}


def is_persisted(listing: str) -> bool:
    """Whether `alluxio fs ls` of one file shows it as written to the under store."""
    return re.search(r"\bPERSISTED\b", listing) is not None and "NOT_PERSISTED" not in listing
