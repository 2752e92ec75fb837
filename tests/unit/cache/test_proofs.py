"""The proofs write here, read there, count the bytes, and leave nothing behind."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import Proofs
from tests.unit.cache.kube_objects import pod

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

    def exec(
        self, _namespace: str, name: str, _container: str, command: list[str], **_: Any
    ) -> ExecResult:
        script = command[-1]
        self.scripts.append((name, script))
        if self.fails_in and self.fails_in in script:
            return ExecResult(255, "", "No available Alluxio worker found")
        if "copyFromLocal" in script:
            return ExecResult(0, f"=== digest\n{DIGEST}  /tmp/x\n", "")
        if " cat " in script:
            self.remote["w1"] += SIZE
            self.ufs[name] += SIZE
            read = f"{self.read_digest}  -\n"
            return ExecResult(0, f"=== read.cached\n{read}=== read.stored\n{read}", "")
        if "loadMetadata" in script:
            return ExecResult(0, f"=== load\n=== consistency\n{DIFFERS}/changed\n", "")
        if self.differs:
            return ExecResult(0, f"=== consistency\n{DIFFERS}/changed\n/new\n", "")
        return ExecResult(
            0, f"=== tests\n{RUN_TESTS}=== tests.rc 0\n=== consistency\n{CONSISTENT}", ""
        )

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
    found = proofs(cache, "n1", "n2").on_the_leader()
    assert found["run_tests"] == {"passed": 1, "total": 1, "failed": []}
    assert found["consistency"] == {
        "path": "/",
        "inconsistent": [],
        "unknown": 0,
        "required": True,
    }
    (where, script) = cache.scripts[0]
    assert where == "m"
    assert "alluxio fs rm -R /default_tests_files" in script
    assert len(cache.scripts) == 1


def test_a_path_that_nobody_asked_the_cache_for_yet_is_no_fault() -> None:
    cache = Cache()
    cache.differs = True
    found = proofs(cache, "n1", "n2", run_tests=False).on_the_leader()["consistency"]
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
    assert made.on_the_leader()["consistency"] is None
    assert "--writeType MUST_CACHE" in cache.scripts[-1][1]


def test_a_path_with_odd_characters_stays_one_word() -> None:
    cache = Cache()
    made = proofs(cache, "n1", consistency_path="/a b; rm -rf /")
    made.on_the_leader()
    assert "checkConsistency '/a b; rm -rf /'" in cache.scripts[-1][1]
