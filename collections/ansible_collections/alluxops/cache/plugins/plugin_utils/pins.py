"""The note of a release's pins, and the commands that read pins and give them back. I/O only."""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import lease, pins, residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.pins import Pin
from ansible_collections.alluxops.cache.plugins.plugin_utils import census
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import run_limited
from ansible_collections.alluxops.cache.plugins.plugin_utils.removals import last_line

RUN: Final = "alluxops/run"
"""Annotation: the run that made the note."""
KEY: Final = "pins"
LIST_LIMIT_S: Final = 600
LISTED_ONE_BY_ONE: Final = 20
"""Up to so many directories are listed each by itself; each costs the start of a Java machine."""
PINNED_AT_ONCE: Final = 40
"""Files that one script pins: it is one argument, of at most 128 KiB, and an object's key has up to 1 KiB."""
READ_LIMIT_S: Final = 20
"""For the minima and media of pinned files: each directory costs the start of a Java machine."""
# Names of files are UTF-8, whatever the container's locale is.
_SHELL: Final = "export LC_ALL=C.UTF-8\n"
# What the leader knows, not what the under store has: no listing there, which could take hours.
_READS: Final = (
    "-Dalluxio.user.file.metadata.load.type=NEVER -Dalluxio.user.file.metadata.sync.interval=-1"
    " -Dalluxio.user.date.format.pattern=yyyyMMddHHmmssSSS -Duser.timezone=UTC -Dfile.encoding=UTF-8"
)
_LIST: Final = f"alluxio fs {_READS} ls --timestamp creationTime"
_ROWS: Final = r"sed -nE 's/^.* ([A-Z_]+) +([0-9]{17}) +([0-9]+%|DIR) (\/.*[^ ]) *$/\1 \2 \3 \4/p'"
_OWN: Final = (
    r"sed -nE 's/^.*, path=(\/.*), ufsPath=.*, pinned=true, pinnedlocation=\[([^]]*)\],"
    r".*, replicationMin=([0-9]+),.*$/\3 [\2] \1/p' | grep -v '^1 \[\] '"
)
_FOLDERS: Final = r"sed -nE 's/^[^\/]*% (\/.*|)\/[^\/]*$/\1/p' | sort -u"
PINNED: Final = f"""{_SHELL}said=$({_LIST} -R -p /) || {{ echo "$said"; exit 9; }}
printf '%s\\n' "$said" | {_ROWS}
"""
ALL: Final = f"""{_SHELL}{_LIST} -R / | {_ROWS}
exit "${{PIPESTATUS[0]}}"
"""
"""Not kept in the shell, as the others are: it may be long, and the shell shares the master's memory."""
WITH_OWN: Final = f"""{_SHELL}said=$({_LIST} -R -p /) || {{ echo "$said"; exit 9; }}
found=$(printf '%s\\n' "$said" | {_ROWS})
printf '%s\\n' "$found"
end=$((SECONDS + {READ_LIMIT_S}))
printf '%s\\n' "$found" | {_FOLDERS} | while IFS= read -r folder; do
  left=$((end - SECONDS))
  ((left > 0)) || {{ echo {pins.UNREAD}; break; }}
  timeout "$left" alluxio fs {_READS} stat "$folder/*" </dev/null | {_OWN}
  [[ ${{PIPESTATUS[0]}} != 124 ]] || echo {pins.UNREAD}
done
exit 0
"""


@dataclass(frozen=True)
class Note:
    """The pins that a run has noted. run: which one; version: of the ConfigMap, so that no other is overwritten."""

    pins: Mapping[str, Pin]
    run: str
    version: str


class Pins:
    """The pins of one release."""

    def __init__(self, kube: Kube, namespace: str, release: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release
        self.path = objects.core(namespace, "configmaps", f"{release}-pins")

    @property
    def is_noted(self) -> bool:
        """Whether a run has noted pins and not yet looked at them again."""
        return self.kube.get(self.path) is not None

    def read(self) -> Note | None:
        """The note; None where there is none."""
        found = self.kube.get(self.path)
        if found is None:
            return None
        body = base64.b64decode((found.get("binaryData") or {}).get(KEY, ""))
        metadata = found["metadata"]
        return Note(
            pins.unpacked(body) if body else {},
            str((metadata.get("annotations") or {}).get(RUN, "")),
            str(metadata["resourceVersion"]),
        )

    def note(self) -> list[str]:
        """Note what is pinned, once a run; what a run which died has noted stays in it. Returns warnings.

        Nothing is noted where no master serves. What fails keeps nobody from repairing a cache.
        """
        try:
            return self._note()
        except CacheError as error:
            why = error.cause or error.what
            fix = "See what is pinned afterwards: Alluxio takes pins away while workers restart."
            return [f"what is pinned could not be noted: {why} {fix}"]

    def _note(self) -> list[str]:
        before = self.read()
        if before is not None and before.run == _me():
            return []
        leader = self._leader()
        if not leader:
            return []
        if before is None and census.read(self.kube, self.namespace, leader).pinned == 0:
            return []
        found, is_whole = pins.noted(self.run(leader, WITH_OWN))
        if before is None and not found:
            return []
        wanted = pins.united(before.pins if before else {}, found, is_whole=is_whole)
        left_out = self._write(wanted, before)
        warnings = []
        if left_out:
            warnings.append(
                f"{left_out} of the pinned files fit into no note: see whether they are pinned afterwards."
            )
        if not is_whole:
            warnings.append(
                "pinned files lie in more directories than could be read: what loses its pin gets it back without a"
                " medium, with one replica."
            )
        return warnings

    def keep(self, kept: Iterable[Pin], note: Note) -> None:
        """Leave only some pins in the note; without any, remove it."""
        left = {pin.path: pin for pin in kept}
        if left:
            self._write(left, note)
        else:
            self.forget()

    def forget(self) -> None:
        """Remove the note."""
        self.kube.delete(self.path, propagation="Background")  # gone at once

    def count(self) -> int | None:
        """How many files are pinned, as the leader counts them; None where nobody tells."""
        with suppress(CacheError):
            leader = self._leader()
            return census.read(self.kube, self.namespace, leader).pinned if leader else None
        return None

    def interval_s(self) -> float:
        """How often the masters look for files with too few replicas."""
        config = self.kube.get(objects.core(self.namespace, "configmaps", f"{self.release}-config"))
        return pins.check_interval_s((config or {}).get("data") or {})

    def pinned(self) -> dict[str, pins.File]:
        """The files that are pinned now. Raises CacheError where that cannot be told."""
        return pins.files(self.run(self._serving(), PINNED))

    def around(self, missing: Sequence[Pin]) -> str:
        """A listing of the directories that files lie in; of one that is gone there is none."""
        folders = sorted({pins.parent(pin.path) for pin in missing})
        if len(folders) > LISTED_ONE_BY_ONE:
            return pins.rows_in(self.run(self._serving(), ALL), folders)
        lines = [f"{_LIST} {shlex.quote(one)} | {_ROWS}\n" for one in folders]
        return self.run(self._serving(), "".join([_SHELL, *lines, "exit 0\n"]))

    def give_back(self, wanted: Sequence[tuple[str, Pin]]) -> dict[str, str]:
        """Pin paths. Returns what Alluxio said where it did not: by path."""
        failed: dict[str, str] = {}
        for first in range(0, len(wanted), PINNED_AT_ONCE):
            failed |= self._pin(wanted[first : first + PINNED_AT_ONCE])
        return failed

    def _pin(self, wanted: Sequence[tuple[str, Pin]]) -> dict[str, str]:
        lines = [_SHELL]
        for number, (path, pin) in enumerate(wanted):
            words = ["alluxio", "fs", "pin", path, *pin.media]
            steps = [shlex.join(words)]
            if pin.minimum > 1:
                steps.append(
                    shlex.join(["alluxio", "fs", "setReplication", "--min", str(pin.minimum), path])
                )
            said = f"said=$({{ {' && '.join(steps)}; }} 2>&1)"
            lines.append(f'{said} || echo "{number} $(tail -n 1 <<<"$said")"\n')
        text = self.run(self._serving(), "".join([*lines, "exit 0\n"]))
        failed = {}
        for line in text.splitlines():
            ordinal, _, why = line.partition(" ")
            if ordinal.isdigit() and int(ordinal) < len(wanted):
                failed[wanted[int(ordinal)][0]] = why
        return failed

    def run(self, leader: str, script: str) -> str:
        """What a script beside the leader prints. Raises CacheError where it fails."""
        done = run_limited(
            self.kube, self.namespace, leader, objects.MASTER_CONTAINER, script, LIST_LIMIT_S
        )
        if done.returncode:
            raise CacheError(
                f"the pins of {self.namespace}/{self.release} cannot be read or written.",
                f"a command in {leader} ended so: {last_line(done)}.",
                "see `alluxops shell -- fs ls -R -p /`, and run again.",
            )
        return done.stdout

    def _leader(self) -> str:
        seen = objects.look(self.kube, self.namespace, self.release)
        return seen.leader.pod if seen.leader else ""

    def _serving(self) -> str:
        leader = self._leader()
        if not leader:
            raise CacheError(
                f"no master of {self.namespace}/{self.release} serves.",
                "Whether files have lost their pins meanwhile is not known.",
                "see `alluxops status`; run again once a master leads: what was pinned is noted.",
            )
        return leader

    def _write(self, wanted: Mapping[str, Pin], before: Note | None) -> int:
        """Write the note; returns how many pins do not fit."""
        body, left_out = pins.packed(wanted)
        metadata: Json = {
            "name": f"{self.release}-pins",
            "namespace": self.namespace,
            "labels": {residue.OURS[0]: residue.OURS[1], "release": self.release},
            "annotations": {RUN: _me()},
        }
        note = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "binaryData": {KEY: base64.b64encode(body).decode()},
        }
        if before is None:
            self.kube.create(objects.core(self.namespace, "configmaps"), note)
        else:
            metadata["resourceVersion"] = before.version
            self.kube.replace(self.path, note)
        return left_out


def _me() -> str:
    """This run: the parent of the process that an action runs in is ansible-playbook."""
    return json.dumps(asdict(lease.here(os.getppid())), sort_keys=True)
