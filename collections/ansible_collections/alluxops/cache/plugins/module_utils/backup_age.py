"""Which Alluxio wrote a backup: its name says when it was made, and Helm's revisions what the release ran then. Pure.

A backup holds nothing that tells its version, and an older Alluxio may not be able to read what a newer one wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from ansible_collections.alluxops.cache.plugins.module_utils import backup, versions
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError


@dataclass(frozen=True)
class Era:
    """The time from one revision to the next. tag: what its masters ran, or were to run."""

    revision: int
    since: datetime
    tag: str


def era_of(name: str, eras: Sequence[Era]) -> Era | None:
    """The revision that was in force when a backup was begun; None where that cannot be told."""
    if not backup.is_name(PurePosixPath(name).name):
        return None
    made = datetime.fromisoformat(backup.taken_at(name))
    before = [era for era in eras if era.since <= made]
    return before[-1] if before else None


def check(name: str, eras: Sequence[Era], tag: str) -> None:
    """Raise SettingsError where a backup is known to be of a newer Alluxio than the one that is to restore it."""
    era = era_of(name, eras)
    if era is None or not _is_newer(era.tag, tag):
        return
    raise SettingsError(
        f"restore_from is {name}, made at {backup.taken_at(name)}.",
        f"Since {era.since:%Y-%m-%dT%H:%M:%SZ} the release was to run Alluxio {versions.text(era.tag)} (revision"
        f" {era.revision}); {versions.text(tag)} may not be able to read what that wrote.",
        "give a backup that was made before; `latest` takes the newest of those.",
    )


def doubts(name: str, eras: Sequence[Era]) -> list[str]:
    """A warning where nothing tells which Alluxio wrote a backup."""
    era = era_of(name, eras)
    if era is not None and versions.numbers(era.tag) is not None:
        return []
    file = PurePosixPath(name).name
    return [
        f"which Alluxio wrote {file} is not known: Helm's history of the release does not tell."
    ]


def readable(files: Iterable[backup.File], eras: Sequence[Era], tag: str) -> list[backup.File]:
    """The files but for backups of a newer Alluxio than the one that is to restore."""
    return [
        file
        for file in files
        if (era := era_of(file.name, eras)) is None or not _is_newer(era.tag, tag)
    ]


def _is_newer(one: str, other: str) -> bool:
    first, second = versions.numbers(one), versions.numbers(other)
    return first is not None and second is not None and first > second
