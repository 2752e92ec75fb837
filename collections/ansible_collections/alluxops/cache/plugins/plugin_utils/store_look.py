"""Stores that are to be mounted, seen before the cache is touched: whether they can be listed, and how much is in them.

A Job like ufs_look's runs a master and a proxy of its own; there each store is mounted and listed. What these know,
credentials among it, ends with the pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_state,
    paths_api,
    ufs_look,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Totals
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import VARIABLE, Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import ufs_look as jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy, Place


@dataclass(frozen=True)
class Found:
    """What a store holds of a dataset: files below the paths that matter, and which of `load` are there."""

    totals: Totals
    parts: tuple[str, ...]


@contextmanager
def opened(
    kube: Kube, namespace: str, release: str, values: Mapping[str, Any], patience: Patience
) -> Iterator[StoreLook]:
    """The Job, for as long as the block."""
    path = objects.jobs(namespace, ufs_look.job_name(release))
    jobs.remove_leftover(kube, namespace, release, patience)
    kube.create(
        objects.jobs(namespace), ufs_look.job(namespace, release, values, root=ufs_look.EMPTY_ROOT)
    )
    with at_the_end(partial(kube.delete, path, propagation="Background")):
        pod = jobs.wait_for_pod(kube, namespace, release, patience)
        place = Place(
            namespace, pod, ufs_look.CONTAINER, ufs_look.MASTER_IN_BACKGROUND, ufs_look.END_MASTER
        )
        with closing(PathsProxy(kube, lambda: place)) as proxy:
            yield StoreLook(proxy, patience)


class StoreLook:
    """A master that knows nothing but what is mounted here."""

    def __init__(self, proxy: PathsProxy, patience: Patience) -> None:
        self._proxy = proxy
        self._patience = patience

    def find(self, one: Dataset, credentials: Mapping[str, str]) -> Found:
        """Mount a dataset's store and list what matters of it. Raises SettingsError where that cannot be."""
        # Beside each other below the root: what lies deeper would need directories.
        path = f"/{one.name}"
        self._patience.pause(f"a list of {one.ufs}/", 0)
        try:
            self._proxy.ask(
                paths_api.mount(
                    path,
                    one.ufs,
                    read_only=True,
                    shared=False,
                    options=one.options,
                    credentials=credentials,
                )
            )
            if not one.must_fit:
                self._proxy.ask(paths_api.Request(path, "list-status", reads=True))
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
                listing = self._proxy.ask(paths_api.list_files(here, metadata="ONCE", synced=True))
            except PathError as error:
                if error.is_missing and wanted != one.path:
                    continue
                raise
            parts.append(wanted)
            files += dataset_state.parse_files(listing or [])
        if one.pin and one.path not in one.load:
            whole = self._proxy.ask(paths_api.list_files(path, metadata="ONCE", synced=True))
            files = list(dataset_state.parse_files(whole or []))
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
