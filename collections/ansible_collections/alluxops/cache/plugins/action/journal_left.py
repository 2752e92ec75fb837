"""Write into the journals of masters that left the quorum that they are old copies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, journal, volumes
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_left import (
    OldCopy,
    old_copies,
    unmarked,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import JournalJobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

NOTHING: Final[Result] = {"changed": False, "left": [], "warnings": []}


class ActionModule(ApiAction):
    """alluxops.cache.journal_left."""

    def act(self, kube: Kube, options: Options) -> Result:
        """See which masters belong to the release, and look into the volumes of the others."""
        values, release = options["values"], options["release"]
        if self.check_mode or not journal.is_in_volume(values) or journal.is_shared(values):
            return NOTHING
        serving = _serving(kube, options)
        copies = [
            copy
            for copy in _old_copies(kube, options, serving)
            if (not options["ordinals"] or copy.ordinal in options["ordinals"])
            and copy.ordinal not in options["passed_over"]
        ]
        writer = _Writer(kube, options)
        notes = JournalNotes(kube, options["namespace"])
        for copy in copies:
            notes.forget(copy.claim["name"])  # nobody is to miss an old copy
            # One that cannot be reached must not keep the others, or the verb, from their end.
            try:
                writer.treat(copy)
            except CacheError as error:
                writer.warn(copy, error.what)
        return writer.result(release)


def _serving(kube: Kube, options: Options) -> set[int]:
    """The masters that belong to the release: those that run, and the members of the quorum."""
    namespace, release = options["namespace"], options["release"]
    masters_set = cluster.workload_facts(objects.masters_set(kube, namespace, release))
    running = set(range(int(masters_set["replicas"]) if masters_set else 0))
    if (options["values"].get("journal") or {}).get("type") != "EMBEDDED":
        return running
    found = Masters(kube, namespace, release).led(Patience(options["wait_timeout_s"]))
    return running | set(found.ordinals)


def _old_copies(kube: Kube, options: Options, serving: set[int]) -> list[OldCopy]:
    if not serving:  # who is to know what is old?
        return []
    claims = kube.list_objects(objects.core(options["namespace"], "persistentvolumeclaims"))
    return old_copies(
        options["release"],
        [volumes.claim_facts(item) for item in claims],
        [volumes.volume_facts(item) for item in kube.list_objects(objects.volume())],
        objects.nodes(kube),
        serving,
    )


class _Writer:
    """The markers of old copies, each written by a Job that has the volume."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self.kube = kube
        self.options = options
        self.wanted = journal.Wanted.from_values(
            options["namespace"],
            options["release"],
            options["values"],
            cluster=objects.cluster_uid(kube),
        )
        self._before: dict[int, Json | None] = {}
        self._after: dict[int, Json | None] = {}
        self._warnings: list[str] = []

    def treat(self, copy: OldCopy) -> None:
        """Mark one journal as an old copy, unless it is marked or none of the release's. Raises CacheError."""
        if copy.away:
            self.warn(copy, f"node {copy.away} is not Ready")
            return
        patience = Patience(self.options["wait_timeout_s"])
        with JournalJobs(self.kube, self.wanted, [copy.claim], self.options["values"]) as jobs:
            jobs.clear(patience)
            jobs.start()
            [found] = jobs.states(patience)
            if found.state == "unreadable":
                self.warn(copy, found.detail)
                return
            marker = journal.left_marker(found, self.wanted, datetime.now(UTC), self.options["by"])
            if marker is None:
                return
            self._before[copy.ordinal] = journal.marker_facts(found.marker)
            if marker != found.marker:
                jobs.mark(copy.ordinal, marker)
            self._after[copy.ordinal] = journal.marker_facts(marker)

    def warn(self, copy: OldCopy, why: str) -> None:
        """Say of one that it could not be marked."""
        self._warnings.append(unmarked(copy, self.wanted.release, why.rstrip(".")))

    def result(self, release: str) -> Result:
        """What was found and what it is now, by master."""
        return {
            "changed": self._before != self._after,
            "left": sorted(self._after),
            "warnings": self._warnings,
            "diff": {
                "before": as_yaml({f"{release}-master-{n}": self._before[n] for n in self._after}),
                "after": as_yaml({f"{release}-master-{n}": self._after[n] for n in self._after}),
            },
        }
