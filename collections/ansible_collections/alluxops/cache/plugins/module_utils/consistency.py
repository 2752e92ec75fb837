"""What the cache knows of files against what their under store has. Pure functions over listings of the REST API.

Size and content hash are compared: the hash is the store's own, which Alluxio notes in a file's fingerprint when it
learns of the file. S3 gives its ETag, a path of a node a hash of size and time.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeVar

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human

CHANGED: Final = "changed"
TRUNCATED: Final = "truncated"
MISSING: Final = "missing in UFS"
ADDED: Final = "added"
LOST: Final = "lost blocks"
DIFFERS: Final = "content differs"
UNREADABLE: Final = "unreadable"
CLASH: Final = "two versions"
KINDS: Final = (CHANGED, TRUNCATED, MISSING, ADDED, LOST, DIFFERS, UNREADABLE, CLASH)

PERSISTED: Final = "PERSISTED"
NOT_PERSISTED: Final = ("NOT_PERSISTED", "LOST")
"""Files that are in workers only, and in nobody's queue to be written to the store."""

_HASH = re.compile(r"\bCONTENT_HASH\|(\S+)")
_MD5 = re.compile(r"^[0-9a-f]{32}$")
_NO_HASH: Final = ("", "_")

BATCH_FILES: Final = 500
BATCH_BYTES: Final = 256 * 1024**2
"""How much is read between two notes of what is proven."""

IN_STORE: Final = "in the store: "
"""How the detail of a finding begins where it is the store that cannot be read."""

_One = TypeVar("_One")


@dataclass(frozen=True)
class File:
    """A file as the cache has it. hash: what its store said when the cache learnt of it; "" where that is not known.

    min_copies, media, max_copies, ttl_ms, ttl_action: what a user has set, and a new look at the store would forget.
    is_folder: what a path that was asked for by itself may have become.
    """

    path: str
    bytes: int
    hash: str
    id: int
    state: str
    is_complete: bool
    cached_bytes: int
    is_pinned: bool
    modified_ms: int = 0
    media: tuple[str, ...] = ()
    min_copies: int = 0
    max_copies: int = -1
    ttl_ms: int = -1
    ttl_action: str = ""
    is_folder: bool = False

    @property
    def is_persisted(self) -> bool:
        """Whether its store has it, as far as the cache knows."""
        return self.state == PERSISTED

    @property
    def is_only_cached(self) -> bool:
        """Whether nobody but workers has it."""
        return self.state in NOT_PERSISTED

    @property
    def is_cached_whole(self) -> bool:
        """Whether workers hold all of it."""
        return self.cached_bytes >= self.bytes

    @property
    def cached_percent(self) -> int:
        """How much workers hold, for people: 0 may be a block of a large file."""
        return 100 * self.cached_bytes // self.bytes if self.bytes else 100

    @property
    def proof(self) -> str:
        """What changes whenever this becomes another file, or another version of it."""
        return f"{self.id} {self.bytes} {self.hash} {self.modified_ms}"


@dataclass(frozen=True)
class Known:
    """A part of the cache. folders: its directories; listed: those of them that have something in them."""

    files: Mapping[str, File] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stored:
    """A file as its store has it, by its path in the cache."""

    path: str
    bytes: int
    hash: str

    @property
    def md5(self) -> str:
        """The digest of its content, where the hash may be that: an S3 object that was written in one part."""
        return self.hash if _MD5.match(self.hash) else ""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    path: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Compared:
    """What a comparison of names, sizes and hashes found.

    same: in both, and equal. only_cached: written to the cache only, which is no fault. unknown: how many files of
    the store lie in directories that nobody has listed in the cache yet. unfinished: being written.
    """

    findings: tuple[Finding, ...]
    same: tuple[File, ...]
    only_cached: tuple[File, ...]
    unknown: int
    unfinished: int


def parse_known(listing: Iterable[Mapping[str, Any]], path: str) -> Known:
    """What a listing of the cache below a path tells."""
    files: dict[str, File] = {}
    folders, listed = {path}, set()
    for entry in listing:
        name = str(entry["path"])
        if name != path:
            listed.add(posixpath.dirname(name))
        if entry.get("folder"):
            folders.add(name)
        else:
            files[name] = file_of(entry)
    return Known(files, frozenset(folders), frozenset(listed))


def file_of(entry: Mapping[str, Any]) -> File:
    """A file's status."""
    return File(
        path=str(entry["path"]),
        bytes=int(entry.get("length") or 0),
        hash=_hash(entry),
        id=int(entry.get("fileId") or 0),
        state=str(entry.get("persistenceState") or ""),
        is_complete=bool(entry.get("completed", True)),
        cached_bytes=paths_api.cached_bytes(entry),
        is_pinned=bool(entry.get("pinned")),
        modified_ms=int(entry.get("lastModificationTimeMs") or 0),
        media=tuple(sorted(map(str, entry.get("pinnedMediumTypes") or []))),
        min_copies=int(entry.get("replicationMin") or 0),
        max_copies=int(entry.get("replicationMax", -1)),
        ttl_ms=int(entry.get("ttl", -1)),
        ttl_action=str(entry.get("ttlAction") or ""),
        is_folder=bool(entry.get("folder")),
    )


def parse_stored(listing: Iterable[Mapping[str, Any]], here: str, path: str) -> dict[str, Stored]:
    """The files of a listing by their paths in the cache. here: what is at `path` there, in the listing."""
    files = {}
    for entry in listing:
        if not entry.get("folder"):
            below = str(entry["path"]).removeprefix(here)
            name = posixpath.join(path, below.lstrip("/")) if below else path
            files[name] = Stored(name, int(entry.get("length") or 0), _hash(entry))
    return files


def lacking(known: Known, stored: Mapping[str, Stored]) -> list[list[str]]:
    """The files that a store should have and does not list, by directory."""
    found: dict[str, list[str]] = {}
    for path, file in known.files.items():
        if file.is_persisted and path not in stored:
            found.setdefault(posixpath.dirname(path), []).append(path)
    return list(found.values())


def _hash(entry: Mapping[str, Any]) -> str:
    found = _HASH.search(str(entry.get("ufsFingerprint") or ""))
    return "" if found is None or found.group(1) in _NO_HASH else found.group(1).strip('"')


def compare(
    known: Known, stored: Mapping[str, Stored], must_be_cached: Callable[[File], bool]
) -> Compared:
    """Judge names, sizes and hashes."""
    findings: list[Finding] = []
    same: list[File] = []
    only_cached: list[File] = []
    files = [file for _, file in sorted(known.files.items()) if _is_finished(file)]
    for file in files:
        there = stored.get(file.path)
        found = (
            _of_cached_only(file, there)
            if file.is_only_cached
            else _of_persisted(file, there, must_be_cached=must_be_cached(file))
        )
        if found is not None:
            findings.append(found)
        else:
            (only_cached if file.is_only_cached else same).append(file)
    new = [one for path, one in sorted(stored.items()) if path not in known.files]
    blocked = [one for one in new if _is_in_the_way(one.path, known)]
    findings += [
        Finding(one.path, CLASH, f"another thing in the cache, {human(one.bytes)} in the store")
        for one in blocked
    ]
    new = [one for one in new if not _is_in_the_way(one.path, known)]
    added = [one for one in new if _is_listed(one.path, known)]
    findings += [Finding(one.path, ADDED, f"{human(one.bytes)} in the store") for one in added]
    return Compared(
        tuple(findings),
        tuple(same),
        tuple(only_cached),
        unknown=len(new) - len(added),
        unfinished=len(known.files) - len(files),
    )


def _is_finished(file: File) -> bool:
    """Whether nobody writes it, into the cache or from there into the store."""
    return file.is_complete and (file.is_persisted or file.is_only_cached)


def _of_cached_only(file: File, there: Stored | None) -> Finding | None:
    if there is not None:
        detail = f"{human(file.bytes)} written to the cache only, {human(there.bytes)} in the store"
        return Finding(file.path, CLASH, detail)
    if not file.is_cached_whole:
        detail = f"{file.cached_percent} % cached, and the store never had it"
        return Finding(file.path, LOST, detail)
    return None


def _of_persisted(file: File, there: Stored | None, *, must_be_cached: bool) -> Finding | None:
    if there is None:
        return Finding(file.path, MISSING, f"{human(file.bytes)} in the cache")
    if there.bytes < file.bytes:
        detail = f"{there.bytes} of {file.bytes} bytes in the store"
        return Finding(file.path, TRUNCATED, detail)
    if there.bytes > file.bytes:
        detail = f"{file.bytes} bytes in the cache, {there.bytes} in the store"
        return Finding(file.path, CHANGED, detail)
    if file.hash and there.hash and file.hash != there.hash:
        return Finding(file.path, CHANGED, f"hash {file.hash} in the cache, {there.hash} there")
    if must_be_cached and not file.is_cached_whole:
        return Finding(file.path, LOST, f"{file.cached_percent} % cached, all of it should be")
    return None


def _is_in_the_way(path: str, known: Known) -> bool:
    """Whether the cache would have to drop something to learn the file: a directory of its name, or a file above it.

    Alluxio does drop it, with what only the cache has.
    """
    if path in known.folders:
        return True
    while (path := posixpath.dirname(path)) != "/":
        if path in known.files and known.files[path].is_only_cached:
            return True
    return False


def _is_listed(path: str, known: Known) -> bool:
    """Whether a client who lists the cache should see the file.

    Alluxio asks the store for a directory when somebody lists it first. So nothing is missing in a directory that the
    cache has and knows nothing in.
    """
    folder = posixpath.dirname(path)
    while folder not in known.folders and folder != "/":
        folder = posixpath.dirname(folder)
    return folder in known.listed


def to_read(same: Iterable[File]) -> list[File]:
    """The files whose content says something of the cache: those that workers hold anything of."""
    return [file for file in same if file.bytes and file.cached_bytes]


def sample(files: Sequence[File], number: int, seed: int) -> list[File]:
    """Some of the files, the same ones for the same seed as long as they are there; in the order given."""

    def rank(file: File) -> bytes:
        return sha256(f"{seed} {file.path}".encode(errors="surrogatepass")).digest()

    chosen = {file.path for file in sorted(files, key=rank)[:number]}
    return [file for file in files if file.path in chosen]


def is_proven(there: Stored, cached: Digest) -> bool:
    """Whether what was read through the cache is what the store says of its object, so that nobody has to read that."""
    return bool(cached.md5) and cached.md5 == there.md5


def judge(file: File, cached: Digest, there: Digest) -> Finding | None:
    """What both contents say, once both were read: a store's hash need not be a digest of the content."""
    if there.why:
        return Finding(file.path, UNREADABLE, f"{IN_STORE}{there.why}")
    if cached.why:
        return Finding(file.path, UNREADABLE, cached.why)
    if cached.md5 != there.md5:
        detail = f"MD5 {cached.md5} through the cache, {there.md5} in the store"
        return Finding(file.path, DIFFERS, detail)
    return None


def batches(
    items: Iterable[_One], size_of: Callable[[_One], int], limit_bytes: int = BATCH_BYTES
) -> Iterator[list[_One]]:
    """Files or steps, in portions that take a while to read and not long. What is larger by itself is one alone."""
    batch: list[_One] = []
    size = 0
    for item in items:
        more = size_of(item)
        if batch and (len(batch) >= BATCH_FILES or size + more > limit_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield batch


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each kind, in the order of the kinds."""
    kinds = [finding.kind for finding in findings]
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
