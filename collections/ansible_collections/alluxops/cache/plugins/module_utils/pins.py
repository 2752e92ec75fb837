"""The pins of files, noted before workers or masters restart and compared afterwards. Pure functions.

Alluxio's master has a pinned file copied again that has too few replicas. Where that fails, as it may while workers
restart, the job that was to copy takes the pin away, with the minimum of replicas and the medium.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_seconds

NOTE_LIMIT_BYTES: Final = 1_000_000
"""What a ConfigMap takes is 1 MiB."""
DEFAULT_INTERVAL_S: Final = 60.0
UNREAD: Final = "unread"
"""The line that says that not all of the files' own settings were read in time."""
ONE_BY_ONE: Final = 4
"""Up to so many files of a directory are pinned each by itself; each costs the start of a Java machine."""

_INTERVAL: Final = re.compile(r"alluxio\.master\.replication\.check\.interval=(\d+ ?[a-z]*)")
_ROW: Final = re.compile(r"^(\w+) (\d{17}) (\d+)% (/.*)$")
_DIRECTORY: Final = re.compile(r"^\w+ \d{17} DIR (/.*)$")
_OWN: Final = re.compile(r"^(\d+) \[([^]]*)\] (/.*)$")


@dataclass(frozen=True)
class Pin:
    """A pinned file. created: when it was made, to the millisecond, which tells it from a later one of that name.

    minimum: of its replicas. media: those that it is pinned to.
    """

    path: str
    created: str
    minimum: int = 1
    media: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file as the master lists it. cached_percent: how much of it lies in workers."""

    path: str
    created: str
    cached_percent: int
    is_persisted: bool

    @property
    def is_short(self) -> bool:
        """Whether the master has it copied from the under store again, where it is pinned."""
        return self.is_persisted and self.cached_percent < 100

    @property
    def is_lost(self) -> bool:
        """Whether blocks of it are nowhere: its pin means nothing, and the next check would take it away again."""
        return not self.is_persisted and self.cached_percent < 100


@dataclass(frozen=True)
class Verdict:
    """What to do about pins that are gone: those to give back, and the files that are lost with their workers."""

    give_back: tuple[Pin, ...] = ()
    lost: tuple[str, ...] = ()


def files(text: str) -> dict[str, File]:
    """The files of a listing, by path. Names with a wildcard are left out: no command can mean them alone."""
    found = {}
    for line in text.splitlines():
        if (row := _ROW.match(line)) and "*" not in row[4]:
            found[row[4]] = File(row[4], row[2], int(row[3]), row[1] == "PERSISTED")
    return found


def directories(text: str) -> set[str]:
    """The directories of a listing."""
    return {row[1] for line in text.splitlines() if (row := _DIRECTORY.match(line))}


def rows_in(text: str, folders: Collection[str]) -> str:
    """The lines of a listing whose files and directories lie in some directories."""
    wanted = set(folders)
    lines = (line for line in text.splitlines() if parent(f"/{line.partition(' /')[2]}") in wanted)
    return "".join(f"{line}\n" for line in lines)


def noted(text: str) -> tuple[dict[str, Pin], bool]:
    """(pins by path, whether minima and media were read of all) from a listing of pinned files and what follows it."""
    pins = {one.path: Pin(one.path, one.created) for one in files(text).values()}
    for line in text.splitlines():
        if (own := _OWN.match(line)) and own[3] in pins:
            media = tuple(word.strip() for word in own[2].split(",") if word.strip())
            pins[own[3]] = replace(pins[own[3]], minimum=max(1, int(own[1])), media=media)
    return pins, UNREAD not in text.splitlines()


def united(before: Mapping[str, Pin], now: Mapping[str, Pin], *, is_whole: bool) -> dict[str, Pin]:
    """The pins that a run which died has noted, with those of now. is_whole: minima and media of now were read."""
    found = {**before, **now}
    for path in before.keys() & now.keys():
        if not is_whole and before[path].created == now[path].created:
            found[path] = before[path]
    return found


def packed(pins: Mapping[str, Pin], limit_bytes: int = NOTE_LIMIT_BYTES) -> tuple[bytes, int]:
    """(the pins as a ConfigMap holds them, how many of them are not among it because there is no room)."""
    rows = [[pin.path, pin.created, pin.minimum, *pin.media] for _, pin in sorted(pins.items())]
    kept = len(rows)
    while True:
        text = json.dumps(rows[:kept], separators=(",", ":"), ensure_ascii=False)
        body = gzip.compress(text.encode(), mtime=0)
        if len(body) <= limit_bytes:
            return body, len(rows) - kept
        kept = int(kept * 0.95 * limit_bytes / len(body))


def unpacked(body: bytes) -> dict[str, Pin]:
    """The inverse of packed()."""
    rows = json.loads(gzip.decompress(body))
    return {row[0]: Pin(row[0], row[1], int(row[2]), tuple(row[3:])) for row in rows}


def gone(pins: Mapping[str, Pin], pinned: Mapping[str, File]) -> list[Pin]:
    """The noted pins that are not among what is pinned now, by path."""
    return [pin for path, pin in sorted(pins.items()) if not _is(pin, pinned.get(path))]


def judge(missing: Iterable[Pin], there: Mapping[str, File]) -> Verdict:
    """What to do about pins that are gone. there: the files of their directories; who removed a file meant it."""
    still = [(pin, there[pin.path]) for pin in missing if _is(pin, there.get(pin.path))]
    return Verdict(
        tuple(pin for pin, file in still if not file.is_lost),
        tuple(pin.path for pin, file in still if file.is_lost),
    )


def short(pins: Mapping[str, Pin], pinned: Mapping[str, File]) -> list[str]:
    """The noted files that the master has copied from the under store again at its next check, which may fail too."""
    listed = (pinned.get(path) for path in sorted(pins))
    return [file.path for file in listed if file is not None and file.is_short]


def commands(
    give_back: Sequence[Pin],
    pins: Mapping[str, Pin],
    there: Mapping[str, File],
    nested: Collection[str],
) -> list[tuple[str, Pin]]:
    """(path to pin, how) of each command. A directory of which all was pinned alike goes in one, with a wildcard.

    there: the files of the directories. nested: directories in them, whose files a wildcard would pin too.
    """
    found = []
    for folder, group in groupby(sorted(give_back, key=lambda pin: pin.path), key=_folder):
        own = list(group)
        beside = [file for path, file in there.items() if parent(path) == folder]
        alike = all(_is_pinned_as(own[0], pins.get(file.path), file) for file in beside)
        if len(own) > ONE_BY_ONE and alike and not any(parent(one) == folder for one in nested):
            found.append((f"{folder.rstrip('/')}/*", own[0]))
        else:
            found += [(pin.path, pin) for pin in own]
    return found


def parent(path: str) -> str:
    """The directory that a path lies in."""
    return path.rpartition("/")[0] or "/"


def check_interval_s(settings: Mapping[str, str]) -> float:
    """How often the masters look for files with too few replicas, out of the release's ConfigMap."""
    told = _INTERVAL.findall("\n".join(settings.values()))
    found = alluxio_seconds(told[-1]) if told else None
    return DEFAULT_INTERVAL_S if found is None else found


def told(paths: Sequence[str]) -> str:
    """Paths for a person: the first ones."""
    first = ", ".join(paths[:3])
    return f"{first} and {len(paths) - 3} more" if len(paths) > 3 else first


def _is(pin: Pin, file: File | None) -> bool:
    return file is not None and (file.path, file.created) == (pin.path, pin.created)


def _is_pinned_as(one: Pin, pin: Pin | None, file: File) -> bool:
    return (
        pin is not None
        and _is(pin, file)
        and pin == replace(one, path=pin.path, created=pin.created)
    )


def _folder(pin: Pin) -> str:
    return parent(pin.path)
