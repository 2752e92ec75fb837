"""An artifact is published whole or not at all, and built by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.artifacts.store import Store, mounts_below, remove_tree


def never() -> None:
    raise AssertionError("the lock is free")


def publish(store: Store, name: str, key: str, text: str) -> Path:
    with store.building(name, key) as (out, _):
        (out / "program").write_text(text)
    place = store.published(name, key)
    assert place is not None
    return place


def test_a_finished_build_is_published_under_its_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    place = publish(store, "etcd", "k1", "text")
    assert (place / "program").read_text() == "text"
    assert store.published("etcd", "k2") is None
    assert list((tmp_path / "building").iterdir()) == []


def test_a_failed_build_publishes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail() -> None:
        with store.building("etcd", "k1") as (out, scratch):
            (out / "program").write_text("half")
            (scratch / "more").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.published("etcd", "k1") is None
    assert list((tmp_path / "building").iterdir()) == []


HOLD = """
import sys, time
from pathlib import Path
from lab.artifacts.store import Store
store = Store(Path(sys.argv[1]))
with store.lock("etcd", lambda: None), store.building("etcd", "k1") as (out, scratch):
    (out / "program").write_text("half")
    print("building", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def builder(tmp_path: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    return process


def test_what_a_killed_builder_left_is_removed_and_its_lock_is_free(
    builder: subprocess.Popen[str], tmp_path: Path
) -> None:
    store = Store(tmp_path)
    store.sweep()
    assert len(list((tmp_path / "building").iterdir())) == 1, "a living build is left alone"
    builder.send_signal(signal.SIGKILL)
    with builder:
        builder.wait()
    store.sweep()
    assert list((tmp_path / "building").iterdir()) == []
    with store.lock("etcd", never):
        assert store.published("etcd", "k1") is None


def test_a_second_builder_waits_for_the_first(
    builder: subprocess.Popen[str], tmp_path: Path
) -> None:
    waited: list[float] = []

    def on_wait() -> None:
        waited.append(time.monotonic())
        builder.kill()

    with builder, Store(tmp_path).lock("etcd", on_wait):
        assert waited


def test_removing_an_entry_takes_it_away_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    place = publish(store, "etcd", "k1", "text")
    assert store.entries() == [place]
    store.remove(place)
    assert store.published("etcd", "k1") is None
    assert store.entries() == []


def test_mounts_below_a_directory_are_seen() -> None:
    assert "/proc" in mounts_below(Path("/proc"))
    assert mounts_below(Path("/proc/self/nothing-mounted-here")) == []


def test_a_tree_is_removed_whole(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("x")
    remove_tree(tmp_path / "a")
    assert not (tmp_path / "a").exists()
