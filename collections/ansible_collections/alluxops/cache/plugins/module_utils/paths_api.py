"""Requests to Alluxio's REST API of paths, as its proxy serves it, and what its answers mean. Pure.

One Java machine answers hundreds of these a second, where each `alluxio fs` command starts one of its own. And what
a request carries in its body stands on no command line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

Json = dict[str, Any]

BASE: Final = "/api/v1/paths/"
READY: Final = "/api/v1/proxy/info"
NOT_FOUND: Final = "NOT_FOUND"
HIDDEN: Final = "********"
UNREAD: Final = ("acl", "defaultAcl", "xattr")
"""What of a file's status nobody here reads. With its blocks it is more than half, and a list of 100 000 files is held
at once: of the blocks is kept how many bytes of them workers hold."""
BLOCKS: Final = "fileBlockInfos"
CACHED: Final = "cachedBytes"
"""Under which name that is kept."""
LOG_LEVEL: Final = "/api/v1/master/logLevel"
LOGS_OPTIONS: Final = {
    "alluxio.master.file.meta.MountTable": "WARN",
    "alluxio.master.file.FileSystemMasterClientServiceHandler": "ERROR",
}
"""Loggers of the master that write a mount's options in clear, and the level from which on they do not."""
LOGS_USUALLY: Final = "INFO"
"""The level of Alluxio's loggers."""


@dataclass(frozen=True)
class Request:
    """One request. reads: whether it may be sent twice. secrets: values that no text may show."""

    path: str
    operation: str
    body: Json = field(default_factory=dict)
    query: str = ""
    reads: bool = False
    secrets: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """What stands in the request line."""
        query = f"?{self.query}" if self.query else ""
        return f"{BASE}{quote(self.path, safe='/')}/{self.operation}{query}"

    @property
    def data(self) -> bytes:
        """The body."""
        return json.dumps(self.body).encode()


class PathError(CacheError):
    """Alluxio answered a request with an error. status: its own code; message: its own words, without secrets."""

    def __init__(self, request: Request, status: str, message: str) -> None:
        super().__init__(f"{request.operation} of {request.path} failed: {message}")
        self.status = status
        self.message = message

    @property
    def is_missing(self) -> bool:
        """Whether there is no such path. A store's own errors have the code too, with words of their own."""
        return self.status == NOT_FOUND and self.message.startswith('Path "')


def get_status(path: str, *, synced: bool = False, metadata: str = "") -> Request:
    """One path, as the cache has it; a store is asked only for what the cache never knew of.

    synced: Alluxio asks the store anew, and has its metadata follow: what changed there loses its cached data, what
    is gone is forgotten. metadata: as in list_files().
    """
    body: Json = {"commonOptions": _sync(anew=synced)}
    if metadata:
        body["loadMetadataType"] = metadata
    return Request(path, "get-status", body, reads=True)


def list_files(path: str, *, metadata: str, synced: bool = False) -> Request:
    """All below a path. metadata: NEVER asks no under store, ONCE what was never asked, ALWAYS each directory.

    With ONCE and ALWAYS Alluxio learns what it does not know, and leaves all that it knows as it is, whatever the
    store has there. synced: asks anew, and has its metadata follow: that drops files that are in the cache only.
    """
    body: Json = {
        "recursive": True,
        "loadMetadataType": metadata,
        "commonOptions": _sync(anew=synced),
    }
    return Request(path, "list-status", body, reads=True)


def _sync(*, anew: bool) -> Json:
    """Always said: else the cache's own alluxio.user.file.metadata.sync.interval would have a store asked."""
    return {"syncIntervalMs": 0 if anew else -1}


def make_directory(path: str) -> Request:
    """A directory and those above it."""
    body = {"recursive": True, "allowExists": True, "writeType": "MUST_CACHE"}
    return Request(path, "create-directory", body)


def mount(
    path: str,
    ufs: str,
    *,
    read_only: bool,
    shared: bool,
    options: Mapping[str, str],
    credentials: Mapping[str, str],
) -> Request:
    """Mount an under store. credentials: properties that are secret."""
    body = {
        "readOnly": read_only,
        "shared": shared,
        "properties": {**options, **credentials},
    }
    # A store is mounted by its directory.
    source = quote(f"{ufs.rstrip('/')}/", safe="/:")
    return Request(path, "mount", body, f"src={source}", secrets=tuple(credentials.values()))


def unmount(path: str) -> Request:
    """Forget a mount and what is cached of it. The under store keeps everything."""
    return Request(path, "unmount")


def free(path: str) -> Request:
    """Drop what is cached below a path. What is pinned, or in no under store, Alluxio refuses to free."""
    return Request(path, "free", {"recursive": True})


def evict(path: str) -> Request:
    """Drop what is cached of one file. Alluxio takes the pin of a pinned one, with its media and replicas."""
    return Request(path, "free", {"recursive": False, "forced": True})


def forget(path: str) -> Request:
    """Take a file out of the cache's own files, with its blocks. Its under store keeps it."""
    return Request(path, "delete", {"recursive": False, "alluxioOnly": True})


def set_attribute(path: str, *, recursive: bool, **attributes: Any) -> Request:
    """Set attributes by their names in SetAttributePOptions."""
    return Request(path, "set-attribute", {"recursive": recursive, **attributes})


def set_ttl(path: str, ttl_ms: int) -> Request:
    """Free what is below a path when the time is over; -1: never. Alluxio's default would delete in the store."""
    options = {"ttl": ttl_ms, "ttlAction": "FREE"}
    return set_attribute(path, recursive=False, commonOptions=options)


def parse(request: Request, status: int, body: bytes) -> Any:
    """What an answer holds; None for an empty one. Raises PathError."""
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text, object_hook=_kept) if text.strip() else None
    except ValueError:
        found = None
        status = status if status >= 300 else 502
    if status < 300:
        return found
    told = found if isinstance(found, Mapping) else {}
    message = str(told.get("message") or f"the proxy answered {status}")
    raise PathError(
        request, str(told.get("statusCode") or ""), hidden(_last(message), request.secrets)
    )


def _kept(found: Json) -> Any:
    """What is kept of an object of an answer. Those inside it come first: a block is but a number by then."""
    if "blockId" in found:
        return int(found.get("length") or 0) if found.get("locations") else 0
    if "blockInfo" in found:
        return found["blockInfo"]
    for name in UNREAD:
        found.pop(name, None)
    if blocks := found.pop(BLOCKS, None):
        found[CACHED] = sum(blocks)
    return found


def cached_bytes(status: Mapping[str, Any]) -> int:
    """How many bytes of a file workers hold.

    Without its blocks, from the percentage that Alluxio rounds down: 0 may be a block of a large file.
    """
    if CACHED in status:
        return int(status[CACHED])
    percentage = int(status.get("inAlluxioPercentage") or 0)
    return int(status.get("length") or 0) * percentage // 100


def _last(message: str) -> str:
    """Of a mount that failed Alluxio repeats the request, options and all; why it failed stands in the last line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else message


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without these values."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def why_refused(message: str) -> tuple[str, str]:
    """(cause, fix) of a store that cannot be listed, from Alluxio's words; empty where they say nothing known."""
    for pattern, cause, fix in _REFUSALS:
        if re.search(pattern, message):
            return cause, fix
    return "", "see `secret`, `options` and `ufs` of the dataset."


_REFUSALS: Final = (
    (
        r"NoSuchBucket|specified bucket does not exist",
        "There is no such bucket.",
        "make it, or correct `ufs`.",
    ),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|UserNotFound|access key|AccessDenied|Forbidden|\b403\b",
        "The store does not accept the credentials.",
        "check accessKeyId and secretKey in the Secret that `secret` names; without `secret` the root's are used.",
    ),
    (
        r"No Under ?File ?System Factory",
        "The image has no client for such a store.",
        "correct the scheme of `ufs`, or use an image that has one.",
    ),
    (r"does not exist", "There is no such directory in the store.", "make it, or correct `ufs`."),
    (
        r"Unable to execute HTTP request|[Cc]onnect|timed out|UnknownHost",
        "The store does not answer.",
        "check `endpoint` in `options`, from a pod of the cluster.",
    ),
)
