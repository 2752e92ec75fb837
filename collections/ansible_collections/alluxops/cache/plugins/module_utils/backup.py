"""Backups of a cache's metadata: where they lie, what they are called, which one is meant, which ones may go.

Pure functions over what `alluxio fsadmin backup` and `alluxio fs ls` print. A backup holds every path, mount, pin, TTL
and ACL, and the options of mounts, credentials among them: it is kept as one keeps a secret.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

TO_UFS: Final = "ufs"
LATEST: Final = "latest"
FOLDER: Final = "alluxio_backups"
"""Alluxio's own name for the directory; it is the first level of the cache's namespace as well."""
IN_JOURNAL: Final = "alluxops-backups"
"""Directory in a master's journal volume: what is written there survives the pod."""
COMPLETE: Final = ".complete"
"""Alluxio writes an empty file of this suffix beside a backup once it is whole."""
SHRUNK: Final = 5
"""One so many times as large as a new backup is not removed for it. The schedule's script has the same number."""
INIT_PROPERTY: Final = "alluxio.master.journal.init.from.backup"

_NAME = re.compile(r"^alluxio-backup-(\d{4}-\d{2}-\d{2})-(\d{12,14})\.gz$")
_FIELD = re.compile(r"^Backup (Host|URI|Entry Count)\s*: (\S+)\s*$")
_FAILED = re.compile(r"((?:Local|Remote) backup failed: .*|Backup lost\..*|\S*Exception: .*)$")
_LISTED = re.compile(
    r"^[-d]\S{9}\+?\s.*?(\d+)\s+(?:NOT_PERSISTED|PERSISTED|LOST|TO_BE_PERSISTED)\s.*\s(/.*)$"
)


@dataclass(frozen=True)
class Backup:
    """One backup.

    uri: what alluxio.master.journal.init.from.backup takes: an address in the root UFS, or a path inside a master's
    journal volume, where a backup that lies on the controller has to be put first. taken_at: ISO 8601, UTC. version:
    the Alluxio that wrote it. file: its path on the controller, or "". size_bytes, seconds: None where not measured.
    pruned: names of older backups that went.
    """

    uri: str
    taken_at: str
    version: str
    entries: int | None
    file: str = ""
    size_bytes: int | None = None
    seconds: float | None = None
    pruned: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its file's name."""
        return PurePosixPath(self.uri).name

    @property
    def where(self) -> str:
        """Where a person finds it."""
        return self.file or self.uri

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a task's result."""
        return {**asdict(self), "pruned": list(self.pruned), "name": self.name, "where": self.where}


@dataclass(frozen=True)
class Written:
    """What `fsadmin backup` says of its backup. host: the master that wrote it, a standby where there is one."""

    host: str
    uri: str
    entries: int | None


@dataclass(frozen=True)
class File:
    """A file in a directory of backups. folder: that directory, as a path of the cache."""

    name: str
    size_bytes: int
    folder: str = ""


def is_name(name: str) -> bool:
    """Whether Alluxio gave a file this name: the date in it is that of its time."""
    found = _NAME.match(name)
    return found is not None and taken_at(name).startswith(found[1])


def taken_at(name: str) -> str:
    """When a backup was begun, from its name: ISO 8601, UTC."""
    found = _NAME.match(PurePosixPath(name).name)
    if found is None:
        raise CacheError(
            f"{name} is no backup's name; they are alluxio-backup-DATE-MILLISECONDS.gz."
        )
    return datetime.fromtimestamp(int(found[2]) // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_written(text: str) -> Written:
    """Read what `fsadmin backup` printed. Raises CacheError with its reason when that was no success.

    A line that shows progress is overwritten with carriage returns, and the answer comes right behind it.
    """
    fields: dict[str, str] = {}
    for line in re.split(r"[\r\n]+", text):
        found = _FIELD.match(line.strip())
        if found:
            fields[found[1]] = found[2]
    uri = fields.get("URI", "")
    if not is_name(PurePosixPath(uri).name):
        raise CacheError("`alluxio fsadmin backup` made no backup.", failure(text))
    count = fields.get("Entry Count", "")
    return Written(fields.get("Host", ""), uri, int(count) if count.isdigit() else None)


def failure(text: str) -> str:
    """Why a backup failed, in Alluxio's words: one line."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    lines = [line for line in lines if line and not line.startswith("Picked up JAVA")]
    for line in lines:
        found = _FAILED.search(line)
        if found:
            return found[1]
    return lines[-1] if lines else "it printed nothing"


def is_busy(text: str) -> bool:
    """Whether a backup failed since another is being made."""
    return "Backup in progress" in text


def is_undelegated(text: str) -> bool:
    """Whether a backup failed since no standby could take it: the leader can, while changes wait."""
    return "delegat" in failure(text).lower()


def parse_listing(text: str) -> list[File]:
    """The files of `alluxio fs ls`, those of directories below too where it was told -R; by name."""
    found = []
    for line in text.splitlines():
        match = _LISTED.match(line.rstrip())
        if match and not line.startswith("d"):
            path = PurePosixPath(match[2])
            found.append(File(path.name, int(match[1]), str(path.parent)))
    return sorted(found, key=lambda file: (file.name, file.folder))


def whole(files: Iterable[File]) -> list[File]:
    """The backups among files that are complete, oldest first. Their names sort by time, since dates come first."""
    files = list(files)
    marked = {(file.folder, file.name) for file in files}
    return sorted(
        (
            file
            for file in files
            if is_name(file.name)
            and file.size_bytes > 0
            and (file.folder, file.name + COMPLETE) in marked
        ),
        key=lambda file: file.name,
    )


def prunable(names: Iterable[str], complete: Iterable[str], keep: int, made: str) -> list[str]:
    """Which backups go so that the newest `keep` whole ones stay (0 keeps all): ours by name, never the one just made.

    complete: those that are whole. One that is not counts for none, and goes with the whole ones of its age; a younger
    one may be being written.
    """
    kept = sorted({name for name in complete if is_name(name)}, reverse=True)[: max(keep, 0)]
    if not kept or len(kept) < keep:
        return []
    return sorted(name for name in set(names) if is_name(name) and kept[-1] > name != made)


def spared(gone: Iterable[str], sizes: Mapping[str, int], made: str) -> list[str]:
    """Those of prunable() that stay nevertheless, as they are so much larger than the one just made.

    What the cache has forgotten, such as after a journal was lost, may be in none but the older ones. sizes: in bytes.
    """
    return [name for name in gone if sizes[name] > SHRUNK * sizes[made]]


def doubted(why: str) -> str:
    """What is said of a backup of what may be another journal than the release's."""
    return (
        "this backup may be of another journal than those before: it lies apart from them, where `latest` does not mean"
        f" it, and none of them is removed. {why}"
    )


def folder_of(uri: str, root_ufs: str) -> str:
    """The directory of a backup in the root UFS, as a path of the cache: what the root mount shows."""
    path, root = (urlsplit(each).path if "://" in each else each for each in (uri, root_ufs))
    return str(PurePosixPath("/") / PurePosixPath(path).parent.relative_to(root or "/"))


def folder_in_journal(journal_folder: str) -> str:
    """Where a master writes a backup that is to be fetched; /tmp where its journal is in no volume of its own."""
    base = journal_folder.rstrip("/") if journal_folder.startswith("/") else "/tmp"  # noqa: S108 - in the pod
    return f"{base}/{IN_JOURNAL}"


def forget_in_journal(folder: str, stays: str = "") -> str:
    """Shell text that removes the backups in a journal's volume: a conversion's, and those of runs that were killed.

    They hold mounts' credentials, and fill the journal's disk. stays: the name of one that does not go; LATEST is the
    newest whole one.
    """
    place = shlex.quote(folder)
    newest = f"ls {place} | grep '^alluxio-backup-.*[.]gz[.]complete$' | sort | tail -n 1"
    name = f'"$({newest})"' if stays == LATEST else shlex.quote(stays)
    return (
        f"[ -d {place} ] || exit 0\nstays={name}\nstays=${{stays%{COMPLETE}}}\n"
        f"find {place} -maxdepth 1 -type f -name 'alluxio-backup-*'"
        f' ! -name "${{stays:-none}}" ! -name "${{stays:-none}}{COMPLETE}" -exec rm -f {{}} +\n'
    )


def check_destination(to: str, root_ufs: str, ephemeral_path: str) -> None:
    """Raise SettingsError where a backup would not outlive what it is a backup of."""
    if to == TO_UFS:
        if root_ufs.rstrip("/") in {"ephemeral", ephemeral_path}:
            raise SettingsError(
                "backup_to is ufs while alluxio_root_ufs is ephemeral.",
                "The root under store lies in the pods and ends with them, and so would the backup.",
                "set backup_to to a directory on the machine that runs Ansible.",
            )
    elif not to.startswith("/"):
        raise SettingsError(
            f"backup_to is {to!r}.",
            "A backup goes to the root under store, or to a directory on the machine that runs Ansible.",
            "set `ufs`, or an absolute path.",
        )


@dataclass(frozen=True)
class Source:
    """What a restore reads.

    The newest of the release in the UFS, one of its own there (value: its file's name), any there (value: its address),
    or a file on the controller (value: its path).
    """

    kind: Literal["latest", "name", "ufs", "controller"]
    value: str


def source(given: str, root_ufs: str) -> Source:
    """What restore_from means: `latest`, a name or an address in the root UFS, else a file on the controller."""
    if not given:
        raise SettingsError(
            "restore_from is not set.",
            "A restore needs to know which backup it reads.",
            "set `latest`, an address that `backup` printed, or the path of a file on this machine.",
        )
    if given == LATEST:
        return Source("latest", "")
    if is_name(given):
        return Source("name", given)
    below = root_ufs.rstrip("/") + "/"
    if "://" not in given and not (given.startswith(below) and root_ufs.startswith("/")):
        return Source("controller", given)
    mine, theirs = urlsplit(root_ufs), urlsplit(given)
    if (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc) or not theirs.path.startswith(
        mine.path.rstrip("/") + "/"
    ):
        raise SettingsError(
            f"restore_from is {given}, which is not in the root under store {root_ufs}.",
            "A master can read a backup from its root under store, or from its journal's volume.",
            "copy it there, or to this machine and give its path.",
        )
    return Source("ufs", given)


def choose(files: Sequence[File], wanted: Source, where: str) -> File:
    """The file that a restore from the UFS reads. Raises SettingsError where there is none, or no whole one."""
    complete = whole(files)
    if wanted.kind == "latest":
        if complete:
            return complete[-1]
        torn = [file.name for file in files if is_name(file.name)]
        raise SettingsError(
            f"there is no backup in {where}.",
            f"{', '.join(torn)} was not finished." if torn else "",
            "give the path of a backup in restore_from; `alluxops backup` makes one.",
        )
    name = PurePosixPath(wanted.value).name
    for file in complete:
        if file.name == name:
            return file
    if any(file.name == name and file.size_bytes > 0 for file in files):
        raise SettingsError(
            f"the backup {wanted.value} was not finished: there is no {name}{COMPLETE} beside it.",
            "The master that wrote it died, or the copy left that file out.",
            f"give another one; make the empty file {name}{COMPLETE} if you know that it is whole.",
        )
    known = ", ".join(file.name for file in complete[-3:])
    raise SettingsError(
        f"there is no backup {wanted.value}.",
        f"In its directory there are: {known}." if known else "Its directory holds no backup.",
        "correct restore_from, or set `latest`.",
    )


def timed(made: Backup, seconds: float) -> Backup:
    """The backup with how long it took."""
    return replace(made, seconds=round(seconds, 1))


def summary(made: Mapping[str, Any]) -> str:
    """One line for the end of a run: where it is, how large, how long it took."""
    facts = []
    if made.get("entries") is not None:
        facts.append(f"{made['entries']} entries")
    if made.get("size_bytes") is not None:
        facts.append(f"{made['size_bytes']} bytes")
    if made.get("seconds") is not None:
        facts.append(f"{made['seconds']} s")
    pruned = made.get("pruned") or []
    if pruned:
        facts.append(f"{len(pruned)} older removed")
    return f"{made['where']} ({', '.join(facts)})" if facts else str(made["where"])
