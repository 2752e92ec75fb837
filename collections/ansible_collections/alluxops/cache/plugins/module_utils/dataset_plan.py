"""What is left to do for a dataset, from what is declared and what the cache has. Pure.

Steps are few and each may be done twice, so that a run that was interrupted is taken up by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_state
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import (
    Actual,
    Mount,
    Totals,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import (
    ABSENT,
    FREED,
    PRESENT,
    Dataset,
)

Kind = Literal["unmount", "mount", "unpin", "pin", "replicate", "ttl", "free", "load"]
COPIES: Final = frozenset({"pin", "replicate"})
"""What has Alluxio copy by itself. It comes after a load: where a load has just brought the block, the copy fails, and
Alluxio then unpins the file and takes back its number of copies."""
NO_TTL_MS: Final = -1
NOT_MOUNTED: Final = "not mounted"
NOT_KNOWN: Final = "not known to the cache"


@dataclass(frozen=True)
class Step:
    """One thing to do to a dataset, and how it is told. ttl_ms: what a step `ttl` sets."""

    kind: Kind
    shown: str
    ttl_ms: int = NO_TTL_MS


@dataclass(frozen=True)
class Plan:
    """The steps of a dataset. before, after: what differs, as a diff shows it. notes: what is worth saying."""

    dataset: Dataset
    steps: tuple[Step, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def has(self, kind: Kind) -> bool:
        """Whether there is such a step."""
        return any(step.kind == kind for step in self.steps)

    @property
    def shown(self) -> list[str]:
        """A line a step."""
        return [f"{self.dataset.name}: {step.shown}" for step in self.steps]


def differs(one: Dataset, mount: Mount) -> list[str]:
    """How a mount differs from its dataset. What Alluxio shows masked cannot be compared, only whether it is there."""
    wanted = {
        "ufs": one.ufs,
        "read_only": one.read_only,
        "shared": one.shared,
        "options": dict(one.options),
        "credentials": bool(one.secret),
    }
    found = {
        "ufs": mount.ufs,
        "read_only": mount.read_only,
        "shared": mount.shared,
        "options": dict(mount.options),
        "credentials": mount.has_credentials,
    }
    return [
        f"{key} is {found[key]!r}, declared {wanted[key]!r}"
        for key in wanted
        if wanted[key] != found[key]
    ]


def is_over(one: Dataset, actual: Actual, now_ms: int) -> bool:
    """Whether the time of a dataset is over: Alluxio counts from when the path was made known to it."""
    top = actual.top
    return bool(one.ttl_s and top and top.created_ms + one.ttl_s * 1000 <= now_ms)


def plan(one: Dataset, actual: Actual, now_ms: int, *, remounts: bool = False) -> Plan:
    """The steps that are left. remounts: whether a mount may be made anew. What is refused, dataset_refuse tells."""
    if one.state == ABSENT:
        return _absent(one, actual)
    steps: list[Step] = []
    notes: list[str] = []
    before = {one.name: _told(one, actual)}
    if remounts and actual.mount and one.ufs:
        steps.append(Step("unmount", f"unmount {one.path}, with all that is cached of it"))
        actual = Actual()
    if one.ufs and actual.mount is None:
        steps.append(Step("mount", f"mount {one.ufs}/ at {one.path} ({_mode(one)})"))
        actual = Actual()
    over = is_over(one, actual, now_ms)
    if over and actual.top:
        ended = datetime.fromtimestamp(actual.top.created_ms / 1000 + one.ttl_s, UTC)
        notes.append(f"its ttl was over at {ended:%Y-%m-%d %H:%M} UTC, so it is not loaded")
    totals = dataset_state.totals(actual.files, one.load)
    loads = one.state == PRESENT and bool(one.load) and not over
    loads = loads and (actual.top is None or not totals.is_loaded)
    attributes = _attributes(one, actual, over=over, loads=loads)
    steps += [step for step in attributes if step.kind not in COPIES]
    if loads:
        where = ", ".join(one.load)
        missing = f": {totals.files - totals.loaded_files} files" if actual.top else ""
        steps.append(Step("load", f"load {where}{missing}"))
    steps += [step for step in attributes if step.kind in COPIES]
    if one.state == FREED:
        cached = dataset_state.totals(actual.files).cached_bytes
        if cached:
            steps.append(Step("free", f"free {cached} bytes of the cache"))
    return Plan(
        one,
        tuple(steps),
        before,
        {one.name: _wanted(one, actual, steps)},
        tuple(notes),
    )


def _absent(one: Dataset, actual: Actual) -> Plan:
    """Unmounted; of a directory that is no mount, only what was set is taken back."""
    before = {one.name: _told(one, actual)}
    if one.ufs:
        steps: tuple[Step, ...] = ()
        if actual.mount:
            steps = (Step("unmount", f"unmount {one.path}; {one.ufs}/ keeps everything"),)
        return Plan(one, steps, before, {one.name: NOT_MOUNTED})
    steps = tuple(_attributes(one, actual, over=False)) if actual.top else ()
    return Plan(one, steps, before, {one.name: _wanted(one, actual, steps)})


def _attributes(one: Dataset, actual: Actual, *, over: bool, loads: bool = False) -> list[Step]:
    """Pin, replication and TTL. A path that is yet to be made has none of them, and a load may cost a file its pin."""
    steps = []
    top = actual.top
    wants = one.state == PRESENT
    pin, media = wants and one.pin, one.media if wants else ()
    are_pinned = [item.is_pinned for item in actual.files]
    is_pinned = bool(top and top.is_pinned)
    unpins = not pin and (is_pinned or any(are_pinned))
    pins = pin and (loads or not is_pinned or not all(are_pinned) or (top and top.media != media))
    if unpins:
        steps.append(Step("unpin", "unpin"))
    if pins:
        steps.append(Step("pin", f"pin to {', '.join(media)}" if media else "pin"))
    least, most = replication(one)
    comes = {
        (_copies(item.replication_min, pins=bool(pins), unpins=unpins), item.replication_max)
        for item in actual.files
    }
    anew = top is None or loads
    if comes - {(least, most)} or (anew and (least > 1 or most != -1)):
        limit = "any number" if most == -1 else str(most)
        steps.append(Step("replicate", f"keep each block on {least} to {limit} of the workers"))
    ttl_ms = one.ttl_s * 1000 if wants and one.ttl_s else NO_TTL_MS
    found_ms = top.ttl_ms if top else NO_TTL_MS
    frees = top is None or top.ttl_action == "FREE"
    # One that is over Alluxio has served and forgotten: set again, it would free at once.
    is_served = over and found_ms == NO_TTL_MS
    if not is_served and (found_ms != ttl_ms or (ttl_ms != NO_TTL_MS and not frees)):
        shown = f"free it {one.ttl_s} s after it was made known" if ttl_ms > 0 else "no ttl"
        steps.append(Step("ttl", shown, ttl_ms))
    return steps


def replication(one: Dataset) -> tuple[int, int]:
    """(least, most) workers that hold a block. In Alluxio what is pinned has one at least, and nothing else has any."""
    if one.state != PRESENT:
        return 0, -1
    return max(one.replication_min, 1 if one.pin else 0), one.replication_max


def _copies(least: int, *, pins: bool, unpins: bool) -> int:
    """What pinning and unpinning make of the least number of copies."""
    if unpins:
        return 0
    return max(least, 1) if pins else least


def _mode(one: Dataset) -> str:
    words = ["read-only" if one.read_only else "writable"]
    words += ["shared"] if one.shared else []
    words += [f"credentials of Secret {one.secret}"] if one.secret else []
    return ", ".join(words)


def _told(one: Dataset, actual: Actual) -> Any:
    """What the cache has, as the diff shows it."""
    mount, top = actual.mount, actual.top
    if one.ufs and mount is None:
        return NOT_MOUNTED
    if top is None:
        return NOT_KNOWN
    found: dict[str, Any] = {"path": one.path}
    if mount and one.ufs:
        found |= {
            "ufs": f"{mount.ufs.rstrip('/')}/",
            "read_only": mount.read_only,
            "shared": mount.shared,
            "options": dict(sorted(mount.options.items())),
        }
    found["pin"] = (list(top.media) or True) if top.is_pinned else False
    found["replication"] = sorted(
        {f"{item.replication_min} to {item.replication_max}" for item in actual.files}
    ) or ["0 to -1"]
    found["ttl_s"] = top.ttl_ms // 1000 if top.ttl_ms > 0 else 0
    if one.load:
        found["loaded"] = str(dataset_state.totals(actual.files, one.load))
    if one.state == FREED:
        found["cached_bytes"] = dataset_state.totals(actual.files).cached_bytes
    return found


def _wanted(one: Dataset, actual: Actual, steps: Sequence[Step]) -> Any:
    """What it will have: as it is, but for what the steps change."""
    kinds = {step.kind for step in steps}
    if not kinds:
        return _told(one, actual)
    wants = one.state == PRESENT
    files = dataset_state.totals(actual.files, one.load)
    after: dict[str, Any] = {"path": one.path}
    if one.ufs:
        after |= {
            "ufs": f"{one.ufs.rstrip('/')}/",
            "read_only": one.read_only,
            "shared": one.shared,
            "options": dict(sorted(one.options.items())),
        }
    after["pin"] = (list(one.media) or True) if wants and one.pin else False
    least, most = replication(one)
    after["replication"] = [f"{least} to {most}"]
    found_ttl = max(actual.top.ttl_ms, 0) // 1000 if actual.top else 0
    after["ttl_s"] = (one.ttl_s if wants else 0) if "ttl" in kinds else found_ttl
    if one.load:
        whole = Totals(files.files, files.bytes, files.files, files.bytes)
        after["loaded"] = str(whole) if actual.top and "mount" not in kinds else "all files"
    if one.state == FREED:
        after["cached_bytes"] = 0
    return after


def line(one: Dataset, actual: Actual, notes: Sequence[str] = ()) -> str:
    """The line of a dataset in the summary."""
    if one.ufs and actual.mount is None:
        return f"{one.path}: {NOT_MOUNTED}"
    if actual.top is None:
        return f"{one.path}: {NOT_KNOWN}"
    words = []
    if actual.mount and one.ufs:
        words.append("mounted read-only" if actual.mount.read_only else "mounted writable")
    if actual.top.is_pinned:
        media = f" to {','.join(actual.top.media)}" if actual.top.media else ""
        words.append(f"pinned{media}")
    if one.state == PRESENT and one.replication_min > 1:
        # Where the copies are, no list tells: Alluxio has each file's wish only.
        words.append(f"asks for {one.replication_min} workers or more")
    if actual.top.ttl_ms > 0:
        words.append(f"ttl {actual.top.ttl_ms // 1000} s")
    if one.state == FREED:
        words.append(f"{dataset_state.totals(actual.files).cached_bytes} bytes cached")
    if one.load:
        words.append(f"loaded {dataset_state.totals(actual.files, one.load)}")
    source = f" from {one.ufs.rstrip('/')}/" if one.ufs else ""
    return f"{one.path}{source}: {', '.join([*words, *notes]) or 'as it is'}"
