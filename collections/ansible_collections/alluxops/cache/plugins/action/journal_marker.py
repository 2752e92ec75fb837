"""Write down in the journals which release they are and which Alluxio has served from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_lost import (
    refuse_another,
    refuse_lost,
    refuse_other_type,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import served_journals
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

NOTHING: Final[Result] = {
    "changed": False,
    "leads": True,
    "markers": [],
    "noted": [],
    "warnings": [],
}


class ActionModule(ApiAction):
    """alluxops.cache.journal_marker."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Read each running master's marker, complete it, write it where that changed something."""
        values = options["values"]
        if not journal.is_in_volume(values):
            return NOTHING
        namespace, release = options["namespace"], options["release"]
        seen = objects.look(kube, namespace, release)
        wanted = journal.Wanted.from_values(
            namespace, release, values, cluster=objects.cluster_uid(kube)
        )
        if seen.leader is None:
            if self.check_mode or options["upcoming"]:
                return {**NOTHING, "leads": False}
            raise CacheError(
                f"no master of {release} in {namespace} serves: which Alluxio uses its journals is not written down.",
                fix="run again when one does (`alluxops status`).",
            )
        # What runs, rather than what was to run.
        wanted = replace(wanted, version=seen.leader.version)
        masters = [pod for pod in seen.of_role(cluster.MASTER_ROLE) if cluster.is_ready(pod)]
        if wanted.shared:
            masters = [pod for pod in masters if pod["name"] == seen.leader.pod]
        writer = _Writer(
            kube,
            wanted,
            journal.journal_folder(values),
            restored=options["restored"],
            upcoming=options["upcoming"],
        )
        count = int((seen.masters_set or {}).get("replicas") or len(masters))
        writer.write(masters, count=1 if wanted.shared else count, dry=self.check_mode)
        return writer.result()


class _Writer:
    """Markers of one release, read and written through the masters' containers."""

    def __init__(
        self,
        kube: Kube,
        wanted: journal.Wanted,
        folder: str,
        *,
        restored: bool,
        upcoming: str = "",
    ) -> None:
        self.kube = kube
        self.wanted = wanted
        self.folder = folder
        self.restored = restored
        self.upcoming = upcoming
        self._before: dict[str, journal.Marker | None] = {}
        self._after: dict[str, journal.Marker | None] = {}
        self._warnings: list[str] = []
        self._notes = JournalNotes(kube, wanted.namespace)
        self._noted: list[str] = []

    def write(self, pods: Sequence[Mapping[str, Any]], *, count: int, dry: bool) -> None:
        """Bring the markers of these masters up to date. count: how many the release has. Raises SettingsError."""
        names = [str(pod["name"]) for pod in pods]
        for name in names:
            self._before[name] = self._after[name] = self._file(name).read()
        self._refuse_wrong(count)
        for name in names:
            self._treat(name, dry=dry)

    def _file(self, pod: str) -> MarkerFile:
        return MarkerFile(self.kube, self.wanted.namespace, pod, self.folder)

    def _refuse_wrong(self, count: int) -> None:
        """Refuse to make a journal ours in the place of one that was there, or to go on with one that is older."""
        found = [
            served_journals.of_master(self.wanted, name, marker, self._notes)
            for name, marker in self._before.items()
        ]
        refuse_another(found, self.wanted, leads=True, masters=count)
        refuse_lost(found, self.wanted, leads=True, masters=count)
        refuse_other_type(found, self.wanted)

    def _treat(self, name: str, *, dry: bool) -> None:
        """Bring the marker of one master up to date, and note on its claim that a journal lies there."""
        ordinal = cluster.ordinal_of(name)
        marker = self._before[name]
        if marker is not None and not self.wanted.owns(marker, ordinal):
            self._warnings.append(
                f"{name} serves from a journal whose marker names {self.wanted.whose(marker)}. See that"
                f" no other masters run on it; then remove {self.folder}/{journal.MARKER} in its container."
            )
            return
        if marker is not None and marker.left_at and not self._is_member(ordinal):
            self._warnings.append(
                f"{name} runs and is no member of the quorum, which it left at {marker.left_at}: its journal is an old"
                " copy. `alluxops scale-masters`, with the number of masters that is wanted, stops it or brings it in."
            )
            return
        wanted = journal.served_marker(
            marker,
            self.wanted,
            ordinal,
            datetime.now(UTC),
            restored=self.restored,
            upcoming=self.upcoming,
        )
        if wanted.restoring:
            self._warnings.append(
                f"{name} serves from a journal that {wanted.restoring} was being restored into, and that restore did"
                " not end: it may hold a part only. See what the cache knows; to restore again, and lose what came"
                f" since, take it away first (`alluxops uninstall -e alluxio_confirm_purge={self.wanted.release}`)."
            )
        self._after[name] = wanted
        claim = served_journals.claim_of(self.wanted, name)
        lacks = self._notes.lacks(claim, wanted)
        if lacks:
            self._noted.append(claim)
        if dry:
            return
        if lacks:
            self._notes.loosen(claim)
        if wanted != marker:
            self._file(name).write(wanted)
        self._notes.put(claim, wanted)

    def _is_member(self, ordinal: int) -> bool:
        """Whether a master has a vote; one whose journal is no embedded one needs none."""
        if self.wanted.journal_type != "EMBEDDED":
            return True
        found = Masters(self.kube, self.wanted.namespace, self.wanted.release).current()
        return found is not None and ordinal in found.ordinals

    def result(self) -> Result:
        """What was found and what it is now, by master."""
        return {
            "changed": self._before != self._after or bool(self._noted),
            "leads": True,
            "noted": self._noted,
            "markers": [
                {
                    "pod": name,
                    "before": journal.marker_facts(self._before[name]),
                    "after": journal.marker_facts(self._after[name]),
                }
                for name in self._after
            ],
            "warnings": self._warnings,
            "diff": {
                "before": as_yaml(
                    {name: journal.marker_facts(item) for name, item in self._before.items()}
                ),
                "after": as_yaml(
                    {name: journal.marker_facts(item) for name, item in self._after.items()}
                ),
            },
        }
