"""What our chart refuses of tiers and memory limits; that the tiers fit into the limit is in values_check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import kubernetes_bytes
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Path
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import View, text

# As in charts/alluxio/templates/_sizes.tpl.
_QUOTA = re.compile(r"(0|[1-9][0-9]*)([.][0-9]+)?([kKmMgGtTpP]([iI]?[bB]|[iI])?|[bB])?", re.ASCII)
_LIMIT = re.compile(r"[0-9]+([.][0-9]+)?([eE][0-9]+|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?", re.ASCII)
_ALWAYS = ("master", "jobMaster", "worker", "jobWorker")
_IF_ENABLED = ("proxy", "fuse", "logserver")


def faults(view: View) -> Iterator[SettingsError]:
    """Tiers, where there are workers, and the memory limit of each component."""
    if view.get("worker", "enabled") is not False:
        levels = view.get("tieredstore", "levels")
        for position, tier in enumerate(levels if isinstance(levels, list) else []):
            if isinstance(tier, Mapping):
                yield from _tier(view, position, tier)
    yield from _limits(view)


def directories(tier: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(medium, quota) of each directory of a tier; a level may hold several, comma-separated."""
    media = str(tier.get("mediumtype", "")).split(",")
    quotas = text(tier.get("quota", "")).split(",")
    return [(medium.strip(), quota.strip()) for medium, quota in zip(media, quotas, strict=False)]


def _tier(view: View, position: int, tier: Mapping[str, Any]) -> Iterator[SettingsError]:
    path: Path = ("tieredstore", "levels", position)
    if "level" in tier and tier["level"] != position:
        fix = "list the levels in order, from level 0 without a gap."
        yield view.fault((*path, "level"), f"It stands at place {position}.", fix)
    media = str(tier.get("mediumtype", "")).split(",")
    for name in ("path", "quota"):
        parts = text(tier.get(name, "")).split(",")
        if name in tier and len(parts) != len(media):
            yield view.fault(
                (*path, name),
                f"mediumtype {tier.get('mediumtype')!r} names {len(media)} directories, and this {len(parts)}.",
                "give each comma-separated list the same length.",
            )
    if tier.get("type") == "persistentVolumeClaim":
        claims = [claim.strip() for claim in str(tier.get("name") or "").split(",")]
        if len(claims) != len(media) or not all(claims):
            yield view.fault(
                (*path, "type"),
                "name does not give a claim for each directory.",
                "name the PersistentVolumeClaims, comma-separated, as in name: alluxio-ssd.",
            )


def quota_is_read(quota: str) -> bool:
    """Whether our chart reads a quota. It is stricter than Alluxio: no blanks, no leading nought."""
    return _QUOTA.fullmatch(quota.strip()) is not None


def _limits(view: View) -> Iterator[SettingsError]:
    present = [name for name in _ALWAYS if view.get(name, "enabled") is not False]
    present += [name for name in _IF_ENABLED if view.get(name, "enabled")]
    for name in present:
        path: Path = (name, "resources", "limits", "memory")
        limit = view.get(*path)
        if limit and not _LIMIT.fullmatch(text(limit).strip()) and not _told(name, limit):
            yield view.fault(path, "The chart does not read it as a size.", "write e.g. 4Gi.")


def _told(name: str, limit: Any) -> bool:
    """Whether values_check tells it: a worker's limit that is no size to anyone, whatever the chart."""
    try:
        kubernetes_bytes(limit)
    except ValueError:
        return name == "worker"
    return False
