"""Which files a worker has blocks of, which of them must not be lost with it, and who takes them. Pure functions.

A worker's own web page tells it: every file that it has blocks of, with the blocks, whether it is pinned, and whether
it is in the under store. No command line is needed for that, and no guess about what the master means by a percentage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

PAGE: Final = "/api/v1/worker/webui_blockinfo"
INFO: Final = "/api/v1/worker/info"
PAGE_FILES: Final = 500
"""Files asked for at a time: the worker asks the master about each."""


@dataclass(frozen=True)
class CachedFile:
    """A file that workers have blocks of. blocks: id -> bytes of those meant here; block_count: how many it has."""

    path: str
    is_pinned: bool
    is_persisted: bool
    block_count: int
    blocks: Mapping[int, int]

    @property
    def must_stay(self) -> bool:
        """Whether a block of it may not be lost: pinned by its owner, or in no under store yet."""
        return self.is_pinned or not self.is_persisted

    @property
    def bytes(self) -> int:
        """Bytes of these blocks."""
        return sum(self.blocks.values())

    @property
    def whole_bytes(self) -> int:
        """Bytes of the whole file, as far as its blocks tell; never less."""
        missing = max(0, self.block_count - len(self.blocks))
        return self.bytes + missing * max(self.blocks.values(), default=0)


def parse_page(body: str | None) -> tuple[int, tuple[CachedFile, ...]]:
    """How many files the worker has blocks of, and those of one page. Raises CacheError where it is no such page."""
    try:
        told = json.loads(body or "")
        files = tuple(
            CachedFile(
                path=str(entry["absolutePath"]),
                is_pinned=bool(entry["pinned"]),
                is_persisted=entry["persistenceState"] == "PERSISTED",
                block_count=len(entry.get("blockIds") or []),
                blocks={
                    int(block["id"]): int(block["blockLength"])
                    for tier in (entry.get("blocksOnTier") or {}).values()
                    for block in tier
                },
            )
            for entry in told["fileInfos"]
        )
        return int(told["ntotalFile"]), files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CacheError(
            "a worker does not tell what it has cached.",
            f"its web port answers {PAGE} with {(body or 'nothing')[:80]!r}.",
            "see that alluxio.web.ui.enabled is not false for the workers.",
        ) from error


def parse_used(body: str | None) -> int | None:
    """Bytes that a worker has cached, as itself says; None where it does not."""
    try:
        return int(json.loads(body or "")["capacity"]["used"])
    except (ValueError, KeyError, TypeError):
        return None


def merged(listings: Sequence[Sequence[CachedFile]]) -> dict[str, CachedFile]:
    """One entry a file, with the blocks that any of the workers has."""
    found: dict[str, CachedFile] = {}
    for listing in listings:
        for one in listing:
            before = found.get(one.path)
            blocks = {**(before.blocks if before else {}), **one.blocks}
            found[one.path] = replace(one, blocks=blocks)
    return found


def only_here(
    leaving: Sequence[Sequence[CachedFile]], staying: Sequence[Sequence[CachedFile]]
) -> list[CachedFile]:
    """The files that must not be lost, with those of their blocks that no staying worker has; by path."""
    elsewhere = {block for listing in staying for one in listing for block in one.blocks}
    found = []
    for path, one in sorted(merged(leaving).items()):
        left = {block: size for block, size in one.blocks.items() if block not in elsewhere}
        if one.must_stay and left:
            found.append(replace(one, path=path, blocks=left))
    return found


def room(capacity_bytes: int, files: Sequence[CachedFile]) -> int:
    """Bytes of a worker that do not hold what must stay."""
    return capacity_bytes - sum(one.bytes for one in files if one.must_stay)


def assign(
    files: Sequence[CachedFile], rooms: Mapping[str, int]
) -> dict[str, tuple[CachedFile, ...]]:
    """Which worker takes which files, the largest first, each to the one with the most room.

    rooms: bytes that each may take. A file goes to one worker whole: that is how Alluxio loads it.
    """
    left = dict(rooms)
    taken: dict[str, list[CachedFile]] = {name: [] for name in sorted(rooms)}
    for one in sorted(files, key=lambda each: (-each.whole_bytes, each.path)):
        most = max(sorted(left), key=lambda name: left[name], default="")
        if not most or left[most] < one.whole_bytes:
            why = "pinned" if one.is_pinned else "in no under store"
            offered = f"the most that one has is {left[most]} bytes, on {most}" if most else "none"
            raise SettingsError(
                f"{one.path} ({one.whole_bytes} bytes, {why}) fits on no worker that stays.",
                f"each must have room beside what is pinned there: {offered}.",
                "unpin or persist it, add a worker, or give the workers more (alluxio_worker_quota).",
            )
        left[most] -= one.whole_bytes
        taken[most].append(one)
    return {name: tuple(them) for name, them in taken.items() if them}


def told(files: Sequence[CachedFile]) -> str:
    """Files for a person: how many, how many bytes."""
    count = len({one.path for one in files})
    size = sum(one.bytes for one in files)
    return f"{count} file{'' if count == 1 else 's'} ({size} bytes)"
