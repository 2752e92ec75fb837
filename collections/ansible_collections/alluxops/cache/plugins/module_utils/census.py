"""How much metadata a cache holds, read in one second whatever its size: counts and mounts, no listing.

It is compared before and after what must not lose any: a restore, a change of the journal's type, an upgrade.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

GAUGES: Final = {
    "paths": "Master.TotalPaths",
    "pinned": "Master.FilesPinned",
    "ttls": "Master.TTLInodes",
}
_NOUNS: Final = {"paths": "paths", "pinned": "pinned files", "ttls": "paths with a TTL"}


@dataclass(frozen=True)
class Mount:
    """One entry of the mount table. options: names only, since values may be credentials."""

    path: str
    ufs: str
    read_only: bool = False
    shared: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Census:
    """What a leader holds. Counts are None where its version does not tell them."""

    paths: int | None
    pinned: int | None
    ttls: int | None
    mounts: tuple[Mount, ...]
    version: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a task's result."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Census:
        """The inverse of as_dict()."""
        mounts = tuple(
            Mount(**{**mount, "options": tuple(mount["options"])}) for mount in given["mounts"]
        )
        return cls(**{**given, "mounts": mounts})


def parse(info: str | None, metrics: str | None) -> Census:
    """A census from the leader's /api/v1/master/info and /metrics/json/. Raises CacheError where they are not that."""
    try:
        told = json.loads(info or "")
        points = told["mountPoints"]
        mounts = tuple(
            sorted((_mount(path, points[path]) for path in points), key=lambda m: m.path)
        )
        gauges = (json.loads(metrics) if metrics else {}).get("gauges") or {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CacheError(
            "the leader does not tell what it holds.",
            f"its web port's answer cannot be read: {error}",
        ) from error
    counts = {name: _count(gauges.get(gauge)) for name, gauge in GAUGES.items()}
    return Census(**counts, mounts=mounts, version=str(told.get("version", "")))


def _mount(path: str, point: Mapping[str, Any]) -> Mount:
    return Mount(
        path=path,
        ufs=str(point.get("ufsUri", "")),
        read_only=bool(point.get("readOnly")),
        shared=bool(point.get("shared")),
        options=tuple(sorted(point.get("properties") or {})),
    )


def _count(gauge: Any) -> int | None:
    value = gauge.get("value") if isinstance(gauge, Mapping) else None
    return int(value) if isinstance(value, int | float) else None


def differences(before: Census, after: Census) -> list[str]:
    """What changed from one census to another, a line each; empty when nothing did. What one lacks is left out."""
    found = []
    for name, noun in _NOUNS.items():
        then, now = getattr(before, name), getattr(after, name)
        if then is not None and now is not None and then != now:
            found.append(f"{noun}: {then} before, {now} after")
    old = {mount.path: mount for mount in before.mounts}
    new = {mount.path: mount for mount in after.mounts}
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            found.append(f"mount {path} ({old[path].ufs}) is gone")
        elif path not in old:
            found.append(f"mount {path} ({new[path].ufs}) is new")
        elif old[path] != new[path]:
            found.append(f"mount {path}: {_shown(old[path])} before, {_shown(new[path])} after")
    return found


def untold(census: Census) -> dict[str, str]:
    """What a leader does not count, by gauge: nothing can be proved of it."""
    return {gauge: _NOUNS[name] for name, gauge in GAUGES.items() if getattr(census, name) is None}


def _shown(mount: Mount) -> str:
    words = [mount.ufs]
    words += ["read-only"] if mount.read_only else []
    words += ["shared"] if mount.shared else []
    words += [f"with {', '.join(mount.options)}"] if mount.options else []
    return " ".join(words)


def lines(census: Census) -> list[str]:
    """The census for a person."""
    counts = [
        f"{getattr(census, name)} {noun}"
        for name, noun in _NOUNS.items()
        if getattr(census, name) is not None
    ]
    mounts = [f"{mount.path} -> {_shown(mount)}" for mount in census.mounts]
    return [", ".join(counts) or "no counts", *mounts]
