"""What to do about findings, so that the cache follows its store again. Pure.

Nothing is ever written to a store. What was written to the cache only is never dropped: it is left, and told. What a
store had and has no more, whole files or their ends, is dropped, unless that is so much that the store or the mount may
be what is wrong.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils.check_targets import (
    Part,
    holder,
    is_below,
)
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import (
    ADDED,
    BATCH_BYTES,
    CHANGED,
    CLASH,
    DIFFERS,
    IN_STORE,
    LOST,
    MISSING,
    TRUNCATED,
    UNREADABLE,
    File,
    Finding,
)

Kind = Literal["follow", "forget", "evict", "load", "settings"]
_SHOWN: Final[Mapping[Kind, str]] = {
    "follow": "learn it from the store again",
    "forget": "forget it",
    "evict": "drop what is cached of it",
    "load": "load it",
    "settings": "set again what an interrupted repair has left unset",
}
_FOLLOWED: Final = (CHANGED, TRUNCATED, ADDED)
_LESS: Final = (MISSING, TRUNCATED)
"""What a store has less of than the cache. A new version that is no shorter is a store's normal work."""
FORGETS: Final = "repair_forgets"
MUCH_PERCENT: Final = 10
"""More of a part's files than this share may not be missing or truncated, but for one, which any part may lack."""
MUCH_BYTES: Final = 1024**3
"""Nor may workers hold more than so much of these: it may be the only copy."""
SHARE: Final = 4
"""Of what all workers hold, a batch takes one part of so many."""
NOTE_LIMIT_BYTES: Final = 900_000
"""What a ConfigMap takes is 1 MiB."""


@dataclass(frozen=True)
class Kept:
    """What users have set for a file, and a repair may take from it: pins, replicas, a TTL."""

    path: str
    is_pinned: bool = False
    media: tuple[str, ...] = ()
    min_copies: int = 0
    max_copies: int = -1
    ttl_ms: int = -1
    ttl_action: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing is set."""
        return self == Kept(self.path, ttl_action=self.ttl_action)

    def lacks(self, now: Kept) -> dict[str, Any]:
        """The attributes to set, by their names in SetAttributePOptions, where a file has less than it had."""
        found: dict[str, Any] = {}
        if self.is_pinned and not (now.is_pinned and set(self.media) <= set(now.media)):
            found |= {"pinned": True, "pinnedMedia": list(self.media)}
        if self.min_copies > max(now.min_copies, 1):
            found["replicationMin"] = self.min_copies
        if self.max_copies != now.max_copies:
            found["replicationMax"] = self.max_copies
        if self.ttl_ms != -1 and now.ttl_ms == -1:
            options = {"ttl": self.ttl_ms, "ttlAction": self.ttl_action}
            found["commonOptions"] = options
        return found


@dataclass(frozen=True)
class Step:
    """What is done to one file. loads: whether it is loaded afterwards."""

    path: str
    kind: Kind
    loads: bool = False

    @property
    def shown(self) -> str:
        """A line for people."""
        also = f", {_SHOWN['load']}" if self.loads and self.kind != "load" else ""
        return f"{self.path}: {_SHOWN[self.kind]}{also}"


@dataclass(frozen=True)
class Plan:
    """The steps, and what no step can mend."""

    steps: tuple[Step, ...]
    left: tuple[Finding, ...]

    @property
    def shown(self) -> list[str]:
        """A line a step."""
        return [step.shown for step in self.steps]


def kept_of(file: File) -> Kept:
    """What is set for a file."""
    return Kept(
        file.path,
        file.is_pinned,
        file.media,
        file.min_copies,
        file.max_copies,
        file.ttl_ms,
        file.ttl_action,
    )


def doubtful(
    findings: Iterable[Finding],
    known: Mapping[str, File],
    stored: Collection[str],
    parts: Iterable[Part],
    forgets: Collection[str],
) -> set[str]:
    """The missing and truncated files that are left, since a store that fails or a stale mount looks like that.

    They are of a part of which the store has no file whole, or lacks many, or much that workers still hold.
    forgets: paths that are confirmed.
    """
    tops = {part.path: part for part in parts}

    def part_of(path: str) -> str:
        part = holder(tops, path)
        return part.path if part else ""

    lacking: dict[str, list[str]] = {}
    for one in findings:
        if one.kind in _LESS:
            lacking.setdefault(part_of(one.path), []).append(one.path)
    files = Counter(part_of(path) for path, file in known.items() if file.is_persisted)
    less = {path for paths in lacking.values() for path in paths}
    filled = {part_of(path) for path in stored if path not in less}
    found = [
        path
        for top, paths in lacking.items()
        if top not in filled
        or len(paths) > max(1, files[top] * MUCH_PERCENT / 100)
        or sum(known[path].cached_bytes for path in paths) > MUCH_BYTES
        for path in paths
    ]
    return {path for path in found if not any(is_below(path, top) for top in forgets)}


def plan(
    findings: Sequence[Finding],
    known: Mapping[str, File],
    must_be_cached: Callable[[str], bool],
    owed: Iterable[str] = (),
    kept: Collection[str] = (),
) -> Plan:
    """Decide for each finding. owed: paths whose settings an interrupted repair has noted and not given back.

    kept: what is left though it is missing or truncated.
    """
    steps: list[Step] = []
    left: list[Finding] = []
    for finding in findings:
        file = known.get(finding.path)
        if finding.path in kept or not _can_be_mended(finding, file):
            left.append(finding)
            continue
        was_cached = file is not None and (file.cached_bytes > 0 or file.is_pinned)
        loads = was_cached or must_be_cached(finding.path)
        if finding.kind in _FOLLOWED:
            steps.append(Step(finding.path, "follow", loads))
        elif finding.kind == MISSING:
            steps.append(Step(finding.path, "forget"))
        elif finding.kind == LOST:
            steps.append(Step(finding.path, "load", loads=True))
        elif finding.kind in (DIFFERS, UNREADABLE):
            steps.append(Step(finding.path, "evict", loads=True))
    touched = {step.path for step in steps}
    steps += [Step(path, "settings") for path in sorted(owed) if path not in touched]
    return Plan(tuple(steps), tuple(left))


def _can_be_mended(finding: Finding, file: File | None) -> bool:
    if finding.kind == ADDED:
        return file is None
    if finding.kind == CLASH or file is None or not (file.is_persisted and file.is_complete):
        return False
    return not _is_of_store(finding)


def _is_of_store(finding: Finding) -> bool:
    return finding.kind == UNREADABLE and finding.detail.startswith(IN_STORE)


def why_left(finding: Finding) -> str:
    """What its owner can do about a finding that stays."""
    if finding.kind == CLASH:
        return "rename one of the two: whichever the other replaces is lost"
    if finding.kind == LOST:
        return "write it again, or remove it: what is lost of it is nowhere"
    if finding.kind in _LESS:
        return (
            "left where much or all is missing or truncated at once: see that the store and `ufs` of the mount are"
            " right; if what is cached is to be dropped, name its path:"
            f' -e \'{{"{FORGETS}": ["/DIRECTORY"]}}\'; else run `repair` again'
        )
    if _is_of_store(finding):
        return "see the store: it does not give the file now, so what is cached of it stays"
    return "run `repair` again, and see `alluxops status`"


def batch_bytes(capacity_bytes: int) -> int:
    """How much is loaded at once: it must stay cached until it was seen whole, and blocks do not spread evenly.

    capacity_bytes: of all workers; 0 where it is not known.
    """
    return min(BATCH_BYTES, capacity_bytes // SHARE or BATCH_BYTES)


def packed(kept: Iterable[Kept]) -> str:
    """The note of what is to be given back: as much of it as a ConfigMap takes."""
    lines: list[str] = []
    size = 0
    for one in kept:
        line = json.dumps(
            [
                one.path,
                one.is_pinned,
                one.media,
                one.min_copies,
                one.max_copies,
                one.ttl_ms,
                one.ttl_action,
            ]
        )
        size += len(line) + 1
        if size > NOTE_LIMIT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)


def unpacked(text: str) -> dict[str, Kept]:
    """What a note says, by path."""
    found: dict[str, Kept] = {}
    for line in text.splitlines():
        path, is_pinned, media, least, most, ttl_ms, action = json.loads(line)
        found[path] = Kept(path, is_pinned, tuple(media), least, most, ttl_ms, action)
    return found
