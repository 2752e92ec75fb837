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
STAYS: Final = "workers have not dropped what is cached of it"
BACK: Final = "its store has it after all"


class Repair:
    """One run's work on a cache that was looked at."""

    def __init__(self, check: ContentCheck, note: RepairNote) -> None:
        self._check = check
        self._ask = check.reader.ask
        self._note = note
        self._timeout_s = check.cache.timeout_s
        self._owed = note.read()
        self._left: list[Finding] = []

    @property
    def owed(self) -> list[str]:
        """Paths among those looked at whose settings an interrupted repair has noted."""
        parts = self._check.parts
        return [path for path in self._owed if any(part.holds(path) for part in parts)]

    def apply(self, steps: Sequence[Step], say: Callable[[str], None]) -> list[Finding]:
        """Do the steps. Returns what could not be done. Interrupted anywhere, the next run goes on."""
        self._left = []
        cache, pod = self._check.cache, self._check.stores.pod
        place = Place(cache.namespace, pod, ufs_look.READER, properties=CACHES)
        with closing(PathsProxy(cache.kube, lambda: place)) as loader:
            for batch in _portions(steps):
                noted = self._note_settings(batch)
                touched = [step for step in batch if self._touch(step, noted)]
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

    def _note_settings(self, batch: Sequence[Step]) -> set[str]:
        """Note what Alluxio forgets with the next step. Returns the paths that may be touched.

        As it is set now: somebody may have pinned or unpinned a file since it was listed.
        """
        seen: set[str] = set()
        for step in batch:
            with self._told(step.path):
                if step.kind in ("follow", "forget", "evict"):
                    file = self._status(step.path)
                    if file is not None and _may_be_touched(file):
                        kept = repair_plan.kept_of(file)
                        if not kept.is_plain:
                            # What an interrupted run has noted is older, and whole.
                            self._owed.setdefault(step.path, kept)
                seen.add(step.path)
        fits = self._note.write(self._owed) if self._owed else set()
        return {path for path in seen if path not in self._owed or path in fits}

    def _touch(self, step: Step, noted: set[str]) -> bool:
        """Do the first part of a step. False where the path is not as it was: nothing is done then."""
        why = "it changed meanwhile"
        with self._told(step.path):
            file = self._status(step.path)
            if step.path in noted and (file is None or _may_be_touched(file)):
                if step.kind != "forget" or not self._check.is_stored(step.path):
                    self._ask_for(step, is_known=file is not None)
                    return True
                why = BACK
            self._left.append(Finding(step.path, UNREADABLE, why))
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
        stays = self._wait(
            paths, lambda file: not file.cached_percent, "to be dropped from workers"
        )
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


def _portions(steps: Sequence[Step]) -> Iterable[Sequence[Step]]:
    size = consistency.BATCH_FILES
    return (steps[start : start + size] for start in range(0, len(steps), size))
