"""The proofs of a cache: commands run inside its pods, as few and as short as the JVM's start time asks for."""

from __future__ import annotations

import secrets
import shlex
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, health, verification
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Options
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import (
    MASTER_CONTAINER,
    WORKER_CONTAINER,
)

WORKER_WEB_PORT: Final = 30000
METRICS: Final = "/metrics/json/"
PROOF_FILES: Final = "/.alluxops-verify-"
# Those of an interrupted run too.
REMOVE: Final = f"alluxio fs rm '{PROOF_FILES}*'\n"
LOCAL_FIRST: Final = "alluxio.client.block.policy.LocalFirstPolicy"
EPHEMERAL: Final = "ephemeral"
# A command line's JVM shares the container's memory with the server; it needs little and lives shortly.
SMALL_JVM: Final = "export JAVA_TOOL_OPTIONS='-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'\n"


class Proofs:
    """The proofs of one release, as it was seen at the start."""

    def __init__(self, kube: Kube, namespace: str, seen: health.Seen, options: Options) -> None:
        self.kube = kube
        self.namespace = namespace
        self.seen = seen
        self.options = options
        self.is_ephemeral = options["root_ufs"] == EPHEMERAL

    def write_read(self) -> Json:
        """Write on one worker, read on another, from its cache and from the under store; see cache_verify's RETURN.

        The writer's file is cached on the writer only, so what the reader reads of it crosses the network, and the
        writer's counter of bytes read remotely shows it. A second file is written past the cache: the reader's own
        worker can have it from the under store only.
        """
        writer, reader = self._two_workers()
        size = int(self.options["size_bytes"])
        prefix = PROOF_FILES + secrets.token_hex(4)
        wrote = self._shell(
            writer["name"], WORKER_CONTAINER, self._write_script(writer, prefix, size)
        )
        before = {pod["name"]: self._counters(pod) for pod in (writer, reader)}
        read = self._shell(reader["name"], WORKER_CONTAINER, self._read_script(reader, prefix))
        after = {pod["name"]: self._counters(pod) for pod in (writer, reader)}
        at_writer = verification.counted(before[writer["name"]], after[writer["name"]])
        at_reader = verification.counted(before[reader["name"]], after[reader["name"]])
        digest = verification.parse_digest(wrote.get("digest", ""))
        digests = [
            verification.parse_digest(text)
            for name, text in read.items()
            if name.startswith("read.")
        ]
        return {
            "writer": writer["node"],
            "reader": reader["node"],
            "size_bytes": size,
            "digest_equal": digest is not None and all(found == digest for found in digests),
            "bytes_remote": at_writer["remote"],
            "bytes_local": at_reader["domain"] + at_reader["local"] if writer is not reader else 0,
            "bytes_ufs": at_reader["ufs"],
            "persisted": not self.is_ephemeral,
        }

    def remove_files(self) -> None:
        """Remove what write_read() wrote, here and in an interrupted run."""
        if self.seen.leader is not None:
            self._shell(self.seen.leader.pod, MASTER_CONTAINER, REMOVE, must_succeed=False)

    def on_the_leader(self) -> Json:
        """{run_tests, consistency}: runTests and checkConsistency in one shell of the leader's container."""
        leader = self.seen.leader
        if leader is None:
            raise CacheError("no master serves")
        path = "" if self.is_ephemeral else str(self.options["consistency_path"])
        script = ""
        if self.options["run_tests"]:
            # An ephemeral root lies in each pod by itself, so what one worker persists the others do not see.
            kind = " --writeType MUST_CACHE" if self.is_ephemeral else ""
            script += _command("tests", f"alluxio runTests{kind}")
            # What is still being written to the under store would come back there after it was removed.
            leftover = verification.TESTS_LEFTOVER
            settled = f"alluxio fs ls {leftover} | grep -q TO_BE_PERSISTED || break"
            wait = f"for try in 1 2 3 4 5 6 7 8; do {settled}; done; "
            script += _command("leftovers", f"{wait}alluxio fs rm -R {leftover}")
        if path:
            script += self._compare(path)
        said = self._shell(leader.pod, MASTER_CONTAINER, script) if script else {}
        consistency = None
        if path:
            consistency = verification.parse_consistency(said["consistency"], path)
            consistency["unknown"] = 0
            if consistency["inconsistent"]:
                consistency = self._without_unknown(leader.pod, consistency)
            consistency["required"] = bool(self.options["consistency_is_required"])
        return {
            "run_tests": verification.parse_run_tests(said["tests"]) if "tests" in said else None,
            "consistency": consistency,
        }

    def _compare(self, path: str) -> str:
        return _command("consistency", f"alluxio fs checkConsistency {shlex.quote(path)}")

    def _without_unknown(self, pod: str, before: Json) -> Json:
        """Compare again once the cache has been told of every path: one that nobody has asked for yet is no fault.

        Alluxio learns of a path in the under store when it is first listed, and counts it as inconsistent until then.
        """
        path = str(before["path"])
        load = _command("load", f"alluxio fs loadMetadata -R {shlex.quote(path)}")
        said = self._shell(pod, MASTER_CONTAINER, load + self._compare(path))
        after = verification.parse_consistency(said["consistency"], path)
        unknown = set(before["inconsistent"]) - set(after["inconsistent"])
        return {**after, "unknown": len(unknown)}

    def _two_workers(self) -> tuple[Json, Json]:
        """A writer and a reader on different nodes; the same pod twice when there is one worker only."""
        ready = [
            dict(pod)
            for pod in self.seen.of_role(cluster.WORKER_ROLE)
            if cluster.is_ready(pod) and health.registered(pod, self.seen.leader)
        ]
        if not ready:
            raise CacheError("no worker is ready and registered with the leader")
        return ready[0], ready[-1]

    def _address(self, pod: Json) -> str:
        """The name that the leader knows a worker by; a client with that name counts as being beside it."""
        worker = health.registered(pod, self.seen.leader)
        return worker.host if worker else str(pod["host_ip"])

    def _write_script(self, pod: Json, prefix: str, size: int) -> str:
        """Make a random file and copy it in: through the cache, and past it."""
        # By default copyFromLocal goes round the workers.
        client = (
            f"-Dalluxio.user.hostname={self._address(pod)}"
            f" -Dalluxio.user.file.copyfromlocal.block.location.policy.class={LOCAL_FIRST}"
        )
        through = "MUST_CACHE" if self.is_ephemeral else "CACHE_THROUGH"
        script = (
            "set -e\nfile=$(mktemp)\ntrap 'rm -f \"$file\"' EXIT\n"
            f'head -c {size} /dev/urandom > "$file"\necho "=== digest"; sha256sum "$file"\n'
            f"alluxio fs {client} -Dalluxio.user.file.writetype.default={through}"
            f' copyFromLocal "$file" {prefix}-cached\n'
        )
        if not self.is_ephemeral:
            script += (
                f"alluxio fs {client} -Dalluxio.user.file.writetype.default=THROUGH"
                f' copyFromLocal "$file" {prefix}-stored\n'
            )
        return script

    def _read_script(self, pod: Json, prefix: str) -> str:
        """Read both files and print their digests."""
        client = f"-Dalluxio.user.hostname={self._address(pod)} -Dalluxio.user.file.passive.cache.enabled=false"
        script = (
            "set -e\n"
            f'echo "=== read.cached"; alluxio fs {client} -Dalluxio.user.file.readtype.default=NO_CACHE'
            f" cat {prefix}-cached | sha256sum\n"
        )
        if not self.is_ephemeral:
            script += (
                f'echo "=== read.stored"; alluxio fs {client} -Dalluxio.user.file.readtype.default=CACHE'
                f" cat {prefix}-stored | sha256sum\n"
            )
        return script

    def _counters(self, pod: Json) -> dict[str, int]:
        port = pod["web_port"] or WORKER_WEB_PORT
        return verification.byte_counters(
            self.kube.pod_http(self.namespace, pod["name"], port, METRICS)
        )

    def _shell(
        self, pod: str, container: str, script: str, *, must_succeed: bool = True
    ) -> dict[str, str]:
        """What a script printed, by its sections."""
        done = self.kube.exec(
            self.namespace,
            pod,
            container,
            ["/bin/bash", "-c", SMALL_JVM + script],
            timeout_s=float(self.options["wait_timeout_s"]),
        )
        if done.returncode != 0 and must_succeed:
            lines = [
                line for line in done.output.strip().splitlines() if "JAVA_TOOL_OPTIONS" not in line
            ]
            raise CacheError(
                f"a proof in {self.namespace}/{pod} failed with {done.returncode}:\n"
                + "\n".join(lines[-5:]),
                fix=f"see `kubectl -n {self.namespace} logs {pod} -c {container}`.",
            )
        return verification.sections(done.stdout)


def _command(name: str, command: str) -> str:
    """Shell text that runs a command as a section of the output, whatever its exit code."""
    return f'echo "=== {name}"; {command} 2>&1; echo "=== {name}.rc $?"\n'
