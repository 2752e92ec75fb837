"""Whether a restore that did not end stands in the way of another verb."""

from __future__ import annotations

from pathlib import PurePosixPath

from ansible_collections.alluxops.cache.plugins.module_utils.cluster_checks import (
    Check,
    fails,
    holds,
)


def restore_check(uri: str, release: str) -> Check:
    """uri: the backup that masters serve from which were told to restore it, while nothing says that it ended."""
    if not uri:
        return holds("restore", "none that did not end")
    name = PurePosixPath(uri).name
    return fails(
        "restore",
        f"a restore of {uri} into {release} has begun and did not end",
        f"run the same `alluxops restore` or `rollback` again (restore_from={name}): what was restored whole is brought"
        " to its end, anything else is backed up and restored anew.",
        "the cache may hold a part of the backup only.",
    )
