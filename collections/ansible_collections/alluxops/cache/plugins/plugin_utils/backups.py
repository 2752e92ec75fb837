"""Taking a backup of a running cache, and looking at those there are."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    backup_place,
    cluster,
    health,
    restore_check,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.values import EPHEMERAL_PATH
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import restores, served_journals
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.pod_files import PodFiles
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import SMALL_JVM

COMMAND_TIMEOUT_S: Final = 120
LEADER_S: Final = 90
"""How long somebody is waited for who can make a backup."""
# What lies in the UFS now, not what the cache remembers of it.
LIST: Final = "alluxio fs -Dalluxio.user.file.metadata.sync.interval=0 ls"


def take(
    kube: Kube,
    namespace: str,
    release: str,
    *,
    to: str,
    keep: int = 0,
    kept: bool = False,
    removes: bool = True,
    patience: Patience,
) -> backup.Backup:
    """Make a backup, see that it is there and whole, and remove older ones so that `keep` stay (0 keeps all).

    to: `ufs`, or a directory on the controller. kept: it is the way back from a change, and lies apart. removes: False
    lets all older ones be, those beside the journals too. Metadata that changes meanwhile may be in it or not; a census
    to compare with is read before. Raises SettingsError where the backup would not outlive the cache, CacheError where
    none is made.
    """
    taker = _Taker(kube, namespace, release, patience, kept=kept, removes=removes)
    keep = keep if removes else 0
    backup.check_destination(to, taker.root_ufs, EPHEMERAL_PATH)
    started = time.monotonic()
    made = taker.to_ufs(keep) if to == backup.TO_UFS else taker.to_controller(to, keep)
    return backup.timed(made, time.monotonic() - started)


def plan(kube: Kube, namespace: str, release: str, *, to: str, kept: bool = False) -> str:
    """Where take() would put a backup, for check mode. Raises as it does before it begins."""
    taker = _Taker(kube, namespace, release, Patience(0), kept=kept)
    backup.check_destination(to, taker.root_ufs, EPHEMERAL_PATH)
    if to == backup.TO_UFS:
        return backup_place.uri_in_ufs(taker.root_ufs, taker.place.in_cache, "")
    return taker.place.on_controller(to) + "/"


def refuse_while_restoring(kube: Kube, namespace: str, release: str) -> _Taker:
    """Raise SettingsError where a restore has begun and not ended. For the verb: others back up what they replace.

    Returns the release as it was seen, for doubt().
    """
    taker = _Taker(kube, namespace, release, Patience(LEADER_S), kept=False)
    pending = str(taker.configuration.get(backup.INIT_PROPERTY) or "")
    restore_check.refuse_backup(pending, restores.noted(kube, namespace, release), release)
    return taker


def doubt(taker: _Taker) -> str:
    """Why what serves may be another journal than the release's, so that no older backup may go for one of it."""
    wanted = served_journals.wanted_of(
        taker.configuration, taker.namespace, taker.release, cluster_uid=taker.place.cluster
    )
    folder = str(taker.configuration.get("alluxio.master.journal.folder") or "/journal")
    return served_journals.doubt(taker.kube, wanted, taker.seen, folder)


class _Taker:
    """One backup of one release, as it was seen at the start."""

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        release: str,
        patience: Patience,
        *,
        kept: bool,
        removes: bool = True,
    ) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release
        self.patience = patience
        self.removes = removes
        self.place = backup_place.Place(namespace, release, objects.cluster_uid(kube), kept)
        seen = objects.look_at_installed(kube, namespace, release)
        while seen.leader is None and patience.waited_s < min(LEADER_S, patience.timeout_s):
            # A master that restarts, or an election, is over in less.
            patience.pause("a master to lead", 1)
            seen = objects.look_at_installed(kube, namespace, release)
        if seen.leader is None:
            raise CacheError(
                f"no master of {namespace}/{release} serves, so there is nobody to make a backup.",
                fix=f"see `kubectl -n {namespace} get pods -l release={release}`.",
            )
        self.seen = seen
        self.leader: health.Leader = seen.leader
        self.masters = seen.of_role(cluster.MASTER_ROLE)
        self.configuration = self._read_configuration()
        self.root_ufs = str(self.configuration.get("alluxio.master.mount.table.root.ufs", ""))

    def to_ufs(self, keep: int) -> backup.Backup:
        """Write it to the root UFS, list it there, remove older ones through the cache."""
        shown = self.place.in_cache
        written = self._write(self.place.in_ufs(self.root_ufs), local=False)
        listed = self._shell(f"{LIST} {shlex.quote(shown)}")
        files = backup.parse_listing(listed.stdout)
        name = _name(written.uri)
        complete = backup.whole(files)
        found = [file for file in complete if file.name == name]
        if not found:
            raise CacheError(
                f"the backup {written.uri} is not whole in the under store.",
                backup.failure(listed.output) if listed.returncode else "",
                f"see `alluxio fs ls {shown}` in {self.leader.pod}, and run again.",
            )
        sizes = {file.name: file.size_bytes for file in files}
        gone = _gone(sizes, [file.name for file in complete], keep, name)
        self._forget_in_ufs(shown, gone)
        self._forget_in_journals()
        return self._made(written.uri, written, found[0].size_bytes, pruned=gone)

    def to_controller(self, to: str, keep: int) -> backup.Backup:
        """Have a master write it beside its journal, fetch it from there, remove it there."""
        folder = self._folder_in_journal
        self._forget_in_journals(backup.LATEST)
        written = self._write(folder, local=True)
        path = f"{folder}/{_name(written.uri)}"
        pod = self._writer(path, written.host)
        target = Path(self.place.on_controller(to)) / _name(path)
        with at_the_end(partial(pod.remove, path, path + backup.COMPLETE)):
            size = pod.fetch(path, target)
        self._forget_in_journals()
        # Here a file gets its name once it is whole.
        sizes = {file.name: file.stat().st_size for file in target.parent.iterdir()}
        gone = _gone(sizes, sizes, keep, target.name)
        for name in gone:
            (target.parent / name).unlink()
        return self._made(path, written, size, file=str(target), pruned=gone)

    def _write(self, folder: str, *, local: bool) -> backup.Written:
        """Run `fsadmin backup`: on a standby where there is one, so that the leader goes on; else on the leader."""
        command = f"alluxio fsadmin backup {shlex.quote(folder)} --allow-leader"
        command += " --local" if local else ""
        while True:
            self.patience.pause("the backup to be written", 0)
            done = self._shell(command, timeout_s=max(COMMAND_TIMEOUT_S, self._rest_s))
            if done.returncode == 0:
                return backup.parse_written(done.stdout)
            if backup.is_busy(done.output) and not self.patience.is_over:
                self.patience.pause("another backup to end", 3)
            elif backup.is_undelegated(done.output) and "--bypass" not in command:
                command += " --bypass-delegation"
            else:
                raise CacheError(
                    f"{self.namespace}/{self.release} made no backup in {folder}.",
                    backup.failure(done.output),
                    f"see `kubectl -n {self.namespace} logs {self.leader.pod} -c {objects.MASTER_CONTAINER}`.",
                )

    def _forget_in_ufs(self, shown: str, gone: Sequence[str]) -> None:
        """Delete backups, then take the directory out of the cache's own metadata, where listing it put it."""
        commands = [f"alluxio fs rm {shlex.quote(f'{shown}/{name}*')}" for name in gone]
        commands.append(f"alluxio fs rm -R --alluxioOnly /{backup.FOLDER}")
        done = self._shell(" && ".join(commands))
        if done.returncode != 0:
            raise CacheError(
                f"backups in {shown} were not removed.",
                backup.failure(done.output),
                "the new backup is there; remove old ones in the under store.",
            )

    @property
    def _folder_in_journal(self) -> str:
        return backup.folder_in_journal(
            str(self.configuration.get("alluxio.master.journal.folder", ""))
        )

    def _forget_in_journals(self, stays: str = "") -> None:
        """Remove what earlier runs left beside the masters' journals. A backup is not given up where that fails."""
        if not self.removes:
            return
        script = backup.forget_in_journal(self._folder_in_journal, stays)
        for pod in filter(cluster.is_ready, self.masters):
            try:
                done = self._files(str(pod["name"])).shell(script)
                told = f"{done.returncode} {done.output.strip()}" if done.returncode else ""
            except CacheError as error:
                told = error.what
            if told:
                Display().warning(
                    f"older backups in {self._folder_in_journal} of {pod['name']} are not removed: {told}"
                )

    def _writer(self, path: str, host: str) -> PodFiles:
        """The master that has the file: the one that said so, else whichever has it."""
        likely = sorted(self.masters, key=lambda pod: host not in (pod["name"], pod["pod_ip"]))
        for pod in likely:
            files = self._files(str(pod["name"]))
            if files.size(path) is not None:
                return files
        raise CacheError(f"no master has the backup {path} that {host} wrote.", fix="run again.")

    def _files(self, pod: str) -> PodFiles:
        return PodFiles(
            self.kube,
            self.namespace,
            pod,
            objects.MASTER_CONTAINER,
            lambda text: self.patience.pause(text, 0),
        )

    def _made(
        self,
        uri: str,
        written: backup.Written,
        size: int,
        *,
        file: str = "",
        pruned: Sequence[str] = (),
    ) -> backup.Backup:
        return backup.Backup(
            uri=uri,
            taken_at=backup.taken_at(uri),
            version=self.leader.version,
            entries=written.entries,
            file=file,
            size_bytes=size,
            pruned=tuple(pruned),
        )

    @property
    def _rest_s(self) -> float:
        return self.patience.timeout_s - self.patience.waited_s

    def _shell(self, script: str, *, timeout_s: float = COMMAND_TIMEOUT_S) -> ExecResult:
        return self.kube.exec(
            self.namespace,
            self.leader.pod,
            objects.MASTER_CONTAINER,
            ["/bin/sh", "-c", SMALL_JVM + script],
            timeout_s=timeout_s,
        )

    def _read_configuration(self) -> dict[str, Any]:
        port = next(pod["web_port"] for pod in self.masters if pod["name"] == self.leader.pod)
        page = self.kube.pod_http(
            self.namespace, self.leader.pod, port or objects.WEB_PORT, objects.MASTER_INFO
        )
        try:
            return dict(json.loads(page or "")["configuration"])
        except (ValueError, KeyError, TypeError) as error:
            raise CacheError(
                f"{self.leader.pod} does not tell its configuration.", fix="run again."
            ) from error


def _name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]


def _gone(sizes: Mapping[str, int], whole: Iterable[str], keep: int, made: str) -> list[str]:
    """Which backups go. Warns of those that stay as they are so much larger than the new one."""
    gone = backup.prunable(sizes, whole, keep, made)
    stay = backup.spared(gone, sizes, made)
    if stay:
        Display().warning(
            f"{made} is less than a fifth as large as {', '.join(stay)}, so these stay. Does the cache still know what"
            " it should? If so, remove them by hand."
        )
    return [name for name in gone if name not in stay]
