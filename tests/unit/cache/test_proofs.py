"""The proofs write here, read there, count the bytes, and leave nothing behind."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs
from tests.unit.cache.kube_objects import container, pod

Json = dict[str, Any]

SIZE = 1000
DIGEST = hashlib.sha256(b"x").hexdigest()
RUN_TESTS = "runTest --operation BASIC\nPassed the test!\n"
CONSISTENT = "/ is consistent with the under storage system.\n"
DIFFERS = "The following files are inconsistent:\n"


class Cache:
    """A cache whose workers count what is read from them."""

    def __init__(self) -> None:
        self.scripts: list[tuple[str, str]] = []
        self.remote = {"w1": 50, "w2": 70}
        self.ufs = {"w1": 5, "w2": 7}
        self.read_digest = DIGEST
        self.fails_in = ""
        self.differs = False
        self.counts_late = False
        self.ended_in = ""
        self.limits: list[tuple[list[str], float]] = []

    def exec(
        self,
        _namespace: str,
        name: str,
        _container: str,
        command: list[str],
        *,
        timeout_s: float,
    ) -> ExecResult:
        script = command[-1]
        self.scripts.append((name, script))
        self.limits.append((command[:-3], timeout_s))
        if self.ended_in and self.ended_in in script:
            return ExecResult(124, "=== consistency\n", "")
        if self.fails_in and self.fails_in in script:
            return ExecResult(255, "", "No available Alluxio worker found")
        return ExecResult(0, self._said(name, script), "")

    def _said(self, name: str, script: str) -> str:
        if " cat " in script:
            self.remote["w1"] += 0 if self.counts_late else SIZE
            self.ufs[name] += SIZE
        read = f"{self.read_digest}  -\n"
        differs = f"{DIFFERS}/changed\n/new\n" if self.differs else ""
        by_command = {
            "copyFromLocal": f"=== digest\n{DIGEST}  /tmp/x\n",
            " cat ": f"=== read.cached\n{read}=== read.stored\n{read}",
            "loadMetadata": f"=== load\n=== consistency\n{DIFFERS}/changed\n",
            "runTests": f"=== tests\n{RUN_TESTS}=== tests.rc 0\n",
            "": f"=== consistency\n{differs or CONSISTENT * self._compared(script)}",
        }
        return next(text for command, text in by_command.items() if command in script)

    @staticmethod
    def _compared(script: str) -> int:
        """How many paths a loop of checkConsistency goes over."""
        return len(shlex.split(script.partition("for path in ")[2].partition("; do alluxio")[0]))

    def get(self, path: str) -> Json | None:
        """The pod as it is now: as it was."""
        name = path.rpartition("/")[2]
        return pod(name, "", f"n{name[1:]}")

    def pod_http(self, _namespace: str, name: str, *_: Any) -> str:
        counters = {
            "Worker.BytesReadRemote": self.remote[name],
            "Worker.BytesReadPerUfs.UFS:s3": self.ufs[name],
        }
        return json.dumps({"counters": {key: {"count": count} for key, count in counters.items()}})


def entry(host: str) -> Json:
    return {"address": {"host": host}, "capacityBytes": 1, "usedBytes": 0, "lastContactSec": 0}


def proofs(cache: Cache, *nodes: str, **options: Any) -> Proofs:
    pods = [pod_facts(pod("m", "alluxio-master", "n1"))]
    pods += [pod_facts(pod(f"w{node[1:]}", "alluxio-worker", node)) for node in nodes]
    body = json.dumps(
        {"version": "2.9.6", "workers": [entry(f"10.0.0.{node[1:]}") for node in nodes]}
    )
    given = {
        "root_ufs": "s3://b/",
        "size_bytes": SIZE,
        "wait_timeout_s": 10,
        "run_tests": True,
        "compares": "path",
        "consistency_path": "/",
        "consistency_is_required": True,
        **options,
    }
    return Proofs(cache, "cache", health.Seen(pods, health.parse_leader("m", body)), given)  # type: ignore[arg-type]


def test_what_one_worker_wrote_another_reads() -> None:
    found = proofs(Cache(), "n1", "n2").write_read()
    assert (found["writer"], found["reader"]) == ("n1", "n2")
    assert found["digest_equal"]
    assert (found["bytes_remote"], found["bytes_ufs"]) == (SIZE, SIZE)
    assert health.verify_problems({"write_read": found}) == []


def test_what_a_worker_counts_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache()
    cache.counts_late = True
    monkeypatch.setattr("time.sleep", lambda _: cache.remote.update(w1=50 + SIZE))
    found = proofs(cache, "n1", "n2").write_read()
    assert (found["bytes_remote"], found["bytes_ufs"]) == (SIZE, SIZE)


def test_each_client_counts_as_being_beside_its_worker() -> None:
    cache = Cache()
    proofs(cache, "n1", "n2").write_read()
    written, read = (script for _, script in cache.scripts)
    assert "-Dalluxio.user.hostname=10.0.0.1 " in written
    assert "LocalFirstPolicy" in written
    assert "-Dalluxio.user.hostname=10.0.0.2 " in read


def test_other_content_is_found() -> None:
    cache = Cache()
    cache.read_digest = hashlib.sha256(b"y").hexdigest()
    found = proofs(cache, "n1", "n2").write_read()
    assert not found["digest_equal"]
    assert health.verify_problems({"write_read": found})


def test_one_worker_alone_reads_its_own() -> None:
    found = proofs(Cache(), "n1").write_read()
    assert found["writer"] == found["reader"] == "n1"
    assert health.verify_problems({"write_read": found}) == []


def test_no_worker_is_an_error() -> None:
    with pytest.raises(CacheError, match="no worker is ready and registered"):
        proofs(Cache()).write_read()


def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    cache = Cache()
    cache.fails_in = "copyFromLocal"
    with pytest.raises(CacheError, match="No available Alluxio worker"):
        proofs(cache, "n1", "n2").write_read()


def test_the_leader_runs_the_tests_and_removes_what_they_leave_in_one_shell() -> None:
    cache = Cache()
    found = proofs(cache, "n1", "n2").run_tests()
    assert found == {"passed": 1, "total": 1, "failed": [], "cause": ""}
    ((where, script),) = cache.scripts
    assert where == "m"
    assert "alluxio fs rm -R /default_tests_files" in script
    assert proofs(cache, "n1", run_tests=False).run_tests() is None


def test_the_whole_of_a_path_is_compared() -> None:
    cache = Cache()
    assert proofs(cache, "n1", "n2").consistency() == {
        "path": "/",
        "scope": "path",
        "inconsistent": [],
        "unknown": 0,
        "required": True,
        "finished": True,
        "timeout_s": 10,
    }
    assert "for path in /; do" in cache.scripts[0][1]
    assert proofs(cache, "n1", consistency_path="").consistency() is None


def test_a_deployment_compares_only_what_its_proof_wrote() -> None:
    cache = Cache()
    made = proofs(cache, "n1", "n2", compares="written", consistency_is_required=False)
    made.write_read()
    found = made.consistency()
    assert found is not None
    assert (found["scope"], found["inconsistent"]) == ("written", [])
    (compared,) = [script for _, script in cache.scripts if "checkConsistency" in script]
    assert made.written[0].startswith("/.alluxops-verify-")
    assert f"for path in {' '.join(made.written)}; do" in compared


def test_a_written_file_that_differs_is_told_and_nothing_is_loaded() -> None:
    cache = Cache()
    cache.differs = True
    made = proofs(cache, "n1", "n2", compares="written")
    made.written = ["/.alluxops-verify-1-cached"]
    found = made.consistency()
    assert found is not None
    assert found["inconsistent"] == ["/changed", "/new"]
    assert not any("loadMetadata" in script for _, script in cache.scripts)


@pytest.mark.parametrize("where", ["checkConsistency", "loadMetadata"])
def test_a_comparison_that_takes_too_long_is_ended_and_said_to_be_unfinished(where: str) -> None:
    cache = Cache()
    cache.differs = True
    cache.ended_in = where
    found = proofs(cache, "n1", "n2").consistency()
    assert found is not None
    assert (found["finished"], found["inconsistent"]) == (False, [])
    said = [
        "consistency not finished within 10 s (/); set verify_consistency_path to a smaller path."
    ]
    assert health.verify_problems({"consistency": found}) == said
    assert health.verify_problems({"consistency": {**found, "required": False}}) == []


def test_every_command_ends_in_the_pod_before_it_is_given_up_here() -> None:
    cache = Cache()
    made = proofs(cache, "n1", "n2")
    made.write_read()
    made.run_tests()
    made.consistency()
    made.remove_files()
    assert len(cache.limits) == 5
    for command, timeout_s in cache.limits:
        assert command == ["timeout", "-k", "10", "10"]
        assert timeout_s > 10 + 10


def test_a_proof_that_takes_too_long_says_so() -> None:
    cache = Cache()
    cache.ended_in = "runTests"
    with pytest.raises(CacheError, match="took longer than 10 s and was ended"):
        proofs(cache, "n1").run_tests()


DUMP = (
    "=== tests\nrunTest --operation BASIC\n\x1b[32mPassed the test!\x1b[0m\n=== tests.rc 0\n"
    "Picked up JAVA_TOOL_OPTIONS: -Xmx256m\n"
)


class Failing(Cache):
    """A cache in which each command fails, with what its pod is then."""

    def __init__(self, code: int, said: str = DUMP, now: Json | None = None) -> None:
        super().__init__()
        self.ends = ExecResult(code, said, "")
        self.now = now

    def exec(self, *_: Any, **__: Any) -> ExecResult:
        if self.ends.returncode < 0:
            raise CacheError("running `timeout` in cache/m (alluxio-master) broke off: lost")
        return self.ends

    def get(self, _path: str) -> Json | None:
        return self.now


def failure(cache: Cache) -> CacheError:
    with pytest.raises(CacheError) as found:
        proofs(cache, "n1").run_tests()
    return found.value


SAME = pod("m", "alluxio-master", "n1")
OTHER = pod("m", "alluxio-master", "n1", uid="another")
GOING = pod("m", "alluxio-master", "n1", deletionTimestamp="now")
AGAIN = pod("m", "alluxio-master", "n1", [container("alluxio-master", restarts=1)])


@pytest.mark.parametrize(
    ("code", "now", "why"),
    [
        (137, None, "the pod is gone"),
        (137, OTHER, "the pod was deleted"),
        (255, GOING, "the pod was deleted"),
        (-1, None, "the pod is gone"),
        (137, AGAIN, "the container was restarted"),
        (137, SAME, "its command was killed"),
    ],
)
def test_a_pod_that_goes_away_under_a_proof_is_told_as_that(
    code: int, now: Json | None, why: str
) -> None:
    error = failure(Failing(code, now=now))
    assert error.what == f"a proof in cache/m was cut off: {why}."
    assert "alluxops verify" in error.fix


def test_a_connection_that_breaks_while_the_pod_stays_is_told_as_that() -> None:
    assert "broke off: lost" in failure(Failing(-1, now=SAME)).what


def test_what_a_failed_command_says_comes_without_marks_and_colours() -> None:
    error = failure(Failing(1, f"{DUMP}\x1b[31mFailed for some reason\x1b[0m\n", SAME))
    assert error.what == "a proof in cache/m failed with 1:\nFailed for some reason"


def test_credentials_that_are_refused_are_told_first_with_where_they_come_from() -> None:
    said = (
        "alluxio.exception.status.InternalException: The AWS Access Key Id you provided does not exist in our records."
        " (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; S3 Extended Request ID: a/b)\n"
        "\tat alluxio.Some.stack(Some.java:1)\nFailed to copy\n"
    )
    error = failure(Failing(255, DUMP + said, SAME))
    assert error.what.startswith("a proof in cache/m failed: alluxio.exception.status.Internal")
    assert error.what.count("\n") == 0
    assert "does not accept the credentials" in error.cause
    assert "alluxio_root_ufs_credentials" in error.fix


def test_a_removal_that_takes_too_long_hides_no_other_error() -> None:
    cache = Cache()
    cache.ended_in = "alluxio fs rm"
    proofs(cache, "n1").remove_files()


def test_a_path_that_nobody_asked_the_cache_for_yet_is_no_fault() -> None:
    cache = Cache()
    cache.differs = True
    found = proofs(cache, "n1", "n2").consistency()
    assert found is not None
    assert found["inconsistent"] == ["/changed"]
    assert found["unknown"] == 1
    assert "alluxio fs loadMetadata -R /" in cache.scripts[1][1]


def test_files_are_removed_those_of_an_interrupted_run_too() -> None:
    cache = Cache()
    proofs(cache, "n1").remove_files()
    assert "alluxio fs rm '/.alluxops-verify-*'" in cache.scripts[0][1]


def test_an_ephemeral_root_is_not_asked_for_what_it_cannot_keep() -> None:
    cache = Cache()
    made = proofs(cache, "n1", "n2", root_ufs="ephemeral")
    found = made.write_read()
    assert not found["persisted"]
    assert "MUST_CACHE" in cache.scripts[0][1]
    assert "THROUGH" not in cache.scripts[0][1]
    assert made.consistency() is None
    made.run_tests()
    assert "--writeType MUST_CACHE" in cache.scripts[-1][1]


def test_a_path_with_odd_characters_stays_one_word() -> None:
    path = "/a b; rm -rf '/"
    cache = Cache()
    proofs(cache, "n1", consistency_path=path).consistency()
    loop = cache.scripts[-1][1].splitlines()[-1]
    said = subprocess.run(
        ["bash", "-c", f'alluxio() {{ printf "%s\\n" "$@"; }}; {loop}'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines()[1:4] == ["fs", "checkConsistency", path]
