"""Stores that are to be mounted, seen before the cache is touched: whether they can be listed, and how much is in them.

A Job like ufs_look's runs a master and a proxy of its own; there each store is mounted and listed. What these know,
credentials among it, ends with the pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_state,
    paths_api,
    ufs_look,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Totals
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import VARIABLE, Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.plugin_utils import ufs_look as jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy, Place

PASSES_ON: Final = {
    "alluxio.user.file.readtype.default": "NO_CACHE",
    "alluxio.user.file.passive.cache.enabled": "false",
    "alluxio.user.update.file.accesstime.disabled": "true",
    "alluxio.user.client.cache.enabled": "false",
}
"""Properties of a client that reads and leaves everything as it was: nothing is cached, copied or noted for it."""


@dataclass(frozen=True)
class Found:
    """What a store holds of a dataset: files below the paths that matter, and which of `load` are there."""

    totals: Totals
    parts: tuple[str, ...]


@contextmanager
def opened(
    kube: Kube,
    namespace: str,
    release: str,
    values: Mapping[str, Any],
    patience: Patience,
    *,
    reads: bool = False,
) -> Iterator[StoreLook]:
    """The Job, for as long as the block. reads: one that files can be read in, of the stores and of the cache."""
    body = ufs_look.job(namespace, release, values, root=ufs_look.EMPTY_ROOT, reads=reads)
    with jobs.started(kube, namespace, release, body, patience) as pod:
        before, after = ufs_look.MASTER_IN_BACKGROUND, ufs_look.END_MASTER
        if reads:
            before += ufs_look.WORKER_IN_BACKGROUND
            after += f"\n{ufs_look.END_WORKER}"
        place = Place(namespace, pod, ufs_look.CONTAINER, before, after, PASSES_ON)
        with closing(PathsProxy(kube, lambda: place)) as proxy:
            yield StoreLook(proxy, patience, pod)


class StoreLook:
    """A master that knows nothing but what is mounted here. pod: where it is."""

    def __init__(self, proxy: PathsProxy, patience: Patience, pod: str = "") -> None:
        self.proxy = proxy
        self.pod = pod
        self._patience = patience

    def mount(
        self, path: str, ufs: str, options: Mapping[str, str], credentials: Mapping[str, str]
    ) -> None:
        """Mount a store, read-only. Raises PathError."""
        self.proxy.ask(
            paths_api.mount(
                path, ufs, read_only=True, shared=False, options=options, credentials=credentials
            )
        )

    def listing(self, path: str) -> list[dict[str, Any]]:
        """All that a store has below a path. Raises PathError."""
        request = paths_api.list_files(path, metadata="ONCE", synced=True)
        return list(self.proxy.ask(request) or [])

    def has(self, path: str) -> dict[str, Any] | None:
        """A path's status, asked of the store anew; None where it is not there."""
        request = paths_api.get_status(path, synced=True)
        try:
            return dict(self.proxy.ask(request))
        except PathError as error:
            if error.is_missing:
                return None
            raise

    def find(self, one: Dataset, credentials: Mapping[str, str]) -> Found:
        """Mount a dataset's store and list what matters of it. Raises SettingsError where that cannot be."""
        # Beside each other below the root: what lies deeper would need directories.
        path = f"/{one.name}"
        self._patience.pause(f"a list of {one.ufs}/", 0)
        try:
            self.mount(path, one.ufs, one.options, credentials)
            if not one.must_fit:
                self.proxy.ask(paths_api.Request(path, "list-status", reads=True))
                return Found(Totals(), ())
            return self._sizes(one, path)
        except PathError as error:
            message = paths_api.hidden(error.message, credentials.values())
            cause, fix = paths_api.why_refused(message)
            raise SettingsError(
                f"{one.name}: {one.ufs}/ cannot be listed: {message} ({VARIABLE})", cause, fix
            ) from error

    def _sizes(self, one: Dataset, path: str) -> Found:
        parts: list[str] = []
        files: list[dataset_state.File] = []
        for wanted in one.load or (one.path,):
            here = path + wanted.removeprefix(one.path)
            try:
                listing = self.listing(here)
            except PathError as error:
                if error.is_missing and wanted != one.path:
                    continue
                raise
            parts.append(wanted)
            files += dataset_state.parse_files(listing)
        if one.pin and one.path not in one.load:
            files = list(dataset_state.parse_files(self.listing(path)))
        return Found(dataset_state.totals(files), tuple(parts))


def look(
    kube: Kube,
    namespace: str,
    release: str,
    values: Mapping[str, Any],
    wanted: Sequence[tuple[Dataset, Mapping[str, str]]],
    timeout_s: float,
) -> tuple[dict[str, Found], list[SettingsError]]:
    """What the stores of these datasets hold, by name, and what is wrong with them."""
    found: dict[str, Found] = {}
    faults: list[SettingsError] = []
    if not wanted:
        return found, faults
    with opened(kube, namespace, release, values, Patience(timeout_s)) as stores:
        for one, credentials in wanted:
            try:
                found[one.name] = stores.find(one, credentials)
            except SettingsError as error:
                faults.append(error)
    return found, faults
