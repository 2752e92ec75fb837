"""The proofs of a cache: commands run inside its pods, as few and as short as the JVM's start time asks for."""

from __future__ import annotations

import secrets
import shlex
import time
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    cluster,
    explain,
    health,
    local_write,
    verification,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Options
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import (
    ApiError,
    ExecResult,
    Json,
    Kube,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import (
    MASTER_CONTAINER,
    WORKER_CONTAINER,
    core,
)

WORKER_WEB_PORT: Final = 30000
PROOF_FILES: Final = "/.alluxops-verify-"
# Those of an interrupted run too.
REMOVE: Final = f"alluxio fs rm '{PROOF_FILES}*'\n"
EPHEMERAL: Final = "ephemeral"
# A command line's JVM shares the container's memory with the server; it needs little and lives shortly.
SMALL_JVM: Final = "export JAVA_TOOL_OPTIONS='-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'\n"
# `timeout` ends a command in the pod; what only the controller gave up would go on there, and hold the leader's locks.
KILL_AFTER_S: Final = 10
COUNTING_S: Final = 4.0
TIMED_OUT, KILLED, TERMINATED = 124, 137, 143
CUT_OFF: Final = frozenset({KILLED, TERMINATED})


def run_limited(
    kube: Kube, namespace: str, pod: str, container: str, script: str, timeout_s: int
) -> ExecResult:
    """Run a script of `alluxio` commands in a pod, which ends it there when its time is over."""
    limit = ["timeout", "-k", str(KILL_AFTER_S), str(timeout_s)]
    return kube.exec(
        namespace,
        pod,
        container,
        [*limit, "/bin/bash", "-c", SMALL_JVM + script],
        timeout_s=timeout_s + 2.0 * KILL_AFTER_S,
    )


class TookTooLongError(CacheError):
    """A command in a pod was ended for taking too long."""


class Proofs:
    """The proofs of one release, as it was seen at the start."""

    def __init__(self, kube: Kube, namespace: str, seen: health.Seen, options: Options) -> None:
        self.kube = kube
        self.namespace = namespace
        self.seen = seen
        self.options = options
        self.is_ephemeral = options["root_ufs"] == EPHEMERAL
        self.timeout_s = int(options["wait_timeout_s"])
        self.written: list[str] = []

    def write_read(self) -> Json:
        """Write on one worker, read on another, from its cache and from the under store; see cache_verify's RETURN.

        The writer's file is cached on the writer only, so what the reader reads of it crosses the network, and the
        writer's counter of bytes read remotely shows it. A second file is written past the cache: the reader's own
        worker can have it from the under store only.
        """
        writer, reader = self._two_workers()
        size = int(self.options["size_bytes"])
        prefix = PROOF_FILES + secrets.token_hex(4)
        self.written = [f"{prefix}-cached", f"{prefix}-stored"]
        wrote = self._shell(
            writer["name"], WORKER_CONTAINER, self._write_script(writer, prefix, size)
        )
        before = {pod["name"]: self._counters(pod) for pod in (writer, reader)}
        read = self._shell(reader["name"], WORKER_CONTAINER, self._read_script(reader, prefix))
        served = size if writer is not reader else 0
        at_writer = self._counted(writer, before[writer["name"]], {"remote": served})
        ufs = 0 if self.is_ephemeral else size
        at_reader = self._counted(reader, before[reader["name"]], {"ufs": ufs})
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

    def run_tests(self) -> Json | None:
        """Of `alluxio runTests`, {passed, total, failed}; None where it is left out."""
        if not self.options["run_tests"]:
            return None
        # An ephemeral root lies in each pod by itself, so what one worker persists the others do not see.
        kind = " --writeType MUST_CACHE" if self.is_ephemeral else ""
        script = _command("tests", f"alluxio runTests{kind}")
        # What is still being written to the under store would come back there after it was removed.
        leftover = verification.TESTS_LEFTOVER
        settled = f"alluxio fs ls {leftover} | grep -q TO_BE_PERSISTED || break"
        wait = f"for try in 1 2 3 4 5 6 7 8; do {settled}; done; "
        script += _command("leftovers", f"{wait}alluxio fs rm -R {leftover}")
        return verification.parse_run_tests(self._on_the_leader(script)["tests"])

    def consistency(self) -> Json | None:
        """What differs from the under store, see cache_verify's RETURN; None where nothing is to be compared.

        A comparison holds a read lock on all that it compares, so one that takes too long is ended and said to be
        unfinished: that is no proof that something is wrong.
        """
        scope = str(self.options["compares"])
        path = str(self.options["consistency_path"])
        if scope == verification.WRITTEN:
            path = f"{PROOF_FILES}*"
        if not path or self.is_ephemeral:
            return None
        found: Json = {"path": path, "inconsistent": []}
        unknown, finished = 0, True
        try:
            if scope == verification.WRITTEN:
                found = self._compare(path, self.written)
            else:
                found = self._compare(path, [path])
                if found["inconsistent"]:
                    found, unknown = self._without_unknown(found)
        except TookTooLongError:
            found, finished = {"path": path, "inconsistent": []}, False
        return {
            **found,
            "scope": scope,
            "unknown": unknown,
            "required": bool(self.options["consistency_is_required"]),
            "finished": finished,
            "timeout_s": self.timeout_s,
        }

    def _compare(self, path: str, compared: list[str], first: str = "") -> Json:
        words = " ".join(map(shlex.quote, compared))
        each = f'for path in {words}; do alluxio fs checkConsistency "$path"; done'
        said = self._on_the_leader(first + _command("consistency", each))
        return verification.parse_consistency(said["consistency"], path, len(compared))

    def _without_unknown(self, before: Json) -> tuple[Json, int]:
        """Compare again once the cache has been told of every path: one that nobody has asked for yet is no fault.

        Alluxio learns of a path in the under store when it is first listed, and counts it as inconsistent until then.
        """
        path = str(before["path"])
        load = _command("load", f"alluxio fs loadMetadata -R {shlex.quote(path)}")
        after = self._compare(path, [path], load)
        return after, len(set(before["inconsistent"]) - set(after["inconsistent"]))

    def _on_the_leader(self, script: str) -> dict[str, str]:
        if self.seen.leader is None:
            raise CacheError("no master serves")
        return self._shell(self.seen.leader.pod, MASTER_CONTAINER, script)

    def _two_workers(self) -> tuple[Json, Json]:
        """A writer and a reader on different nodes; the same pod twice when there is one worker only."""
        ready = [dict(pod) for pod in health.serving_workers(self.seen)]
        if not ready:
            raise CacheError("no worker is ready and registered with the leader")
        return ready[0], ready[-1]

    def _address(self, pod: Json) -> str:
        return local_write.address(pod, self.seen.leader)

    def _write_script(self, pod: Json, prefix: str, size: int) -> str:
        """Make a random file and copy it in: through the cache, and past it."""
        writes = {f"{prefix}-cached": "MUST_CACHE" if self.is_ephemeral else "CACHE_THROUGH"}
        if not self.is_ephemeral:
            writes[f"{prefix}-stored"] = "THROUGH"
        return local_write.script(self._address(pod), size, writes)

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
            self.kube.pod_http(self.namespace, pod["name"], port, health.METRICS)
        )

    def _counted(self, pod: Json, before: dict[str, int], read: dict[str, int]) -> dict[str, int]:
        """How far a worker's counters went. A worker counts what it sent after the reader has it, so it gets a while.

        read: the counters that are waited for, and the bytes that were read.
        """
        deadline = time.monotonic() + COUNTING_S
        while True:
            found = verification.counted(before, self._counters(pod))
            late = any(found[name] < health.COUNTED_SHARE * size for name, size in read.items())
            if not late or time.monotonic() > deadline:
                return found
            time.sleep(COUNTING_S / 20)

    def _shell(
        self, pod: str, container: str, script: str, *, must_succeed: bool = True
    ) -> dict[str, str]:
        """What a script printed, by its sections."""
        started = time.monotonic()
        try:
            done = run_limited(self.kube, self.namespace, pod, container, script, self.timeout_s)
        except CacheError as error:
            if fate := self._fate(pod):
                raise self._cut_off(pod, fate) from error
            raise
        took_s = time.monotonic() - started
        if done.returncode == TIMED_OUT or (done.returncode == KILLED and took_s >= self.timeout_s):
            if not must_succeed:
                return {}
            raise TookTooLongError(
                f"a proof in {self.namespace}/{pod} took longer than {self.timeout_s} s and was ended.",
                fix=f"see `kubectl -n {self.namespace} logs {pod} -c {container}`.",
            )
        if done.returncode != 0 and must_succeed:
            fate = self._fate(pod)
            if fate or done.returncode in CUT_OFF:
                raise self._cut_off(pod, fate)
            raise self._failed(pod, container, done)
        return verification.sections(done.stdout)

    def _failed(self, pod: str, container: str, done: ExecResult) -> CacheError:
        """The error of a command that failed, with the one line that tells why first where that is known."""
        said = "\n".join(verification.spoken(done.output))
        what = f"a proof in {self.namespace}/{pod} failed"
        if known := explain.known_cause([said]):
            line, cause, fix = known
            return CacheError(f"{what}: {line}", cause, fix)
        told = "\n".join(explain.telling_lines(said, 5))
        return CacheError(
            f"{what} with {done.returncode}:\n{told}",
            fix=f"see `kubectl -n {self.namespace} logs {pod} -c {container}`.",
        )

    def _cut_off(self, pod: str, fate: str) -> CacheError:
        """The error of a command whose pod ended under it."""
        look = (
            f"`kubectl -n {self.namespace} get events --field-selector involvedObject.name={pod}`"
        )
        return CacheError(
            f"a proof in {self.namespace}/{pod} was cut off: {fate or 'its command was killed'}.",
            "" if fate else "The pod runs on; a container short of memory kills what runs in it.",
            f"see {look} for the reason; run `alluxops verify` again once `alluxops status` says healthy.",
        )

    def _fate(self, name: str) -> str:
        """What became of a pod since the proofs began, in words; empty where it is as it was."""
        before = next(pod for pod in self.seen.pods if pod["name"] == name)
        try:
            found = self.kube.get(core(self.namespace, "pods", name))
        except ApiError:
            return ""
        if found is None:
            return "the pod is gone"
        now = cluster.pod_facts(found)
        if now["terminating"] or now["uid"] != before["uid"]:
            return "the pod was deleted"
        return "the container was restarted" if now["restarts"] > before["restarts"] else ""


def _command(name: str, command: str) -> str:
    """Shell text that runs a command as a section of the output, whatever its exit code."""
    return f'echo "=== {name}"; {command} 2>&1; echo "=== {name}.rc $?"\n'
