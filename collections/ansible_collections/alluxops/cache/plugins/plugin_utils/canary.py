"""A file that one worker wrote, read through others: the proof that each of them serves."""

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


class Canary(Proofs):
    """Of one release, as it was seen when its workers had come."""

    def fly(self, nodes: Sequence[str]) -> Json:
        """Write once, read through the worker of each node; see worker_canary's RETURN. Raises CacheError."""
        ready = {pod["node"]: dict(pod) for pod in health.serving_workers(self.seen)}
        if not ready:
            raise CacheError("no worker is ready and registered with the leader")
        writer = next((pod for node, pod in ready.items() if node not in nodes), None)
        writer = writer or next(iter(ready.values()))
        path = FILES + secrets.token_hex(4)
        wrote = self._shell(writer["name"], WORKER_CONTAINER, self._writes(writer, path))
        digest = verification.parse_digest(wrote.get("digest", ""))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda node: self._read(ready.get(node), path, digest), nodes)
            return {"writer": writer["node"], "nodes": dict(zip(nodes, found, strict=True))}

    def remove(self) -> None:
        """Remove the file, and those of interrupted runs."""
        if self.seen.leader is not None:
            script = f"alluxio fs rm '{FILES}*'\n"
            self._shell(self.seen.leader.pod, MASTER_CONTAINER, script, must_succeed=False)

    def _read(self, pod: Json | None, path: str, digest: str | None) -> Json:
        began = time.monotonic()
        found: Json = {"took_s": 0.0, "bytes_ufs": 0, "problem": ""}
        if pod is None:
            return {**found, "problem": "its worker is not ready, or not registered any more"}
        try:
            before = self._counters(pod)
            said = self._shell(pod["name"], WORKER_CONTAINER, self._reads(pod, path))
            found["took_s"] = round(time.monotonic() - began, 1)
            ufs = 0 if self.is_ephemeral else int(self.options["size_bytes"])
            counted = self._counted(pod, before, {"ufs": ufs})
        except CacheError as error:
            return {**found, "problem": str(error)}
        found["bytes_ufs"] = counted["ufs"]
        if digest is None or verification.parse_digest(said.get("read", "")) != digest:
            found["problem"] = f"{pod['name']} gave back other bytes than were written"
        elif not self.is_ephemeral and not counted["ufs"]:
            found["problem"] = f"{pod['name']} has read nothing from the under store for it"
        return found

    def _writes(self, pod: Json, path: str) -> str:
        kind = "MUST_CACHE" if self.is_ephemeral else "THROUGH"
        size = int(self.options["size_bytes"])
        return local_write.script(self._address(pod), size, {path: kind})

    def _reads(self, pod: Json, path: str) -> str:
        client = (
            f"-Dalluxio.user.hostname={self._address(pod)}"
            " -Dalluxio.user.file.passive.cache.enabled=false"
            f" -Dalluxio.user.file.readtype.default={'NO_CACHE' if self.is_ephemeral else 'CACHE'}"
        )
        return f'set -eo pipefail\necho "=== read"; alluxio fs {client} cat {path} | sha256sum\n'
