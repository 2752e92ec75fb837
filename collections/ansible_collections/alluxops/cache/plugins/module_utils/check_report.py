"""What a check has found, as a file for programs and a few lines for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import consistency, repair_plan
from ansible_collections.alluxops.cache.plugins.module_utils.check_targets import Part
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import Compared, Finding
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human

Mode = Literal["sample", "all", "none"]
SAMPLE: Final = "sample"
NONE: Final = "none"
MODES: Final = (SAMPLE, "all", NONE)

FORMAT: Final = 1
SHOWN: Final = 10
"""Findings that the summary has; the report has all."""


@dataclass
class Content:
    """How far reading is. read: files of this run; earlier: those that an interrupted run has proven.

    store_files: those that had to be read from the store too, as it does not tell their digest.
    """

    files: int = 0
    bytes: int = 0
    read: int = 0
    read_bytes: int = 0
    earlier: int = 0
    store_files: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What a check is about, and what makes it the same check as another one."""

    paths: tuple[str, ...]
    content: Mode
    sample: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """For the report; without what has no effect."""
        found: dict[str, Any] = {"paths": list(self.paths), "content": self.content}
        if self.content == SAMPLE:
            found |= {"sample": self.sample, "seed": self.seed}
        return found


@dataclass(frozen=True)
class Outcome:
    """All that a check has found."""

    asked: Asked
    parts: Sequence[Part]
    compared: Compared
    content: Content

    @property
    def findings(self) -> list[Finding]:
        """By path."""
        found = [*self.compared.findings, *self.content.findings]
        return sorted(found, key=lambda finding: finding.path)


def report(outcome: Outcome, cache: str, made_at: str) -> dict[str, Any]:
    """What the file holds. cache: NAMESPACE/RELEASE; made_at: ISO 8601."""
    compared, content = outcome.compared, asdict(outcome.content)
    del content["findings"]
    return {
        "format": FORMAT,
        "cache": cache,
        "made_at": made_at,
        "asked": outcome.asked.as_dict(),
        "parts": [{"path": part.path, "ufs": f"{part.ufs}/"} for part in outcome.parts],
        "same_files": len(compared.same),
        "same_bytes": sum(file.bytes for file in compared.same),
        "not_cached_files": _not_cached(compared),
        "only_cached": [file.path for file in compared.only_cached],
        "unknown_files": compared.unknown,
        "unfinished_files": compared.unfinished,
        "content": content,
        "counts": consistency.counts(outcome.findings),
        "findings": [asdict(finding) for finding in outcome.findings],
    }


def _not_cached(compared: Compared) -> int:
    return sum(not file.cached_bytes for file in compared.same if file.bytes)


def summary(outcome: Outcome, head: str, path: str) -> list[str]:
    """The lines: what was compared, what was read, what was found, where the report is."""
    compared = outcome.compared
    size = sum(file.bytes for file in compared.same)
    lines = [head]
    lines += [_row("compared", f"{part.path} with {part.ufs}/") for part in outcome.parts[:SHOWN]]
    lines.append(
        _row("names", f"{counted(len(compared.same), 'file')} ({human(size)}): same size and hash")
    )
    lines.append(_row("content", _content(outcome)))
    notes = [
        (len(compared.only_cached), "only in the cache: written there, and in no under store"),
        (compared.unknown, "in directories of the store that nobody has listed in the cache yet"),
        (compared.unfinished, "being written, not compared"),
    ]
    lines += [_row("note", f"{counted(number, 'file')} {what}") for number, what in notes if number]
    lines += found_lines(outcome.findings)
    return [*lines, _row("report", path)] if path else lines


def told(findings: Sequence[Finding]) -> str:
    """How many of each kind."""
    counts = consistency.counts(findings)
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def found_lines(findings: Sequence[Finding], name: str = "findings") -> list[str]:
    """How many of each kind, and the first of them."""
    if not findings:
        return [_row(name, "none")]
    width = max(len(finding.kind) for finding in findings)
    lines = [_row(name, told(findings))]
    lines += [f"    {one.kind:<{width}}  {one.path}: {one.detail}" for one in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"    and {len(findings) - SHOWN} more")
    return lines


def _content(outcome: Outcome) -> str:
    content = outcome.content
    if outcome.asked.content == NONE:
        return "not read"
    right = content.files - len(content.findings)
    text = f"{right} of {counted(content.files, 'file')} ({human(content.bytes)}) same digest"
    if content.earlier:
        text += f", {content.earlier} of them proven by the interrupted run before"
    if content.store_files:
        text += f", {content.store_files} read from the store too"
    left = _not_cached(outcome.compared)
    return f"{text}, {counted(left, 'file')} not cached" if left else text


def repaired(
    outcome: Outcome, head: str, steps: Sequence[str], left: Sequence[Finding], path: str
) -> list[str]:
    """The lines of a repair. steps: what was done, or would be."""
    lines = [
        *summary(outcome, head, ""),
        _row("steps", str(len(steps)) if steps else "nothing to change"),
    ]
    lines += [f"    {step}" for step in steps[:SHOWN]]
    if len(steps) > SHOWN:
        lines.append(f"    and {len(steps) - SHOWN} more")
    if left:
        lines += found_lines(left, "left")
        whys = dict.fromkeys(f"{one.kind}: {repair_plan.why_left(one)}" for one in left)
        lines += [_row("", why) for why in whys]
    return [*lines, _row("report", path)]


def _row(name: str, text: str) -> str:
    return f"  {name:<9} {text}"


def totals(outcome: Outcome) -> Mapping[str, int]:
    """For scripts: how much was looked at."""
    return {
        "files": len(outcome.compared.same),
        "bytes": sum(file.bytes for file in outcome.compared.same),
        "read_files": outcome.content.read,
        "read_bytes": outcome.content.read_bytes,
    }
