"""What a restore does, decided from what the cluster shows, and what proves that it was whole.

A master applies a backup when it becomes leader over an empty journal. One that is killed meanwhile leaves a journal
with a part in it, and its successor serves that part as if it were all: "not freshly formatted, skipping". So a restore
counts only where a master said that it has ended; else it begins again, with new journals.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

NOTE: Final = "alluxops/restore-to-settle"
"""Annotation of the masters' StatefulSet: the backup that was restored whole by a run that has yet to end.

It is there before the backup is taken out of the configuration, which is all that tells of a restore until then.
"""
MASTER_OPTIONS: Final = "ALLUXIO_MASTER_JAVA_OPTS"
_PROPERTY = re.compile(rf"-D{re.escape(backup.INIT_PROPERTY)}=(\S+)")
_FOLDER = re.compile(r"-Dalluxio\.master\.journal\.folder=(\S+)")
_RESTORED = re.compile(r"Restored (\d+) entries from backup")
_APPLIED = re.compile(r"(\d+) entries from backup applied so far")
_OF_A_BACKUP = re.compile(r"alluxio-backup-|from backup|BackupManager|open backup")
_SKIPPED = "skipping restoring backup"
_READ_BYTES = 1024 * 1024
IN_NO_BACKUP: Final = "what clients write between the backup that the run makes of all this and the stop of the masters"
"""Lost with a rollback that restores: the leader goes on serving until it is stopped."""


@dataclass(frozen=True)
class Seen:
    """What the cluster shows of the release before a restore.

    serving: the leader's pod, or "". pending: the backup that the release's configuration names, or the journals'
    markers, as a restore leaves it until it has ended. restored: how many entries a master says it has restored; None
    where none says so. has_ended: the markers say that it has. noted: what a run has noted as restored whole.
    """

    serving: str = ""
    pending: str = ""
    restored: int | None = None
    has_ended: bool = False
    noted: str = ""


@dataclass(frozen=True)
class Plan:
    """What to do. uri: what the masters are told to read; "" where the backup has yet to be looked up.

    is_finished: the masters have restored it already, in a run that was interrupted; only the end is left.
    is_settling: of that end, the masters' restart is done, and perhaps the configuration no longer names the backup.
    """

    source: backup.Source
    uri: str
    is_finished: bool = False
    is_settling: bool = False


def confirm(release: str, confirmed: str, *, replaces: bool = False) -> None:
    """Raise SettingsError unless the release was named. replaces: a rollback restores over a cache that is in use."""
    cause = "A restore starts the cache with the metadata of a backup, and with nothing that came after it."
    if replaces:
        cause = (
            f"The journal of {release} is destroyed: each path, mount, pin, TTL and ACL that came after the backup is"
            f" lost. A backup of them is made before, but {IN_NO_BACKUP} is in neither: stop the clients first."
        )
    if confirmed != release:
        raise SettingsError(
            f"alluxio_confirm_restore is {confirmed!r}.",
            cause,
            f"run once with -e alluxio_confirm_restore={release}, if that is meant.",
        )


def plan(
    source: backup.Source,
    seen: Seen,
    release: str,
    journal_folder: str,
    *,
    replaces: bool = False,
) -> Plan:
    """Begin, go on with what an interrupted run began, or refuse. Raises SettingsError.

    replaces: the cache may serve, as a rollback means to replace what it knows; another backup may take the place of
    one that could not be restored. What a restore has noted is then nothing to go on with: it restored for itself.
    """
    uri = uri_of(source, journal_folder)
    begun = seen.pending or ("" if replaces else seen.noted)
    is_another = _is_another(source, uri, begun)
    if begun and not (is_another and replaces):
        if is_another:
            raise _begun_with_another(begun, source, release, is_whole=not seen.pending)
        uri = begun
    elif seen.serving and not replaces:
        raise SettingsError(
            f"{release} serves ({seen.serving} leads), so its journal is not empty.",
            "A restore replaces everything that the cache knows.",
            "restore into a new release; or take this one away with `alluxops uninstall` and"
            f" alluxio_confirm_purge={release}, and restore then.",
        )
    has_begun = bool(begun) and uri == begun
    # A note beside a configuration that names a backup tells nothing new: the markers do.
    is_settling = has_begun and not seen.pending
    is_whole = has_begun and (is_settling or seen.has_ended or seen.restored is not None)
    if is_whole and not seen.serving:
        raise SettingsError(
            f"{uri} was restored whole into {release}, and no master serves now.",
            "The journals hold the backup and whatever came since; to restore it again would lose the latter.",
            "see why no master serves (`alluxops status`); once one does, run this again, and it ends what is left. To"
            " give up what came since, run `alluxops uninstall` and restore with alluxio_journal_format: force and"
            f" alluxio_confirm_format: {release}.",
        )
    return Plan(source, uri, is_finished=is_whole, is_settling=is_settling)


def _begun_with_another(
    begun: str, source: backup.Source, release: str, *, is_whole: bool
) -> SettingsError:
    """Another backup is asked for than the one of a run that did not end. is_whole: it has restored all of it."""
    finish = f"finish it with restore_from={PurePosixPath(begun).name} (or latest)"
    if is_whole:
        return SettingsError(
            f"a restore of {begun} into {release} did not come to its end; restore_from is {source.value}.",
            "All of that backup was restored; a proof that the cache serves is missing.",
            f"{finish}, or with `alluxops site`; what is to be given up for another backup goes with"
            f" `alluxops uninstall` and alluxio_confirm_purge={release} after that.",
        )
    return SettingsError(
        f"a restore of {begun} into {release} has begun and did not end; restore_from is {source.value}.",
        "The journals hold a part of that backup, or all of it.",
        f"{finish}; to take another one, format the journals first (alluxio_journal_format: force).",
    )


def _is_another(source: backup.Source, uri: str, pending: str) -> bool:
    """Whether another backup is meant than the one whose restore is pending."""
    if source.kind == "name":
        return PurePosixPath(pending).name != source.value
    return source.kind != "latest" and uri != pending


def uri_of(source: backup.Source, journal_folder: str) -> str:
    """What the masters are told to read: "" for the newest, and for one by name, which have to be looked up."""
    if source.kind in {"latest", "name"}:
        return ""
    if source.kind == "controller":
        name = PurePosixPath(source.value).name
        return f"{backup.folder_in_journal(journal_folder)}/{name}"
    return source.value


def pending(config: Mapping[str, str]) -> str:
    """The backup that the masters are told to start from, out of the ConfigMap's data; "" for none."""
    found = _PROPERTY.search(str(config.get(MASTER_OPTIONS, "")))
    return found[1] if found else ""


def folder(config: Mapping[str, str]) -> str:
    """Where the masters have their journal, out of the ConfigMap's data."""
    found = _FOLDER.search(" ".join(map(str, config.values())))
    return found[1] if found else "/journal"


def restored_entries(logs: Iterable[str]) -> int | None:
    """How many entries a master says it has restored, from the masters' logs; None where none says so."""
    found = [int(match[1]) for log in logs for match in _RESTORED.finditer(log)]
    return found[-1] if found else None


def applied_entries(logs: Iterable[str]) -> int:
    """How many entries a master has applied so far, which it says every 30 s, or has restored; 0 where none says so."""
    said = (pattern.findall(log) for log in logs for pattern in (_APPLIED, _RESTORED))
    return max((int(number) for numbers in said for number in numbers), default=0)


def check_whole(restored: int | None, held: int, uri: str, release: str) -> None:
    """Raise CacheError where fewer entries were restored than the backup holds; None and 0 where that is not known.

    A master counts the messages that it applied, one by one, as count_entries counts those in the file. It ends at the
    first that it cannot read to its end, and behind the first stream of a gzip file, without an error.
    """
    if restored is None or restored >= held:
        return
    raise CacheError(
        f"{restored} entries of {uri} were restored into {release}, and it holds {held}.",
        "the master took the backup to end there.",
        f"take what there is away with `alluxops uninstall` and alluxio_confirm_purge={release}, and restore another"
        " backup, or this one with the Alluxio that wrote it.",
    )


def why_not_restored(logs: Sequence[str]) -> str:
    """What the masters' logs say of a restore that did not end."""
    for log in logs:
        for line in log.splitlines():
            if _OF_A_BACKUP.search(line) and ("Exception" in line or "ERROR" in line):
                return line.strip()
    if any(_SKIPPED in log for log in logs):
        return "a master was ended while it restored; the next one served what there was of it."
    return "no master says that it has restored a backup."


def count_entries(file: BinaryIO) -> int:
    """How many entries a backup holds: gzip over messages that each begin with their length. Raises ValueError.

    Reading it to its end is the proof that it is whole.
    """
    inflate = zlib.decompressobj(wbits=31)
    rest, entries, ended = b"", 0, False
    while piece := file.read(_READ_BYTES):
        while piece:
            if ended:  # gzip allows one stream behind another
                inflate = zlib.decompressobj(wbits=31)
            try:
                rest += inflate.decompress(piece)
            except zlib.error as error:
                raise ValueError(f"it is no gzip file, or damaged: {error}") from error
            piece, ended = inflate.unused_data, inflate.eof
            more, rest = _skip_messages(rest)
            entries += more
    if not ended:
        raise ValueError("it is cut off")
    if rest or not entries:
        raise ValueError("it is no backup of Alluxio")
    return entries


def _skip_messages(data: bytes) -> tuple[int, bytes]:
    """(how many whole messages data begins with, what is left)."""
    count = position = 0
    while True:
        size, start, shift = 0, position, 0
        while start < len(data):
            byte = data[start]
            size |= (byte & 0x7F) << shift
            start += 1
            shift += 7
            if byte < 0x80 or shift > 28:
                break
        else:
            return count, data[position:]
        if shift > 28 or size == 0:
            raise ValueError("it is no backup of Alluxio")
        if start + size > len(data):
            return count, data[position:]
        position, count = start + size, count + 1
