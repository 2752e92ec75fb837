"""Turn a single master's journal into one of another type, by a checked backup and restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    census,
    cluster,
    conversion,
    explain,
    health,
    journal,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import census as censuses
from ansible_collections.alluxops.cache.plugins.plugin_utils import conversion_pod
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import clean_up
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods

LOOK_EVERY_S: Final = 0.5
COMMAND_TIMEOUT_S: Final = 300
"""How long a command may take; but a backup, which has as long as the verb `backup`."""
COUNTED_WITHIN_S: Final = 30
"""A master that has just begun to serve may not tell its counts yet."""


class ActionModule(ApiAction):
    """alluxops.cache.journal_conversion."""

    def act(self, kube: Kube, options: Options) -> Result:
        """See which journal is in use; where that is not of the type wanted, convert it."""
        if self.check_mode:
            return {"changed": True, "backup": {}, "census": {}}
        with LoneMaster(kube, options) as master:
            used, wanted = master.type_in_use(options["from_type"]), options["to_type"]
            if used == wanted:
                return {"changed": False, "backup": {}, "census": {}}
            return _converted(master, used, wanted)


def _converted(master: LoneMaster, used: journal.JournalType, new: journal.JournalType) -> Result:
    """Start a lone master on the journal in use, back it up, restore it into the new one, compare, mark."""
    master.start(used)
    before = master.census()
    taken = master.back_up(used)
    master.stop()
    master.format(new)
    master.start(new, {backup.INIT_PROPERTY: taken.uri})
    after = master.census()
    master.stop()
    # A second start, without the backup to help: what counts is what the new journal itself holds.
    master.start(new)
    found = census.differences(before, master.census())
    found += census.differences(before, after)
    master.stop()
    if found:
        raise CacheError(
            f"the journal of type {new} does not hold what the one of type {used} holds:"
            f" {'; '.join(dict.fromkeys(found))}.",
            "The backup was not restored whole. The journal in use is still the old one.",
            "run `alluxops site` with the settings that the release has, which starts the masters again.",
        )
    master.mark(new)
    return {
        "changed": True,
        "backup": {"uri": taken.uri, "entries": taken.entries},
        "census": before.as_dict(),
        "diff": {
            "before": f"journal of type {used}\n",
            "after": f"journal of type {new}\n" + "\n".join(census.lines(before)) + "\n",
        },
    }


class LoneMaster:
    """The pod that runs master 0 alone. Used as a context: leaving it removes the pod."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self.kube = kube
        self.namespace: str = options["namespace"]
        self.release: str = options["release"]
        self.values: Mapping[str, Any] = options["values"]
        self.start_timeout_s = float(options["wait_timeout_s"])
        self.backup_timeout_s = max(self.start_timeout_s, float(options["backup_timeout_s"]))
        self.patience = Patience(self.start_timeout_s)
        self.pod = conversion.pod_name(self.release)
        self._place = objects.core(self.namespace, "pods", self.pod)

    def __enter__(self) -> Self:
        masters_set = objects.masters_set(self.kube, self.namespace, self.release)
        if masters_set is None or int(masters_set["spec"]["replicas"]) != 0:
            raise SettingsError(
                f"the masters of {self.namespace}/{self.release} are not stopped.",
                "Two masters must not write to one journal.",
                "`alluxops scale-masters` stops them first.",
            )
        self._remove()
        self._wait_stopped()
        lifetime_s = conversion.lifetime_s(self.start_timeout_s, self.backup_timeout_s)
        body = conversion.pod(masters_set, self.release, lifetime_s)
        self.kube.create(objects.core(self.namespace, "pods"), body)
        OwnPods(
            self.kube, self.namespace, self.release, conversion.TASK, "the journal's conversion"
        ).running(1, self.patience)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        clean_up([self._remove], has_failed=error is not None)

    def start(self, journal_type: str, more: Mapping[str, str] | None = None) -> None:
        """Start the master and wait until it serves. more: with a backup in it, reading that takes its own time."""
        self.patience = Patience(self.start_timeout_s + (self.backup_timeout_s if more else 0))
        given = {**conversion.properties(journal_type, self.release, self.values), **(more or {})}
        self._run(conversion.start(given), "start the master")
        while self._leader() is None:
            alive = self._exec(conversion.IS_ALIVE).returncode == 0
            if not alive or self.patience.is_over:
                log = self._exec(conversion.LAST_WORDS).output
                ended = (
                    "ended" if not alive else f"does not serve after {self.patience.waited_s:.0f} s"
                )
                what = f"a master with a journal of type {journal_type} {ended}:"
                raise CacheError(*explain.failed(what, log))
            self.patience.pause(
                f"a lone master on the journal of type {journal_type}", LOOK_EVERY_S
            )

    def stop(self) -> None:
        """Stop the master, which writes out what it has."""
        self._run(conversion.STOP, "stop the master")

    def census(self) -> census.Census:
        """What the master holds, counted. Raises CacheError where it does not tell: a conversion is proved by it."""
        until_s = self.patience.waited_s + COUNTED_WITHIN_S
        while untold := census.untold(found := censuses.read(self.kube, self.namespace, self.pod)):
            if self.patience.is_over or self.patience.waited_s >= until_s:
                raise CacheError(
                    f"the master that is to be compared does not count {' and '.join(untold.values())}.",
                    "Nothing would prove that the new journal holds what the old one does, which is still in use.",
                    f"see that /metrics/json/ of a master has the gauges {', '.join(untold)} (Alluxio {found.version});"
                    " `alluxops site` with the settings that the release has starts the masters. Where it lacks them,"
                    " take a backup, uninstall with a purge, and restore it with the new settings.",
                )
            self.patience.pause("the master to count what it holds", LOOK_EVERY_S)
        return found

    def back_up(self, journal_type: str) -> backup.Written:
        """Write a backup into the journal's volume."""
        self.patience.pause("the backup to be written", 0)
        given = conversion.properties(journal_type, self.release, self.values)
        done = self._exec(
            conversion.take_backup(given, self.values), timeout_s=self.backup_timeout_s
        )
        if done.returncode != 0:
            raise CacheError(
                "`alluxio fsadmin backup` made no backup.", backup.failure(done.output)
            )
        written = backup.parse_written(done.stdout)
        # This one stays, until the next backup is made: it is what an interrupted conversion goes back to.
        folder = backup.folder_in_journal(journal.journal_folder(self.values))
        name = written.uri.rsplit("/", 1)[-1]
        self._run(backup.forget_in_journal(folder, name), "remove older backups")
        return written

    def format(self, journal_type: str) -> None:
        """Leave an empty journal of a type."""
        given = conversion.properties(journal_type, self.release, self.values)
        script = conversion.empty_journal(journal_type, given, self.values)
        self._run(script, f"make an empty journal of type {journal_type}")

    def type_in_use(self, of_release: journal.JournalType) -> journal.JournalType:
        """Of which type the journal in use is. of_release: the type that the release names."""
        return conversion.type_in_use(self._marker_file().read_whole(), self._wanted(of_release))

    def mark(self, journal_type: journal.JournalType) -> None:
        """Say in the volume that this journal is the true one now."""
        wanted, now = self._wanted(journal_type), datetime.now(UTC)
        new = journal.served_marker(journal.new_marker(wanted, 0, now), wanted, 0, now)
        claim, notes = (
            journal.claim_name(self.release, 0),
            JournalNotes(self.kube, self.namespace),
        )
        notes.loosen(claim)
        self._marker_file().write(new)
        notes.put(claim, new)

    def _wanted(self, journal_type: journal.JournalType) -> journal.Wanted:
        found = journal.Wanted.from_values(
            self.namespace, self.release, self.values, cluster=objects.cluster_uid(self.kube)
        )
        return replace(found, journal_type=journal_type)

    def _marker_file(self) -> MarkerFile:
        folder = journal.journal_folder(self.values)
        return MarkerFile(self.kube, self.namespace, self.pod, folder)

    def _leader(self) -> health.Leader | None:
        pod = self.kube.get(self._place)
        port = (cluster.pod_facts(pod)["web_port"] if pod else 0) or objects.WEB_PORT
        page = self.kube.pod_http(self.namespace, self.pod, port, objects.MASTER_INFO)
        return health.parse_leader(self.pod, page)

    def _exec(self, script: str, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Any:
        return self.kube.exec(
            self.namespace,
            self.pod,
            objects.MASTER_CONTAINER,
            ["/bin/bash", "-c", script],
            timeout_s=timeout_s,
        )

    def _run(self, script: str, what: str) -> None:
        done = self._exec(script)
        if done.returncode != 0:
            lines = explain.telling_lines(done.output)
            raise CacheError(f"cannot {what} in {self.namespace}/{self.pod}:\n" + "\n".join(lines))

    def _remove(self) -> None:
        """Remove the pod, ours or an interrupted run's, and wait until it let go of the volume."""
        conversion_pod.remove(self.kube, self.namespace, self.release, Patience(60))

    def _wait_stopped(self) -> None:
        while pods := [
            pod["metadata"]["name"]
            for pod in objects.raw_pods(self.kube, self.namespace, self.release)
            if pod["metadata"]["labels"].get("role") == cluster.MASTER_ROLE
        ]:
            if self.patience.is_over:
                raise CacheError(
                    f"{pods[0]} does not stop.",
                    fix=f"see `kubectl -n {self.namespace} describe pod {pods[0]}`, and run again.",
                )
            self.patience.pause(f"{pods[0]} to stop", LOOK_EVERY_S)
