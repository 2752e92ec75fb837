"""A file that one worker wrote comes back through each new one, or it is said through which it does not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import health
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.canary import Canary
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from tests.unit.cache.kube_objects import pod

Json = dict[str, Any]

DIGEST = hashlib.sha256(b"x").hexdigest()
OTHER = hashlib.sha256(b"y").hexdigest()


class Cache:
    """Workers of which some read wrongly, or from the wrong place."""

    def __init__(self) -> None:
        self.scripts: list[tuple[str, str]] = []
        self.ufs = {"w1": 0, "w2": 0, "w3": 0}
        self.gives = dict.fromkeys(self.ufs, DIGEST)
        self.reads_ufs = True
        self.served = dict.fromkeys(self.ufs, 0)
        self.serves = True

    def exec(
        self, _namespace: str, name: str, _container: str, command: list[str], **_: Any
    ) -> Any:
        script = command[-1]
        self.scripts.append((name, script))
        if "copyFromLocal" in script:
            return ExecResult(0, f"=== digest\n{DIGEST}  /tmp/x\n", "")
        if " cat " in script:
            self.ufs[name] += 4 if self.reads_ufs else 0
            writer = script.partition("-w")[2][:1]  # of a path of an ephemeral root
            if writer and f"w{writer}" != name and self.serves:
                self.served[f"w{writer}"] += 4
            return ExecResult(0, f"=== read\n{self.gives[name]}  -\n", "")
        return ExecResult(0, "", "")

    def pod_http(self, _namespace: str, name: str, *_: Any) -> str:
        counters = {
            "Worker.BytesReadPerUfs.UFS:s3": {"count": self.ufs[name]},
            "Worker.BytesReadRemote": {"count": self.served[name]},
        }
        return json.dumps({"counters": counters})


def canary(cache: Cache, *nodes: str, root_ufs: str = "s3://datasets/") -> Canary:
    pods = [pod_facts(pod("m", "alluxio-master", "n1"))]
    pods += [pod_facts(pod(f"w{name[1:]}", "alluxio-worker", name)) for name in nodes]
    hosts = [f"10.0.0.{name[1:]}" for name in nodes]
    workers = tuple(health.Worker(host, frozenset({host}), 1, 0, 0, "LIVE") for host in hosts)
    seen = health.Seen(pods, health.Leader("m", "2.9.6", workers, ()))
    options = {"root_ufs": root_ufs, "wait_timeout_s": 60, "size_bytes": 4}
    return Canary(cache, "alluxio", seen, options)  # type: ignore[arg-type]


def test_it_is_written_elsewhere_and_read_through_the_new_worker() -> None:
    cache = Cache()
    found = canary(cache, "n1", "n2", "n3").fly(["n3"])
    assert found["writer"] == "n1"
    assert found["nodes"]["n3"]["problem"] == ""
    assert found["nodes"]["n3"]["bytes_ufs"] == 4
    (writer, writes), (reader, reads) = cache.scripts
    assert (writer, reader) == ("w1", "w3")
    assert "writetype.default=THROUGH " in writes
    assert "-Dalluxio.user.hostname=10.0.0.3" in reads


def test_each_worker_is_judged_by_itself() -> None:
    cache = Cache()
    cache.gives["w2"] = OTHER
    found = canary(cache, "n1", "n2", "n3").fly(["n2", "n3", "n9"])["nodes"]
    assert "other bytes" in found["n2"]["problem"]
    assert found["n3"]["problem"] == ""
    assert "not ready" in found["n9"]["problem"]


def test_with_an_ephemeral_root_each_worker_serves_what_it_wrote_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proofs, "COUNTING_S", 0.0)
    cache = Cache()
    found = canary(cache, "n1", "n2", "n3", root_ufs="ephemeral").fly(["n2", "n3", "n9"])
    assert found["writer"] == ""
    assert {name: one["reader"] for name, one in found["nodes"].items()} == {
        "n2": "n3",
        "n3": "n1",
        "n9": "",
    }
    assert [found["nodes"][name]["problem"] for name in ("n2", "n3")] == ["", ""]
    assert "not ready" in found["nodes"]["n9"]["problem"]
    wrote = {name: script for name, script in cache.scripts if "copyFromLocal" in script}
    assert set(wrote) == {"w2", "w3"}
    assert all("writetype.default=MUST_CACHE " in script for script in wrote.values())
    assert cache.served == {"w1": 0, "w2": 4, "w3": 4}


@pytest.mark.parametrize(
    ("root_ufs", "flaw", "says"),
    [
        ("s3://datasets/", "reads_ufs", "under store"),
        ("ephemeral", "serves", "w2 has served nothing of it"),
    ],
    ids=["not from the under store", "ephemeral root, of another worker"],
)
def test_bytes_that_came_another_way_are_no_proof(
    root_ufs: str, flaw: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "COUNTING_S", 0.0)
    cache = Cache()
    setattr(cache, flaw, False)
    found = canary(cache, "n1", "n2", root_ufs=root_ufs).fly(["n2"])["nodes"]["n2"]
    assert says in found["problem"]
    alone = canary(cache, "n2", root_ufs="ephemeral").fly(["n2"])["nodes"]["n2"]
    assert (alone["problem"], alone["reader"]) == ("", "n2")


def test_workers_of_an_ephemeral_root_that_are_all_tried_serve_one_another() -> None:
    found = canary(Cache(), "n1", "n2", root_ufs="ephemeral").fly(["n1", "n2"])["nodes"]
    assert {name: one["reader"] for name, one in found.items()} == {"n1": "n2", "n2": "n1"}
    assert [one["problem"] for one in found.values()] == ["", ""]


def test_bytes_that_a_worker_counts_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache()
    cache.reads_ufs = False
    monkeypatch.setattr("time.sleep", lambda _: cache.ufs.update(w2=4))
    found = canary(cache, "n1", "n2").fly(["n2"])["nodes"]["n2"]
    assert (found["problem"], found["bytes_ufs"]) == ("", 4)


def test_the_only_worker_writes_for_itself() -> None:
    assert canary(Cache(), "n2").fly(["n2"])["writer"] == "n2"


def test_without_a_worker_nothing_can_be_written() -> None:
    with pytest.raises(CacheError, match="no worker is ready"):
        canary(Cache()).fly(["n2"])


def test_the_file_is_removed() -> None:
    cache = Cache()
    canary(cache, "n1").remove()
    assert cache.scripts == [("m", cache.scripts[0][1])]
    assert "fs rm '/.alluxops-canary-*'" in cache.scripts[0][1]
