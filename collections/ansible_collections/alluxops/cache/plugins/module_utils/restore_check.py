"""Whether a restore that did not end stands in the way of another verb."""

from __future__ import annotations

from pathlib import PurePosixPath

from ansible_collections.alluxops.cache.plugins.module_utils.cluster_checks import (
    Check,
    fails,
    holds,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import MARKER


def restore_check(uri: str, release: str) -> Check:
    """uri: the backup that was being restored into the journals that masters serve from, unless that has ended."""
    if not uri:
        return holds("restore", "none that did not end")
    name = PurePosixPath(uri).name
    return fails(
        "restore",
        f"a restore of {uri} into {release} has begun and did not end",
        f"run the same `alluxops restore` or `rollback` again (restore_from={name}): what was restored whole is brought"
        " to its end, anything else is backed up and restored anew. If masters have served from it since and that is to"
        f" be kept, remove {MARKER} from each master's journal and run again.",
        "the cache may hold a part of the backup only.",
    )


def refuse_backup(pending: str, noted: str, release: str) -> None:
    """Raise SettingsError where a backup may be one of a part of the metadata, and yet become the newest.

    pending: the backup that the leader was told to start from. noted: the one that a run has restored whole which has
    not ended: pins may be missing still.
    """
    uri = pending or noted
    if not uri:
        return
    raise SettingsError(
        f"a restore of {uri} into {release} has begun and did not end.",
        "A backup made now would be the newest one, and could push that one out, though it may hold a part of it only.",
        f"let the restore end, or run the same `alluxops restore` or `rollback` again"
        f" (restore_from={PurePosixPath(uri).name}), then back up.",
    )
