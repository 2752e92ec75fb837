"""What the cache has of a dataset: its mount, its settings, its files. Pure functions over what Alluxio's servers say.

The mount table is the leader's page, statuses and listings are the proxy's REST API, as paths_api asks for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import overlap
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human
from ansible_collections.alluxops.cache.plugins.module_utils.settings import looks_secret

MOUNT_TABLE: Final = "/api/v1/master/webui_mounttable"
MASKED: Final = "******"
ROOT: Final = "/"

_PROPERTY = re.compile(r", (?=[A-Za-z][\w.-]*=)")


@dataclass(frozen=True)
class Mount:
    """A line of the mount table. ufs: no slash at the end. options: without those that Alluxio shows masked."""

    path: str
    ufs: str
    read_only: bool
    shared: bool
    options: Mapping[str, str] = field(default_factory=dict)
    has_credentials: bool = False


@dataclass(frozen=True)
class File:
    """A file of the cache."""

    path: str
    bytes: int
    cached_bytes: int
    is_loaded: bool
    is_pinned: bool
    is_persisted: bool
    replication_min: int
    replication_max: int


@dataclass(frozen=True)
class Top:
    """The directory of a dataset. media: where pinned blocks lie. ttl_ms: -1 for none."""

    created_ms: int
    is_pinned: bool
    media: tuple[str, ...]
    ttl_ms: int
    ttl_action: str


@dataclass(frozen=True)
class Totals:
    """Files in numbers."""

    files: int = 0
    bytes: int = 0
    loaded_files: int = 0
    cached_bytes: int = 0

    @property
    def is_loaded(self) -> bool:
        """Whether every file is cached whole."""
        return self.loaded_files == self.files

    def __str__(self) -> str:
        if self.is_loaded and self.files:
            return f"{self.files} of {self.files} files ({human(self.bytes)})"
        return (
            f"{self.loaded_files} of {self.files} files"
            f" ({human(self.cached_bytes)} of {human(self.bytes)})"
        )


@dataclass(frozen=True)
class Actual:
    """What the cache has of a dataset. top: None where there is no such path. files: those asked for."""

    mount: Mount | None = None
    top: Top | None = None
    files: tuple[File, ...] = ()

    @property
    def unpersisted(self) -> list[str]:
        """The files that are in no under store."""
        return [one.path for one in self.files if not one.is_persisted]


def parse_mounts(body: str | None) -> dict[str, Mount]:
    """The mounts by path. Raises CacheError where it is no such page."""
    try:
        found = json.loads(body or "")["mountPointInfos"]
        return {str(entry["mountPoint"]): _mount(entry) for entry in found}
    except (ValueError, KeyError, TypeError) as error:
        raise CacheError(
            "the leader does not tell what is mounted.",
            f"its web port answers {MOUNT_TABLE} with {(body or 'nothing')[:80]!r}.",
            "see that alluxio.web.ui.enabled is not false for the masters; run it again.",
        ) from error


def _mount(entry: Mapping[str, Any]) -> Mount:
    text = str(entry.get("properties") or "{}").strip()[1:-1]
    pairs = [part.partition("=") for part in _PROPERTY.split(text) if part]
    return Mount(
        path=str(entry["mountPoint"]),
        ufs=str(entry["ufsUri"]).rstrip("/") or "/",
        read_only=bool(entry["readOnly"]),
        shared=bool(entry["shared"]),
        options={name: value for name, _, value in pairs if not _is_secret(name, value)},
        has_credentials=any(_is_secret(name, value) for name, _, value in pairs),
    )


def _is_secret(name: str, value: str) -> bool:
    return value == MASKED or looks_secret(name)


def parse_top(status: Mapping[str, Any]) -> Top:
    """The status of a dataset's directory."""
    return Top(
        created_ms=int(status.get("creationTimeMs") or 0),
        is_pinned=bool(status.get("pinned")),
        media=tuple(sorted(map(str, status.get("pinnedMediumTypes") or []))),
        ttl_ms=int(status.get("ttl", -1)),
        ttl_action=str(status.get("ttlAction") or ""),
    )


def parse_files(listing: Iterable[Mapping[str, Any]]) -> tuple[File, ...]:
    """The files of a listing; directories are left out."""
    return tuple(_file(entry) for entry in listing if not entry.get("folder"))


def _file(entry: Mapping[str, Any]) -> File:
    size = int(entry.get("length") or 0)
    cached = paths_api.cached_bytes(entry)
    return File(
        path=str(entry["path"]),
        bytes=size,
        cached_bytes=cached,
        is_loaded=cached >= size,
        is_pinned=bool(entry.get("pinned")),
        is_persisted=bool(entry.get("persisted")),
        replication_min=int(entry.get("replicationMin") or 0),
        replication_max=int(entry.get("replicationMax", -1)),
    )


def totals(files: Sequence[File], below: Sequence[str] = (ROOT,)) -> Totals:
    """The files below any of these paths, in numbers."""
    chosen = [one for one in files if any(is_below(one.path, path) for path in below)]
    return Totals(
        files=len(chosen),
        bytes=sum(one.bytes for one in chosen),
        loaded_files=sum(one.is_loaded for one in chosen),
        cached_bytes=sum(one.cached_bytes for one in chosen),
    )


def is_below(path: str, top: str) -> bool:
    """Whether a path is another one, or lies in it."""
    return overlap(path, top) and len(path) >= len(top.rstrip("/"))
