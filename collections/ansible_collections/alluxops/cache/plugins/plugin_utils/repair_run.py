"""The steps of a repair, done through Alluxio's own requests. I/O only; deciding is repair_plan's.

Each path is asked for by itself, just before it is touched: a sync of a directory would drop what is in the cache only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    consistency,
    paths_api,
    repair_plan,
    ufs_look,
)
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import (
    IN_STORE,
    LOST,
    UNREADABLE,
    File,
    Finding,
)
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.module_utils.repair_plan import Step
from ansible_collections.alluxops.cache.plugins.plugin_utils import content_check, digests
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import ContentCheck
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy, Place
from ansible_collections.alluxops.cache.plugins.plugin_utils.repair_note import RepairNote

POLL_S: Final = 1.0
CACHES: Final = {**content_check.LEAVES_ALL, "alluxio.user.file.readtype.default": "CACHE"}
"""Properties of a client whose reads have the workers cache what they pass on."""

GONE: Final = "it is gone, and what was set for it stays noted"
FULL: Final = (
    "not touched: what is set for it does not fit into the note of what is to be given back"
)
MEANWHILE: Final = "it changed meanwhile"
STAYS: Final = (
    "workers have not dropped what is cached of it: end what reads it, or restart the pods of those that"
    " `alluxio fs location` names"
)
BACK: Final = "its store has it after all"


class Repair:
    """One run's work on a cache that was looked at."""

    def __init__(self, check: ContentCheck, note: RepairNote) -> None:
        self._check = check
        self._ask = check.reader.ask
        self._note = note
        self._timeout_s = check.cache.timeout_s
        self._owed = note.read()
        self._fresh: set[str] = set()
        self._left: list[Finding] = []

    @property
    def owed(self) -> list[str]:
        """Paths among those looked at whose settings an interrupted repair has noted."""
        parts = self._check.parts
        return [path for path in self._owed if any(part.holds(path) for part in parts)]

    def apply(self, steps: Sequence[Step], say: Callable[[str], None]) -> list[Finding]:
        """Do the steps. Returns what could not be done. Interrupted anywhere, the next run goes on.

        Raises SettingsError where a store that was lost cannot be mounted again.
        """
        self._left = []
        cache, pod = self._check.cache, self._check.stores.pod
        place = Place(cache.namespace, pod, ufs_look.READER, properties=CACHES)
        with closing(PathsProxy(cache.kube, lambda: place)) as loader:
            limit = repair_plan.batch_bytes(cache.capacity_bytes)
            for batch in consistency.batches(steps, self._bytes, limit):
                self._check.keep_stores()  # their proxy has idled while others loaded
                ready = self._note_settings(self._obtainable(batch))
                touched = [step for step in ready if self._touch(step)]
                for step in touched:
                    say(step.shown)
                evicted = {step.path for step in touched if step.kind == "evict"}
                still_there = self._wait_evicted(evicted)
                self._give_back(touched)
                gone = [step for step in touched if step.path not in still_there]
                self._load(loader, [one.path for one in gone if self._is_to_load(one)], evicted)
        return self._left

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What Alluxio refuses for one path is told of it, and costs no other."""
        try:
            yield
        except PathError as error:
            self._left.append(Finding(path, UNREADABLE, error.message))

    def _bytes(self, step: Step) -> int:
        """What may be loaded in a step: of a file that changed, its new version."""
        found = self._check.stored.get(step.path) or self._check.known.get(step.path)
        return found.bytes if found and step.kind != "forget" else 0

    def _obtainable(self, batch: Sequence[Step]) -> list[Step]:
        """The steps that drop nothing but what the store gives, seen just now: it may fail by now, or hold a part only.

        A file that is to be evicted is read there to its end. One that is to be followed is asked for, as Alluxio takes
        a store that does not answer for one without the file.
        """
        sizes = {step.path: self._bytes(step) for step in batch if step.kind == "evict"}
        given = self._check.read_stored(sizes) if sizes else {}
        found: list[Step] = []
        for step in batch:
            with self._told(step.path):
                why = given[step.path].why if step.kind == "evict" else ""
                if step.kind == "follow" and not self._check.is_stored(step.path):
                    why = "it is not there now"
                if why:
                    self._left.append(Finding(step.path, UNREADABLE, f"{IN_STORE}{why}"))
                else:
                    found.append(step)
        return found

    def _note_settings(self, batch: Sequence[Step]) -> list[Step]:
        """Note what Alluxio forgets with the next step. Returns the steps that may be done.

        As it is set now: somebody may have pinned or unpinned a file since it was listed.
        """
        seen: list[Step] = []
        self._fresh = set()
        for step in batch:
            with self._told(step.path):
                if step.kind in ("follow", "forget", "evict"):
                    file = self._status(step.path)
                    if file is not None and _may_be_touched(file):
                        kept = repair_plan.kept_of(file)
                        # What an interrupted run has noted is older, and whole.
                        if not kept.is_plain and step.path not in self._owed:
                            self._owed[step.path] = kept
                            self._fresh.add(step.path)
                seen.append(step)
        fits = self._note.write(self._owed) if self._owed else set()
        full = set(self._owed) - fits
        self._fresh -= full
        for path in sorted(full):
            del self._owed[path]
            self._left.append(Finding(path, UNREADABLE, FULL))
        return [step for step in seen if step.path not in full]

    def _touch(self, step: Step) -> bool:
        """Do the first part of a step. False where the path is not as it was: nothing is done then."""
        why = MEANWHILE
        with self._told(step.path):
            file = self._status(step.path)
            if file is None or _may_be_touched(file):
                if step.kind != "forget" or not self._check.is_stored(step.path):
                    self._ask_for(step, is_known=file is not None)
                    return True
                why = BACK
            self._left.append(Finding(step.path, UNREADABLE, why))
            if step.path in self._fresh:  # nothing was taken from it
                del self._owed[step.path]
                self._note.write(self._owed)
        return False

    def _ask_for(self, step: Step, *, is_known: bool) -> None:
        try:
            if step.kind in ("follow", "forget") or (step.kind == "settings" and not is_known):
                self._ask(paths_api.get_status(step.path, synced=True, metadata="ONCE"))
            elif step.kind == "evict":
                self._ask(paths_api.evict(step.path))
        except PathError as error:
            if not error.is_missing:
                raise

    def _status(self, path: str) -> File | None:
        try:
            request = paths_api.get_status(path, metadata=content_check.NEVER)
            return consistency.file_of(self._ask(request))
        except PathError as error:
            if error.is_missing:
                return None
            raise

    def _wait_evicted(self, paths: Iterable[str]) -> set[str]:
        """Workers drop blocks with their next heartbeats; what is read before is old content. Returns what stays."""
        stays = self._wait(paths, lambda file: not file.cached_bytes, "to be dropped from workers")
        self._left += [Finding(path, UNREADABLE, STAYS) for path in sorted(stays)]
        return stays

    def _wait(
        self, paths: Iterable[str], is_done: Callable[[File], bool], awaited: str
    ) -> set[str]:
        """Wait for files. Returns those that are not so in the end; what is gone meanwhile is done."""
        patience = Patience(self._timeout_s)
        left, waiting = set(paths), set(paths)
        while True:
            asked, waiting = waiting, set()
            for path in asked:
                with self._told(path):
                    file = self._status(path)
                    if file is None or is_done(file):
                        left.remove(path)
                    else:
                        waiting.add(path)
            if not waiting or patience.is_over:
                return left
            patience.pause(f"{counted(len(waiting), 'file')} {awaited}", POLL_S)

    def _give_back(self, touched: Sequence[Step]) -> None:
        owed = [step for step in touched if step.path in self._owed]
        for path, kind in ((step.path, step.kind) for step in owed):
            with self._told(path):
                file = self._status(path)
                if file is not None:
                    self._set(path, self._owed[path].lacks(repair_plan.kept_of(file)))
                elif kind != "forget" and (kind != "settings" or path in self._check.stored):
                    self._left.append(Finding(path, UNREADABLE, GONE))
                    continue
                del self._owed[path]
        if owed:
            self._note.write(self._owed)

    def _set(self, path: str, lacking: Mapping[str, Any]) -> None:
        """One request an attribute: a pin sets a minimum of replicas of its own."""
        pin = {name: value for name, value in lacking.items() if name.startswith("pinned")}
        others = [{name: value} for name, value in lacking.items() if name not in pin]
        for attributes in [pin, *others]:
            if attributes:
                self._ask(paths_api.set_attribute(path, recursive=False, **attributes))

    def _is_to_load(self, step: Step) -> bool:
        if step.kind == "forget" or step.loads:
            return step.kind != "forget"
        file = self._seen(step.path)  # a new file has its directory's pin
        return file is not None and file.is_pinned

    def _seen(self, path: str) -> File | None:
        try:
            return self._status(path)
        except PathError as error:
            self._left.append(Finding(path, UNREADABLE, error.message))
            return None

    def _load(self, loader: PathsProxy, paths: Sequence[str], evicted: Collection[str]) -> None:
        """Read files through a client that has them cached. evicted: those whose content was wrong."""
        sizes = {path: file.bytes for path in paths if (file := self._seen(path)) and file.bytes}
        if not sizes:
            return
        found = digests.read(self._check.cache.kube, loader, sizes, self._timeout_s)
        wrong = {path: digest.why for path, digest in found.items() if digest.why}
        short = self._wait(
            set(sizes) - set(wrong), lambda file: file.is_cached_whole, "to be cached whole"
        )
        self._left += [Finding(path, UNREADABLE, why) for path, why in wrong.items()]
        self._left += [Finding(path, LOST, "not cached whole yet") for path in sorted(short)]
        self._judge(
            path
            for path in sorted(set(sizes) - set(wrong) - short)
            if self._is_doubtful(path, found[path], is_evicted=path in evicted)
        )

    def _is_doubtful(self, path: str, digest: Digest, *, is_evicted: bool) -> bool:
        """Whether what was loaded has to be compared with the store's bytes."""
        there = self._check.stored.get(path)
        if there is None:
            return False
        return not consistency.is_proven(there, digest) if there.md5 else is_evicted

    def _judge(self, paths: Iterable[str]) -> None:
        files = [file for path in paths if (file := self._seen(path))]
        if files:
            self._left += self._check.read(files).findings


def _may_be_touched(file: File) -> bool:
    return file.is_persisted and file.is_complete and not file.is_folder
