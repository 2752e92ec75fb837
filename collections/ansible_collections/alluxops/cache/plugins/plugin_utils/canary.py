"""A file that one worker wrote, read through another: the proof that each of some workers serves."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    health,
    local_write,
    verification,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import (
    MASTER_CONTAINER,
    WORKER_CONTAINER,
)

FILES: Final = "/.alluxops-canary-"
AT_ONCE: Final = 8
NOTHING: Final[Json] = {"took_s": 0.0, "bytes_ufs": 0, "reader": "", "problem": ""}
GONE: Final = "its worker is not ready, or not registered any more"
UNCOUNTED: Final = {
    "ufs": "has read nothing from the under store for it",
    "remote": "has served nothing of it: what was written through it is in another worker's cache",
}


class Canary(Proofs):
    """Of one release, as it was seen when its workers had come."""

    def fly(self, nodes: Sequence[str]) -> Json:
        """Try the worker of each node; see worker_canary's RETURN. Raises CacheError.

        One worker writes past its cache, and the others can have it from the under store only. An ephemeral root lies
        in each pod by itself, so there each worker writes into its own cache, and serves it to another.
        """
        ready = {pod["node"]: dict(pod) for pod in health.serving_workers(self.seen)}
        if not ready:
            raise CacheError("no worker is ready and registered with the leader")
        path = FILES + secrets.token_hex(4)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            if self.is_ephemeral:
                found = pool.map(lambda node: self._serve(node, ready, path), nodes)
                return {"writer": "", "nodes": dict(zip(nodes, found, strict=True))}
            writer = min(ready.values(), key=lambda pod: pod["node"] in nodes)
            digest = self._write(writer, path, "THROUGH")
            found = pool.map(lambda node: self._read(ready.get(node), path, digest), nodes)
            return {"writer": writer["node"], "nodes": dict(zip(nodes, found, strict=True))}

    def remove(self) -> None:
        """Remove the file, and those of interrupted runs."""
        if self.seen.leader is not None:
            script = f"alluxio fs rm '{FILES}*'\n"
            self._shell(self.seen.leader.pod, MASTER_CONTAINER, script, must_succeed=False)

    def _read(self, pod: Json | None, path: str, digest: str | None) -> Json:
        """Read through a worker what another has written to the under store."""
        if pod is None:
            return {**NOTHING, "problem": GONE}
        try:
            return self._fetch(pod, pod, path, digest, "ufs")
        except CacheError as error:
            return {**NOTHING, "problem": str(error)}

    def _serve(self, node: str, ready: dict[str, Json], prefix: str) -> Json:
        """Write through a node's worker, and read it in the pod of the next one: each pod reads for one only."""
        pod = ready.get(node)
        if pod is None:
            return {**NOTHING, "problem": GONE}
        names = list(ready)
        reader = ready[names[(names.index(node) + 1) % len(names)]]
        path = f"{prefix}-{pod['name']}"
        try:
            digest = self._write(pod, path, "MUST_CACHE")
            found = self._fetch(pod, reader, path, digest, "remote" if reader != pod else "")
        except CacheError as error:
            return {**NOTHING, "problem": str(error)}
        return {**found, "reader": reader["node"]}

    def _fetch(self, pod: Json, reader: Json, path: str, digest: str | None, counter: str) -> Json:
        """Read a file in the pod of reader. counter: of the bytes that pod must have read for it; "" for none."""
        began = time.monotonic()
        before = self._counters(pod)
        said = self._shell(reader["name"], WORKER_CONTAINER, self._reads(reader, path))
        took_s = round(time.monotonic() - began, 1)
        size = int(self.options["size_bytes"])
        counted = self._counted(pod, before, {counter: size} if counter else {})
        found = {**NOTHING, "took_s": took_s, "bytes_ufs": counted["ufs"]}
        if digest is None or verification.parse_digest(said.get("read", "")) != digest:
            found["problem"] = f"{pod['name']} gave back other bytes than were written"
        elif counter and not counted[counter]:
            found["problem"] = f"{pod['name']} {UNCOUNTED[counter]}"
        return found

    def _write(self, pod: Json, path: str, kind: str) -> str | None:
        """Write a file in a worker's pod, through this worker. Returns its digest."""
        size = int(self.options["size_bytes"])
        script = local_write.script(self._address(pod), size, {path: kind})
        wrote = self._shell(pod["name"], WORKER_CONTAINER, script)
        return verification.parse_digest(wrote.get("digest", ""))

    def _reads(self, pod: Json, path: str) -> str:
        client = (
            f"-Dalluxio.user.hostname={self._address(pod)}"
            " -Dalluxio.user.file.passive.cache.enabled=false"
            f" -Dalluxio.user.file.readtype.default={'NO_CACHE' if self.is_ephemeral else 'CACHE'}"
        )
        return f'set -eo pipefail\necho "=== read"; alluxio fs {client} cat {path} | sha256sum\n'
