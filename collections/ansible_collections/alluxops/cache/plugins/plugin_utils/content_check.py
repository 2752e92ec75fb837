"""One look at a cache and at the stores below it, and reading both. I/O only; judging is consistency's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    check_targets,
    consistency,
    dataset_refuse,
    paths_api,
    ufs_look,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import Content
from ansible_collections.alluxops.cache.plugins.module_utils.check_targets import Opening, Part
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import (
    Compared,
    File,
    Finding,
    Known,
    Stored,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human
from ansible_collections.alluxops.cache.plugins.plugin_utils import (
    digests,
    helm_records,
    store_look,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.check_files import Proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy, Place
from ansible_collections.alluxops.cache.plugins.plugin_utils.store_look import StoreLook

NEVER: Final = "NEVER"
ASKED: Final = 10
"""So many files of a directory, or somewhat more, are asked for by themselves before the others are."""
LEAVES_ALL: Final = {
    **store_look.PASSES_ON,
    "alluxio.user.file.metadata.sync.interval": "-1",
    "alluxio.user.file.metadata.load.type": NEVER,
}
"""Properties of a client of the cache whose reads have no metadata loaded or compared either."""


class ContentCheck:
    """The parts of a cache that are to be checked, its stores beside it, and a client of it that changes nothing."""

    def __init__(
        self,
        cache: DatasetCache,
        stores: StoreLook,
        reader: PathsProxy,
        parts: Sequence[Part],
        must_be_cached: Sequence[str],
        secrets: Sequence[str],
        renew: Callable[[], None],
    ) -> None:
        """renew: mounts the stores once more, so that what was listed is forgotten."""
        self.cache = cache
        self.stores = stores
        self.reader = reader
        self.parts = parts
        self._tops = {part.path: part for part in parts}
        self.known: dict[str, File] = {}
        self.stored: dict[str, Stored] = {}
        self._loaded = must_be_cached
        self._secrets = secrets
        self._renew = renew
        self._is_first = True
        self._patience = Patience(float("inf"))
        self._stores_at: tuple[Place, int] | None = None

    def must_be_cached(self, file: File) -> bool:
        """Whether workers should hold all of it."""
        return file.is_pinned or self.is_to_be_loaded(file.path)

    def is_to_be_loaded(self, path: str) -> bool:
        """Whether a dataset declares it to be cached."""
        return any(check_targets.is_below(path, top) for top in self._loaded)

    def compare(self) -> Compared:
        """List both sides and compare. Raises SettingsError for a path that is nowhere, the first time."""
        self.known, self.stored = {}, {}
        is_first, self._is_first = self._is_first, False
        if not is_first:
            # Alluxio does not see every change of what it has listed before: none below a name with a lone %.
            self._renew()
        self._stores_at = self.stores.proxy.at()
        compared: list[Compared] = []
        faults: list[SettingsError] = []
        for part in self.parts:
            self._patience.pause(f"lists of {part.path} and of {part.ufs}/", 0)
            known, stored = self._known(part), self._stored(part)
            if known is None and not stored and is_first:
                faults.append(
                    SettingsError(
                        f"there is no {part.path}, in the cache or in {part.mount.ufs}/.",
                        "",
                        "correct the path; `alluxops shell -- fs ls /` shows what there is.",
                    )
                )
                continue
            known = known or Known()
            self._look_again(part, known, stored)
            self.known |= known.files
            self.stored |= stored
            compared.append(consistency.compare(known, stored, self.must_be_cached))
        self._refuse_another_master()  # it lists nothing, and all would be missing
        raise_all(faults)
        return Compared(
            tuple(one for each in compared for one in each.findings),
            tuple(one for each in compared for one in each.same),
            tuple(one for each in compared for one in each.only_cached),
            sum(each.unknown for each in compared),
            sum(each.unfinished for each in compared),
        )

    def _known(self, part: Part) -> Known | None:
        try:
            listing = self.reader.ask(paths_api.list_files(part.path, metadata=NEVER))
        except PathError as error:
            if error.is_missing:
                return None
            raise
        return consistency.parse_known(
            [entry for entry in listing or [] if part.tells(str(entry["path"]))], part.path
        )

    def _stored(self, part: Part) -> dict[str, Stored]:
        here = part.there(part.path)
        try:
            listing = self.stores.listing(here)
        except PathError as error:
            if error.is_missing:
                return {}
            raise _unlisted(part, error, self._secrets) from error
        stored = consistency.parse_stored(listing, here, part.path)
        # Backups of the metadata are written beside the cache, not through it.
        backups = f"/{backup.FOLDER}"
        return {
            path: one
            for path, one in stored.items()
            if part.holds(path) and not check_targets.is_below(path, backups)
        }

    def _look_again(self, part: Part, known: Known, stored: dict[str, Stored]) -> None:
        """Ask by itself for what a listing lacks: Alluxio passes over a directory that it could not list.

        Some of the files that one directory lacks tell of the others, if none of them is there: where a store was
        emptied, nobody waits for an answer a file. Nothing is forgotten by this alone: that takes one.
        """
        for paths in consistency.lacking(known, stored):
            some = paths[:: max(1, len(paths) // ASKED)]
            found = self._asked(part, some)
            if found and len(some) < len(paths):
                found |= self._asked(part, sorted({*paths} - {*some}))
            stored |= found

    def _asked(self, part: Part, paths: Sequence[str]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        for path in paths:
            here = part.there(path)
            status = self.stores.has(here)
            if status is not None:
                found |= consistency.parse_stored([status], here, path)
        return found

    def keep_stores(self) -> None:
        """See that the stores are mounted, and mount them again where their proxy was lost: it idles between its uses.

        Raises SettingsError where a store cannot be mounted now, CacheError where nothing answers.
        """
        if self.stores.proxy.at() != self._stores_at:
            self._renew()
            self._stores_at = self.stores.proxy.at()

    def is_stored(self, path: str) -> bool:
        """Ask the store once more for one path. Raises PathError for what it cannot tell."""
        status = self.stores.has(self._there(path))
        self._refuse_another_master()
        return status is not None

    def read(self, files: Sequence[File], proofs: Proofs | None = None) -> Content:
        """Read the files through the cache, and those of the store whose digest it does not tell. Proven ones once."""
        known = proofs.read() if proofs else {}
        left = [file for file in files if known.get(file.path) != file.proof]
        content = Content(
            len(files), sum(file.bytes for file in files), earlier=len(files) - len(left)
        )
        size = sum(file.bytes for file in left)
        for batch in consistency.batches(left, lambda file: file.bytes):
            self.keep_stores()
            found = self._read(batch, content)
            if proofs:
                wrong = {finding.path for finding in found}
                proofs.add(file for file in batch if file.path not in wrong)
            content.findings += found
            content.read += len(batch)
            content.read_bytes += sum(file.bytes for file in batch)
            self._patience.pause(
                f"{content.read} of {len(left)} files read ({human(content.read_bytes)} of {human(size)})",
                0,
            )
        return content

    def _read(self, batch: Sequence[File], content: Content) -> list[Finding]:
        kube, timeout_s = self.cache.kube, self.cache.timeout_s
        told = {file.path: file.bytes for file in batch if self.stored[file.path].md5}
        first = digests.read(kube, self.reader, told, timeout_s, counts=False) if told else {}
        doubtful = [
            file
            for file in batch
            if file.path not in first
            or not consistency.is_proven(self.stored[file.path], first[file.path])
        ]
        if not doubtful:
            return []
        sizes = {file.path: file.bytes for file in doubtful}
        cached = digests.read(kube, self.reader, sizes, timeout_s)
        # What cannot be read through the cache too: whether the store gives it decides what a repair may drop.
        theirs = self.read_stored(sizes)
        content.store_files += len(sizes)
        judged = (
            consistency.judge(file, cached[file.path], theirs[file.path]) for file in doubtful
        )
        return [finding for finding in judged if finding is not None]

    def read_stored(self, sizes: Mapping[str, int]) -> dict[str, Digest]:
        """The digests of files as their store gives them. sizes: their bytes there, by their paths in the cache."""
        there = {self._there(path): path for path in sizes}
        self.keep_stores()  # one large file takes the cache's client long enough
        wanted = {name: sizes[path] for name, path in there.items()}
        found = digests.read(self.cache.kube, self.stores.proxy, wanted, self.cache.timeout_s)
        self._refuse_another_master()  # it gives nothing, and no store would
        return {path: found[name] for name, path in there.items()}

    def _refuse_another_master(self) -> None:
        """What begins anew after its connection was lost has nothing mounted."""
        at = self.stores.proxy.at()
        if at != self._stores_at:
            raise CacheError(
                "the connection to the Job that reads the stores was lost.",
                fix="run it again: what is done stays.",
            )

    def _there(self, path: str) -> str:
        part = check_targets.holder(self._tops, path)
        if part is None:
            raise AssertionError(f"{path} is in no part")
        return part.there(path)


def _unlisted(part: Part, error: PathError, secrets: Iterable[str]) -> SettingsError:
    message = paths_api.hidden(error.message, secrets)
    cause, fix = paths_api.why_refused(message)
    return SettingsError(f"{part.mount.ufs}/ cannot be listed: {message}", cause, fix)


@contextmanager
def opened(
    kube: Kube,
    namespace: str,
    release: str,
    paths: Sequence[str],
    declared: Sequence[Dataset],
    timeout_s: int,
) -> Iterator[ContentCheck]:
    """A Job with the stores mounted and a client of the cache, for as long as the block. Raises SettingsError."""
    with closing(DatasetCache(kube, namespace, release, timeout_s)) as cache:
        values = helm_records.values(kube, namespace, release)
        parts = check_targets.parts(paths, cache.mounts())
        parts = check_targets.shared(parts, values, is_asked=bool(paths))
        openings = _openings(cache, parts, declared, values)
        secrets = [key for how in openings.values() for key in how.credentials.values()]
        patience = Patience(timeout_s)
        with store_look.opened(kube, namespace, release, values, patience, reads=True) as stores:
            mount = partial(_mount, stores, parts, openings, secrets)
            mount()
            place = Place(namespace, stores.pod, ufs_look.READER, properties=LEAVES_ALL)
            with closing(PathsProxy(kube, lambda: place)) as reader:
                loaded = list(check_targets.loaded(declared))

                renew = partial(_renew, stores, parts, mount)
                yield ContentCheck(cache, stores, reader, parts, loaded, secrets, renew)


def _renew(stores: StoreLook, parts: Sequence[Part], mount: Callable[[], None]) -> None:
    stores.proxy.at()  # one that was lost begins anew, with nothing mounted
    for path in {part.store for part in parts}:
        with suppress(PathError):
            stores.proxy.ask(paths_api.unmount(path))
    mount()


def _openings(
    cache: DatasetCache,
    parts: Sequence[Part],
    declared: Sequence[Dataset],
    values: Mapping[str, Any],
) -> dict[str, Opening]:
    """How each mount's store is opened, by its path."""
    master = values.get("master") or {}
    properties = {**(values.get("properties") or {}), **(master.get("properties") or {})}
    openings: dict[str, Opening] = {}
    faults: list[SettingsError] = []
    for mount in {part.mount.path: part.mount for part in parts}.values():
        found, fault = check_targets.opening(mount, declared, properties)
        if found.secret is not None:
            name = found.secret.secret
            secret = cache.kube.get(objects.core(cache.namespace, "secrets", name))
            keys, fault = dataset_refuse.credentials(found.secret, secret, cache.namespace)
            found = replace(found, credentials=keys)
        openings[mount.path] = found
        faults += [fault] if fault else []
    raise_all(faults)
    return openings


def _mount(
    stores: StoreLook,
    parts: Sequence[Part],
    openings: Mapping[str, Opening],
    secrets: Sequence[str],
) -> None:
    faults: list[SettingsError] = []
    for part in {part.store: part for part in parts}.values():
        how = openings[part.mount.path]
        try:
            stores.mount(part.store, part.mount.ufs, how.options, how.credentials)
        except PathError as error:
            faults.append(_unlisted(part, error, secrets))
    raise_all(faults)
