"""The marker in a journal volume, read and written through a container that has the volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import journal, journal_job
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube

TIMEOUT_S: Final = 30


def in_master(
    kube: Kube,
    namespace: str,
    pod: str,
    folder: str,
    script: str,
    *arguments: str,
    timeout_s: float = TIMEOUT_S,
) -> ExecResult:
    """Run a script in a master's container; its $1 is the folder in which that has the journal. Raises CacheError."""
    command = journal_job.script(script, folder, *arguments)
    return kube.exec(namespace, pod, objects.MASTER_CONTAINER, command, timeout_s=timeout_s)


@dataclass(frozen=True)
class MarkerFile:
    """The marker as a master's container sees it. folder: where that has the journal."""

    kube: Kube
    namespace: str
    pod: str
    folder: str

    def read(self) -> journal.Marker | None:
        """The marker; None for none, or for one that is not ours to read. Raises CacheError."""
        return journal.read_marker(self._run(journal_job.READ_MARKER).strip())

    def read_whole(self) -> journal.Marker | None:
        """The same; None for none only. Raises CacheError for one that is broken: what it said decides."""
        marker = self.read()
        if marker is None and self._run(journal_job.IS_MARKED):
            raise CacheError(
                f"the journal that {self.pod} has cannot be told from another: {journal.BROKEN_MARKER}.",
                fix=f"where nothing else runs on it and it is as the release names it, remove {journal.MARKER} from it,"
                " and run again.",
            )
        return marker

    def write(self, marker: journal.Marker) -> None:
        """Write it, whole or not at all. Raises CacheError."""
        self._run(journal_job.WRITE_MARKER, marker.encoded())

    def _run(self, script: str, *arguments: str) -> str:
        done = in_master(self.kube, self.namespace, self.pod, self.folder, script, *arguments)
        if done.returncode != 0:
            raise CacheError(
                f"the marker in the journal of {self.pod} can be neither read nor written:"
                f" {done.output.strip()[-300:]}",
                fix=f"see that {self.folder} in its container has room and belongs to the container's user.",
            )
        return done.stdout
