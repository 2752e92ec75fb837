"""Files cross to and from containers whole or not at all, run by the real shell."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import pod_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.pod_files import PodFiles
from tests.unit.cache.shell_pods import ShellPods

NAME = "/journal/my backups/b.gz"
CONTENTS = [b"", b"x", os.urandom(1000), os.urandom(2500)]


@pytest.fixture
def pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShellPods:
    monkeypatch.setattr(pod_files, "PIECE_BYTES", 1000)
    return ShellPods(tmp_path)


def files(pods: ShellPods, said: list[str] | None = None) -> PodFiles:
    say = (lambda _: None) if said is None else said.append
    return PodFiles(cast("Kube", pods), "ns", "m0", "alluxio-master", say)


def put(pods: ShellPods, content: bytes) -> Path:
    path = pods.path("m0", NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", CONTENTS)
def test_a_file_is_fetched_for_its_owner_alone(
    pods: ShellPods, tmp_path: Path, content: bytes
) -> None:
    put(pods, content)
    target = tmp_path / "here" / "b.gz"
    assert files(pods).fetch(NAME, target) == len(content)
    assert target.read_bytes() == content
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    assert [each.name for each in target.parent.iterdir()] == ["b.gz"]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_file_is_placed(pods: ShellPods, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "b.gz"
    source.write_bytes(content)
    said: list[str] = []
    assert files(pods, said).place(source, NAME) == len(content)
    placed = pods.path("m0", NAME)
    assert placed.read_bytes() == content
    assert [each.name for each in placed.parent.iterdir()] == ["b.gz"]
    assert stat.S_IMODE(placed.stat().st_mode) == 0o600
    assert not content or said[-1] == f"sent {len(content)} of {len(content)} bytes"


def test_what_an_interrupted_run_left_of_a_copy_does_not_get_into_the_next(
    pods: ShellPods, tmp_path: Path
) -> None:
    put(pods, b"old")
    for number in range(9):
        pods.path("m0", f"{NAME}.part{number:06d}").write_bytes(b"left over")
    source = tmp_path / "b.gz"
    source.write_bytes(CONTENTS[-1])
    files(pods).place(source, NAME)
    assert pods.path("m0", NAME).read_bytes() == CONTENTS[-1]


def test_a_connection_may_break(pods: ShellPods, tmp_path: Path) -> None:
    put(pods, CONTENTS[-1])
    reader = files(pods)
    size = reader.size(NAME)
    pods.breaks = 2
    assert reader._read(NAME, 0, 1000) == CONTENTS[-1][:1000]
    assert size == 2500
    pods.breaks = 3
    with pytest.raises(CacheError, match="broke off"):
        reader._read(NAME, 0, 1000)
    assert not list(tmp_path.glob("*.part"))


def test_a_file_that_changes_meanwhile_does_not_become_a_backup(
    pods: ShellPods, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(pods, b"x" * 10)
    monkeypatch.setattr(PodFiles, "digest", lambda *_: "0" * 64)
    target = tmp_path / "here" / "b.gz"
    with pytest.raises(CacheError, match="did not arrive"):
        files(pods).fetch(NAME, target)
    assert list(target.parent.iterdir()) == []


def test_a_missing_file_has_no_size_and_removing_it_is_no_error(pods: ShellPods) -> None:
    missing: Any = files(pods)
    assert missing.size(NAME) is None
    missing.remove(NAME, NAME + ".complete")
    with pytest.raises(CacheError, match="has no file"):
        missing.fetch(NAME, Path("/nowhere"))


def test_what_the_container_says_is_told(pods: ShellPods, tmp_path: Path) -> None:
    source = tmp_path / "b.gz"
    source.write_bytes(b"x")
    pods.path("m0", "/journal").parent.mkdir()
    pods.path("m0", "/journal").write_text("a file, not a directory")
    with pytest.raises(CacheError, match="cannot write there in ns/m0"):
        files(pods).place(source, NAME)
