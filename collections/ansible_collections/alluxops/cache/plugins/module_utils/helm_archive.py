"""Helm's release archive: its checksum, the binary in it, and the note of what was installed from which.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

CHUNK_BYTES = 1 << 20


def sha256(path: str) -> str:
    """SHA-256 of a file's content; empty where there is no file."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
                digest.update(chunk)
    except (FileNotFoundError, IsADirectoryError):
        return ""
    return digest.hexdigest()


def refuse_checksum(path: str, wanted: str, place: str) -> None:
    """Raise CacheError when the archive at path is not the one with this checksum. place: what to call it."""
    found = sha256(path)
    if found != wanted:
        raise CacheError(
            f"{place} is not the archive that helm_binary_checksum names.",
            f"Wanted sha256:{wanted}, found sha256:{found or 'nothing'} ({os.path.getsize(path)} bytes).",
            "do not use it: compare with the checksum on Helm's release page for this version and machine.",
        )


def extract(archive: str, target: str, place: str) -> None:
    """Write the file `helm` of the archive to target, and nothing else of it. Raises CacheError when it has none."""
    try:
        with tarfile.open(archive) as tar:
            member = next(
                (
                    entry
                    for entry in tar
                    if entry.isfile() and os.path.basename(entry.name) == "helm"
                ),
                None,
            )
            source = tar.extractfile(member) if member else None
            if source is None:
                raise CacheError(
                    f"{place} has no file `helm` in it.",
                    fix="set helm_binary_url to one of Helm's release archives.",
                )
            with source, open(target, "wb") as file:
                shutil.copyfileobj(source, file, CHUNK_BYTES)
    except (tarfile.TarError, EOFError) as fault:
        raise CacheError(
            f"{place} is not a tar archive: {fault}.",
            fix="set helm_binary_url to one of Helm's release archives (.tar.gz).",
        ) from fault


def note(archive_sha256: str, binary_sha256: str) -> bytes:
    """What is kept beside the binary, so that the next run knows it without fetching the archive again."""
    return (
        json.dumps({"archive": archive_sha256, "helm": binary_sha256}, indent=1, sort_keys=True)
        + "\n"
    ).encode()


def is_noted(text: str | None, archive_sha256: str, binary_sha256: str) -> bool:
    """Whether this binary was installed from this archive."""
    return text is not None and text.encode() == note(archive_sha256, binary_sha256)
