"""The report as lines that can be pasted in a ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human
from ansible_collections.alluxops.cache.plugins.module_utils.verification import (
    WRITTEN,
    unfinished,
)

PLATFORMS = {"openshift": "OpenShift", "kubernetes": "Kubernetes"}
WIDTH = 64


def duration(seconds: float) -> str:
    """A duration for people: 132 -> "2 min 12 s"."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def summary(
    report: Mapping[str, Any],
    *,
    changed: int = -1,
    elapsed_s: float = -1.0,
    root_ufs: str = "",
    journals: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Lines about a cache: what it is, masters, workers, proofs, what is open, problems, notes, what next.

    changed and elapsed_s of the run are left out when negative.
    """
    cluster = report["cluster"]
    platform = PLATFORMS.get(cluster["platform"], cluster["platform"])
    title = f"{report['release']} in {report['namespace']} ({platform} {cluster['version']})"
    run = []
    if elapsed_s >= 0:
        run.append(duration(elapsed_s))
    if changed >= 0:
        run.append(f"{changed} changed")
    lines = [f"{title:<{WIDTH}}{', '.join(run)}".rstrip()]
    rows = [
        ("masters", _masters(report, journals)),
        ("quorum", (report.get("quorum") or {}).get("shown", "")),
        ("workers", _workers(report)),
        ("verify", _verify(report.get("verify"), root_ufs)),
        ("version", f"Alluxio {report['version']}" if report.get("version") else ""),
        ("web", " ".join(report.get("endpoints") or [])),
        ("state", "healthy" if report["healthy"] else "not healthy"),
    ]
    lines += [f"  {name:<9} {text}" for name, text in rows if text]
    lines += [f"  problem   {text}" for text in report["problems"]]
    lines += [f"  note      {text}" for text in report.get("notes") or []]
    if report["healthy"]:
        lines.append(
            "  open      alluxops dashboard          (http://127.0.0.1:19999, this machine only)"
        )
    return lines


def _masters(report: Mapping[str, Any], journals: Sequence[Mapping[str, Any]]) -> str:
    masters = report["masters"]
    if not masters:
        return "none"
    ready = sum(1 for master in masters if _is_full(master["ready"]))
    shown = ", ".join(
        f"{master['pod']} on {master['node'] or 'no node'} {master['ready']}"
        + (", leader" if master["role"] == "leader" else "")
        for master in masters
    )
    word = "journal" if len(masters) == 1 else "journals"
    notes = [
        f", {word} {done} by this run"
        for key, done in (("formatted_now", "formatted"), ("adopted_now", "adopted"))
        if any(journal.get(key) for journal in journals)
    ]
    note = "".join(notes)
    return f"{ready}/{_wanted(report, 'masters')}  {shown}{note}"


def _workers(report: Mapping[str, Any]) -> str:
    workers = report["workers"]
    if not workers:
        return "none"
    live = [worker for worker in workers if worker["registered"] and _is_full(worker["ready"])]
    sizes = sorted({worker["capacity_bytes"] for worker in live})
    used = sum(worker["used_bytes"] for worker in live)
    size = ""
    if sizes:
        each = human(sizes[0]) if len(sizes) == 1 else f"{human(sizes[0])} to {human(sizes[-1])}"
        size = f", {each} each, {human(used)} used"
    nodes = " ".join(sorted(worker["node"] or "?" for worker in workers))
    return f"{len(live)}/{_wanted(report, 'workers')}  {nodes}{size}"


def _wanted(report: Mapping[str, Any], what: str) -> int:
    """How many there should be; those that are there where they are more, as while their number is lowered."""
    return max(int((report.get("wanted") or {}).get(what, 0)), len(report[what]))


def _verify(verify: Mapping[str, Any] | None, root_ufs: str) -> str:
    if not verify:
        return ""
    parts = []
    tests = verify.get("run_tests")
    if tests:
        parts.append(f"runTests {tests['passed']}/{tests['total']}")
    proof = verify.get("write_read")
    if proof:
        same = "same digest" if proof["digest_equal"] else "DIFFERENT digest"
        parts.append(f"write {proof['writer']}, read {proof['reader']}: {same}")
    consistency = verify.get("consistency")
    if consistency:
        parts.append(_consistency(consistency, root_ufs or "the under store"))
    return " · ".join(parts)


def _consistency(consistency: Mapping[str, Any], where: str) -> str:
    if words := unfinished(consistency):
        return words
    count = len(consistency["inconsistent"])
    if count:
        return f"{count} path{'s differ' if count > 1 else ' differs'} from {where}"
    if consistency.get("scope") == WRITTEN:
        return f"both files are in {where}"
    path = consistency["path"]
    return f"consistent with {where}" + ("" if path == "/" else f" in {path}")


def _is_full(ready: str) -> bool:
    done, _, total = ready.partition("/")
    return done == total and total not in {"", "0"}
