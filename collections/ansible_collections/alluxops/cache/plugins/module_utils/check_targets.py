"""Which parts of which mounts a check is about, and what opens their stores. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_state
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import ABSENT, Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import looks_secret

ROOT_OPTION: Final = "alluxio.master.mount.table.root.option."


@dataclass(frozen=True)
class Part:
    """A path of the cache, all of it in one mount but for the mounts below. others: paths of these.

    store: where the mount's store is in a master that has all of them beside each other.
    """

    path: str
    mount: Mount
    others: tuple[str, ...] = ()
    store: str = ""

    @property
    def ufs(self) -> str:
        """What it is in the store."""
        below = self.path.removeprefix(self.mount.path.rstrip("/"))
        return f"{self.mount.ufs.rstrip('/')}{below if below != '/' else ''}"

    def there(self, path: str) -> str:
        """Where a path of the cache is below `store`."""
        below = path.removeprefix(self.mount.path.rstrip("/")).strip("/")
        return f"{self.store}/{below}" if below else self.store

    def holds(self, path: str) -> bool:
        """Whether a path is in this part."""
        return is_below(path, self.path) and not any(is_below(path, other) for other in self.others)

    def tells(self, path: str) -> bool:
        """Whether a path in the cache says something of the store: a directory that leads to a mount does not."""
        return self.holds(path) and not any(is_below(other, path) for other in self.others)


@dataclass(frozen=True)
class Opening:
    """How a mount's store is opened. secret: the Secret with its credentials; "" for the root's own."""

    options: Mapping[str, str] = field(default_factory=dict)
    secret: Dataset | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)


def is_below(path: str, top: str) -> bool:
    """Whether a path is another one, or lies below it."""
    return f"{path.rstrip('/')}/".startswith(f"{top.rstrip('/')}/")


def holder(tops: Mapping[str, Part], path: str) -> Part | None:
    """The part that holds a path; tops: all parts by their paths. It is the nearest above, as a mount is a part too."""
    above = path.rstrip("/") or "/"
    while above not in tops and above != "/":
        above = posixpath.dirname(above)
    found = tops.get(above)
    return found if found is not None and found.holds(path) else None


def read(given: Any, variable: str) -> tuple[list[str], list[SettingsError]]:
    """(paths without those that lie in others, faults)."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        given = [given]
    faults = [
        SettingsError(
            f"{variable}[{number}] is {path!r}.",
            "A path of the cache begins with / and has no `.`, `..` or empty part.",
            "write it as /imagenet/train, a directory or a file.",
        )
        for number, path in enumerate(given)
        if not _is_plain(path)
    ]
    paths = sorted({path.rstrip("/") or "/" for path in given if _is_plain(path)})
    apart = [
        path for path in paths if not any(path != top and is_below(path, top) for top in paths)
    ]
    return apart, faults


def _is_plain(path: Any) -> bool:
    if not isinstance(path, str) or not path.startswith("/"):
        return False
    names = path.rstrip("/").split("/")[1:]
    return all(name not in ("", ".", "..") for name in names)


def parts(paths: Iterable[str], mounts: Mapping[str, Mount]) -> list[Part]:
    """The parts of the mounts that these paths mean, those mounted below them too. No path: all of every mount."""
    found: dict[str, Part] = {}
    for path in paths or (dataset_state.ROOT,):
        above = max((name for name in mounts if is_below(path, name)), key=len)
        below = sorted(name for name in mounts if name != path and is_below(name, path))
        for top, name in ((path, above), *((name, name) for name in below)):
            store = f"/store-{sorted(mounts).index(name)}"
            others = tuple(
                sorted(other for other in mounts if other != top and is_below(other, top))
            )
            found[top] = Part(top, mounts[name], others, store)
    return [found[path] for path in sorted(found)]


def in_pods(mount: Mount, values: Mapping[str, Any]) -> bool:
    """Whether the root is a directory that each pod has for itself, so that there is nothing to compare with."""
    if mount.path != dataset_state.ROOT or "://" in mount.ufs:
        return False
    volumes = [str(volume.get("path", "")) for volume in values.get("mounts") or []]
    return not any(path and is_below(mount.ufs, path) for path in volumes)


def shared(given: Sequence[Part], values: Mapping[str, Any], *, is_asked: bool) -> list[Part]:
    """The parts whose stores are everybody's. Raises SettingsError where one that is asked for is not, or none is."""
    found = [part for part in given if not in_pods(part.mount, values)]
    if not found or (is_asked and len(found) < len(given)):
        raise SettingsError(
            f"the root of the cache is {given[0].mount.ufs}, a directory that each pod has for itself.",
            "There is nothing beside the cache to compare with.",
            "name paths of other mounts.",
        )
    return found


def opening(
    mount: Mount, datasets: Sequence[Dataset], properties: Mapping[str, Any]
) -> tuple[Opening, SettingsError | None]:
    """(how a mount's store is opened, fault). properties: the masters', of which some are the root mount's options."""
    if mount.path == dataset_state.ROOT:
        own = {
            str(key).removeprefix(ROOT_OPTION): str(value)
            for key, value in properties.items()
            if str(key).startswith(ROOT_OPTION)
        }
        secret = {key: value for key, value in own.items() if looks_secret(key)}
        options = {key: value for key, value in own.items() if key not in secret}
        return Opening(options, credentials=secret), None
    declared = next(
        (
            one
            for one in datasets
            if one.path == mount.path and one.ufs == mount.ufs and one.state != ABSENT
        ),
        None,
    )
    if declared is not None and declared.secret:
        return Opening(mount.options, declared), None
    if mount.has_credentials:
        return Opening(), SettingsError(
            f"{mount.ufs}/ is mounted at {mount.path} with credentials of its own.",
            "Alluxio shows them to nobody, so its store cannot be asked beside the cache.",
            "declare it in alluxio_datasets with `path`, `ufs` and `secret`, or name other paths.",
        )
    return Opening(mount.options), None


def loaded(datasets: Iterable[Dataset]) -> Iterator[str]:
    """The paths that are declared to be cached whole."""
    for one in datasets:
        if one.must_fit and not one.ttl_s:
            yield from one.load
