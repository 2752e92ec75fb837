"""Files of a cache and of its store, as the tests of check and repair have them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import md5
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.consistency import File, Known, Stored

CONTENT = b"content"
MD5 = md5(CONTENT, usedforsecurity=False).hexdigest()
FINGERPRINT = f"TYPE|FILE UFS|s3 OWNER|_ GROUP|_ MODE|448 CONTENT_HASH|{MD5} "
SIZE = len(CONTENT)
FILE = File("/d/a", SIZE, MD5, 7, "PERSISTED", True, SIZE, False, 1000, ttl_action="FREE")
STORED = Stored("/d/a", len(CONTENT), MD5)


def file_at(path: str, **other: Any) -> File:
    return replace(FILE, path=path, **other)


def stored_at(path: str, **other: Any) -> Stored:
    return replace(STORED, path=path, **other)


def known(*files: File, folders: tuple[str, ...] = ("/d",)) -> Known:
    """A directory /d with these in it."""
    listed = frozenset(file.path.rpartition("/")[0] for file in files)
    return Known({file.path: file for file in files}, frozenset(folders), listed)


def entry(path: str, **other: Any) -> dict[str, Any]:
    """A file as Alluxio 2.9.6 lists it, shortened to the keys that are read."""
    return {
        "path": path,
        "folder": False,
        "length": len(CONTENT),
        "completed": True,
        "persistenceState": "PERSISTED",
        "inAlluxioPercentage": 100,
        "pinned": False,
        "fileId": 7,
        "lastModificationTimeMs": 1000,
        "ufsFingerprint": FINGERPRINT,
        "replicationMin": 0,
        "replicationMax": -1,
        "ttl": -1,
        "ttlAction": "FREE",
        "pinnedMediumTypes": [],
        **other,
    }
