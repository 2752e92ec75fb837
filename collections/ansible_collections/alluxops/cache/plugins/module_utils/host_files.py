"""Reading and replacing whole files on a host, and fetching one by its address. Standard library only, Python 3.9."""

from __future__ import annotations

import os
import tempfile
from typing import Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import open_url

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

FETCH_TIMEOUT_S = 30
CHUNK_BYTES = 1 << 20


def read_bytes(path: str) -> bytes | None:
    """The content of a file, or None where there is no file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None


def read_text(path: str) -> str | None:
    """The content of a text file, or None where there is no file."""
    data = read_bytes(path)
    return None if data is None else data.decode("utf-8", "replace")


def write_bytes(path: str, data: bytes, mode: int = 0o644) -> None:
    """Put a file in place in one step: readers see the old content or the new, a kill leaves one of them."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".alluxops-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def restore(path: str, before: bytes | None) -> None:
    """Put back what read_bytes found: the old content, or no file."""
    if before is not None:
        write_bytes(path, before)
    elif os.path.lexists(path):
        os.unlink(path)


def fetch(url: str, path: str, setting: str, limit_bytes: int) -> None:
    """Download url to a new file at path.

    setting: the variable that holds the url, for the error. Raises CacheError when the server does not give the file,
    or gives more than limit_bytes.
    """
    size = 0
    try:
        with _open(url) as answer, open(path, "xb") as file:
            while True:
                chunk = answer.read(CHUNK_BYTES)
                if not chunk:
                    return
                size += len(chunk)
                if size > limit_bytes:
                    raise CacheError(
                        f"{url} has more than {limit_bytes} bytes.", fix=f"check {setting}."
                    )
                file.write(chunk)
    except HTTPError as fault:
        raise CacheError(
            f"{url} answers {fault.code} {fault.reason}.", fix=f"check {setting} from this host."
        ) from fault
    except (URLError, OSError, ValueError) as fault:
        reason = getattr(fault, "reason", None) or fault
        raise CacheError(
            f"{url} cannot be fetched: {reason}.",
            fix=f"check {setting}, and the host's network and proxy (environment http_proxy, https_proxy).",
        ) from fault


def _open(url: str) -> Any:
    return open_url(url, timeout=FETCH_TIMEOUT_S, http_agent="alluxops", follow_redirects="all")
