"""Fetching a file by its address, from a host.

Apart from host_files, which nearly every module imports: what speaks HTTP would cost each of them a fifth of its time.
Standard library only, Python 3.9.
"""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import open_url

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

FETCH_TIMEOUT_S = 30
CHUNK_BYTES = 1 << 20


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
