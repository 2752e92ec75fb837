"""No copy of pinned files is the first use that a worker makes of the under store."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.plugin_utils import first_writes
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, ExecResult
from tests.unit.cache.pinned_cache import PinnedCache
from tests.unit.cache.test_pins import give_back, note

REJECTED = (
    "java.util.concurrent.RejectedExecutionException: Task x rejected from y[Terminated, size = 0]"
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PinnedCache:
    """A pinned file, three workers, and a clock that only moves while somebody waits."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    cache = PinnedCache(tmp_path)
    cache.file("/data/a")
    cache.workers = ["n1", "n2", "n3"]
    return cache


def test_each_worker_writes_by_itself_before_a_pin_is_given_back(cache: PinnedCache) -> None:
    note(cache)
    cache.unpin("/data/a")
    result = give_back(cache)
    assert sorted(name for name, _ in cache.writes) == ["w-n1", "w-n2", "w-n3"]
    for name, script in cache.writes:
        assert f"-Dalluxio.user.hostname=10.0.0.{name[-1]} " in script
        assert "LocalFirstPolicy" in script
        assert "writetype.default=THROUGH " in script
    paths = {re.findall(r"\S+", script)[-1] for _, script in cache.writes}
    assert len(paths) == 3
    assert all(path.startswith("/.alluxops-verify-") for path in paths)
    assert cache.log.read_text().splitlines().index("rm /.alluxops-verify-*") < (
        cache.log.read_text().splitlines().index("pin /data/a")
    )
    assert result["given_back"] == ["/data/a"]
    assert "warnings" not in result


@pytest.mark.parametrize("why", ["nothing lost", "check mode", "ephemeral", "root not given"])
def test_nobody_writes_where_that_opens_nothing(cache: PinnedCache, why: str) -> None:
    note(cache)
    if why != "nothing lost":
        cache.unpin("/data/a")
    root = {"ephemeral": "ephemeral", "root not given": ""}.get(why, "s3://b/")
    give_back(cache, check=why == "check mode", root=root)
    assert cache.writes == []


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (ExecResult(255, REJECTED, ""), "see docs/runbooks/verify.md"),
        (ExecResult(124, "", ""), "it took longer than 30 s."),
        (ExecResult(1, "Permission denied", ""), "Permission denied (exit code 1)."),
        (ApiError("POST", 404, "the pod is gone"), "the pod is gone"),
    ],
)
def test_a_worker_that_cannot_write_is_named_and_keeps_no_file_from_its_pin(
    cache: PinnedCache, ended: ExecResult | ApiError, told: str
) -> None:
    note(cache)
    cache.unpin("/data/a")
    cache.cannot_write = {"w-n2": ended}
    result = give_back(cache)
    assert result["given_back"] == ["/data/a"]
    (warning,) = result["warnings"]
    assert warning.startswith("1 of 3 workers could not write a file to the under store: w-n2: ")
    assert told in warning
    assert len(cache.writes) == 3
    assert cache.objects == {}


def test_a_look_or_a_removal_that_fails_is_no_error(
    cache: PinnedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ApiError("GET", 500, "etcd is slow")

    monkeypatch.setattr(first_writes, "_remove", fails)
    assert first_writes.write(cache, "cache", "alluxio") == []  # type: ignore[arg-type]
    monkeypatch.setattr(objects, "look", fails)
    (warning,) = first_writes.write(cache, "cache", "alluxio")  # type: ignore[arg-type]
    assert "etcd is slow" in warning


def test_of_a_large_cache_some_write_and_it_is_told_how_many_have(
    cache: PinnedCache, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.workers = [f"n{number}" for number in range(1, first_writes.WORKERS + 10)]
    assert first_writes.write(cache, "cache", "alluxio") == []  # type: ignore[arg-type]
    assert len(cache.writes) == 64
    assert "waiting: workers to open the under store: 0 of 64 (" in capsys.readouterr().out
