"""What our chart refuses of FUSE."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import View

_DEFAULT = "/mnt/alluxio-fuse"
_TWO_LEVELS = re.compile(r"/[^/]+/.*[^/]")
_BREAKS_A_COMMAND = re.compile(r"[\s'\"]", re.ASCII)


def faults(view: View) -> Iterator[SettingsError]:
    """Where the cache is mounted on the nodes."""
    fuse = view.section("fuse")
    if not fuse.get("enabled"):
        return
    point, path = str(fuse.get("mountPoint") or ""), str(fuse.get("mountPath") or "")
    if path and point not in (path, _DEFAULT):
        cause = f"fuse.mountPoint is {point!r}: two names of one setting."
        yield view.fault(("fuse", "mountPath"), cause, "keep fuse.mountPoint.")
    name, used = ("mountPath", path) if path else ("mountPoint", point)
    used = used.removesuffix("/")
    if not _TWO_LEVELS.fullmatch(used) or _BREAKS_A_COMMAND.search(used):
        yield view.fault(
            ("fuse", name),
            "The directory above it is mounted into the pod, so it lies at least two levels deep, without blanks.",
            f"for example {_DEFAULT}.",
        )
