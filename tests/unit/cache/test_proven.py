"""A revision is proven once its own proofs have passed, and by nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import cache_verify
from ansible_collections.alluxops.cache.plugins.module_utils import proven
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.health import Leader, Seen
from ansible_collections.alluxops.cache.plugins.plugin_utils import release
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError

Json = dict[str, Any]

GOOD: Json = {"run_tests": {"passed": 24, "total": 24, "failed": []}, "write_read": None}
BAD: Json = {"run_tests": {"passed": 23, "total": 24, "failed": ["x"]}, "write_read": None}


def record(number: int, status: str = "deployed", mark: str = "") -> Json:
    annotations = {"annotations": {proven.ANNOTATION: mark}} if mark else {}
    labels = {"owner": "helm", "name": "alluxio", "status": status, "version": str(number)}
    return {"metadata": {"name": f"r.v{number}", "labels": labels, **annotations}}


@pytest.mark.parametrize(
    ("secrets", "is_proven"),
    [
        ([record(9, "superseded", "9"), record(10)], False),
        ([record(9, "superseded"), record(10, mark="10")], True),
        ([record(10, mark="9")], False),
        ([record(9, mark="9"), record(10, "failed")], False),
        ([record(9, mark="9"), record(10, "pending-upgrade", "10")], False),
    ],
    ids=["new revision", "proven", "handed down", "a failed one after it", "pending"],
)
def test_the_newest_revision_counts(secrets: list[Json], *, is_proven: bool) -> None:
    found = proven.newest(secrets, "alluxio")
    assert found is not None
    assert found.number == 10
    assert found.is_proven is is_proven
    assert proven.newest(secrets, "other") is None


def test_what_differs_elsewhere_does_not_count_against_a_revision() -> None:
    assert proven.passed({**GOOD, "consistency": {"path": "/", "inconsistent": ["/a"]}})
    assert not proven.passed(BAD)


class Cluster:
    """Helm's Secrets, and what was written to them."""

    def __init__(self, *secrets: Json, refuses: int = 0) -> None:
        self.secrets = secrets
        self.refuses = refuses
        self.written: list[tuple[str, str | None]] = []

    def list_objects(self, _path: str, selector: str, *, names_only: bool) -> list[Json]:
        assert selector == "owner=helm,name=alluxio"
        assert names_only
        return list(self.secrets)

    def merge(self, path: str, patch: Json) -> Json:
        if self.refuses:
            raise ApiError("PATCH", self.refuses, "forbidden")
        name = path.rpartition("/")[2]
        self.written.append((name, patch["metadata"]["annotations"][proven.ANNOTATION]))
        return {}


class Proofs:
    """Proofs that come out as given; None fails."""

    result: Json | None = GOOD

    def __init__(self, *_: Any) -> None:
        pass

    def write_read(self) -> Any:
        if self.result is None:
            raise CacheError("no worker took it")
        return self.result["write_read"]

    def run_tests(self) -> Any:
        return (self.result or {})["run_tests"]

    def consistency(self) -> None:
        return None

    def remove_files(self) -> None:
        pass


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the action; result: how the proofs come out."""
    seen = Seen([], Leader("alluxio-master-0", "2.9.6", (), ()))
    paths = ["/api/v1/master/info", "/metrics/json/"]
    monkeypatch.setattr(release, "look_at_installed", lambda *_: seen)
    monkeypatch.setattr(release, "endpoints", lambda *_: paths)

    def made(
        cluster: Cluster, result: Json | None = GOOD, *, check: bool = False, **given: Any
    ) -> Json:
        monkeypatch.setattr(cache_verify, "Proofs", type("P", (Proofs,), {"result": result}))
        action = cache_verify.ActionModule.__new__(cache_verify.ActionModule)
        action._task = SimpleNamespace(check_mode=check)
        place = {"namespace": "cache", "release": "alluxio", "wait_timeout_s": 0}
        options = {**place, "unless_proven": True, **given}
        found: Json = action.act(cluster, options)  # type: ignore[arg-type]
        return found

    return made


def test_an_unproven_revision_is_proven_and_marked_without_a_change(run: Any) -> None:
    cluster = Cluster(record(3))
    found = run(cluster)
    assert found["verify"]["run_tests"] == GOOD["run_tests"]
    assert cluster.written == [("r.v3", "3")]
    assert "changed" not in found


def test_a_proven_revision_is_left_alone_unless_asked_for(run: Any) -> None:
    cluster = Cluster(record(3, mark="3"))
    assert run(cluster)["skipped"]
    assert run(Cluster())["skipped"]  # nothing of Helm's is there
    assert cluster.written == []
    run(cluster, unless_proven=False)
    assert cluster.written == [("r.v3", None), ("r.v3", "3")]


@pytest.mark.parametrize("result", [BAD, None], ids=["came out wrong", "could not be made"])
def test_a_proof_that_fails_leaves_a_revision_to_be_proven(run: Any, result: Json | None) -> None:
    cluster = Cluster(record(3, mark="3"))
    try:
        run(cluster, result, unless_proven=False)
    except CacheError:
        assert result is None
    assert cluster.written == [("r.v3", None)]


def test_check_mode_says_what_it_would_prove_and_writes_nothing(run: Any) -> None:
    cluster = Cluster(record(3))
    found = run(cluster, check=True)
    assert found["verify"] is None
    assert "revision 3" in found["note"]
    assert run(Cluster(record(3, mark="3")), check=True)["note"] == ""
    assert run(Cluster(), check=True, unless_proven=False)["note"]
    assert cluster.written == []


def test_whoever_may_not_write_the_mark_is_told_and_has_the_proof(run: Any) -> None:
    found = run(Cluster(record(3), refuses=403))
    assert found["verify"]
    assert "could not be written down" in found["warnings"][0]
    assert run(Cluster(record(3), refuses=404))["warnings"] == []
