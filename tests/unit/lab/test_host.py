"""Processes, mounts and seeds on the host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import commands, mounts, seeds
from lab.errors import LabError
from lab.processes import Process


def test_a_process_is_itself_only_while_it_lives() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        process = Process.of(child.pid)
        assert process is not None
        assert process.is_alive()
        other = Process(process.pid, process.start_ticks + 1)
        assert not other.is_alive(), "the same number, but another process"
        child.kill()
        while Process.of(child.pid) is not None:  # a zombie is no process
            pass
        assert not process.is_alive()
    finally:
        child.kill()
        child.wait()


def test_our_own_mounts_are_found_below_a_directory() -> None:
    assert Path("/proc") in mounts.below(Path("/proc"))
    assert mounts.below(Path("/nonexistent")) == []


def test_a_failed_command_says_what_it_was_and_what_it_printed() -> None:
    with pytest.raises(LabError, match="ended with 3") as caught:
        commands.run(["sh", "-c", "echo reason >&2; exit 3"])
    assert "Cause: reason" in str(caught.value)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(LabError, match="no-such-program is not installed"):
        commands.run(["no-such-program"])


def test_a_command_dies_with_who_ran_it(tmp_path: Path) -> None:
    script = "from lab.commands import run; run(['sh', '-c', 'echo $$ > pid; exec sleep 60'])"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    runner = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment)
    pid = tmp_path / "pid"
    commands.wait_for("it runs", lambda: pid.exists() and bool(pid.read_text()), timeout_s=30)
    runner.kill()
    runner.wait()
    number = int(pid.read_text())
    commands.wait_for("it is gone", lambda: Process.of(number) is None, timeout_s=10)


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(LabError, match=r"did not end within 0 s"):
        commands.run(["sleep", "30"], timeout_s=0.2)


def test_waiting_in_vain_says_for_what_and_why() -> None:
    with pytest.raises(LabError, match="the moon") as caught:
        commands.wait_for("the moon", lambda: False, timeout_s=0.1, why_not=lambda: "clouds")
    assert "Cause: clouds" in str(caught.value)


def test_a_seed_is_another_when_an_image_or_the_tree_is(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / "one.tar").write_text("1")
    (images / "names").write_text("not an image")
    single = tmp_path / "two.tar"
    single.write_text("2")
    archives = seeds.image_files([images, single])
    assert [path.name for path in archives] == ["one.tar", "two.tar"]
    key = seeds.key(tmp_path / "tree", archives)
    assert key == seeds.key(tmp_path / "tree", archives)
    assert key != seeds.key(tmp_path / "other", archives)
    single.write_text("three")
    assert key != seeds.key(tmp_path / "tree", archives)


def seed_directory(path: Path) -> Path:
    blobs = path / "io.containerd.content.v1.content/blobs/sha256"
    snapshots = path / "io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs"
    for folder in (blobs, snapshots):
        folder.mkdir(parents=True)
        (folder / "file").write_text("same")
    (snapshots / "link").symlink_to("file")
    (path / "io.containerd.content.v1.content/ingest").mkdir()
    (path / "io.containerd.metadata.v1.bolt").mkdir()
    (path / "io.containerd.metadata.v1.bolt/meta.db").write_text("database")
    return path


def test_a_node_shares_what_is_never_written_and_has_its_own_databases(tmp_path: Path) -> None:
    seed, node = seed_directory(tmp_path / "seed"), tmp_path / "nodes" / "containerd"
    node.mkdir(parents=True)
    (node / "half-planted").write_text("by a killed run")
    seeds.plant(seed, node)
    assert not (node / "half-planted").exists()
    for shared in seeds.NEVER_WRITTEN:
        for path in (seed / shared).rglob("*"):
            planted = node / path.relative_to(seed)
            assert planted.lstat().st_ino == path.lstat().st_ino or path.is_dir()
    database = "io.containerd.metadata.v1.bolt/meta.db"
    (node / database).write_text("changed by the node")
    assert (seed / database).read_text() == "database"
    assert (node / "io.containerd.content.v1.content/ingest").is_dir()


def test_a_broken_seed_is_named(tmp_path: Path) -> None:
    seed = tmp_path / "seed"
    seed.mkdir()
    (tmp_path / "nodes").mkdir()
    with pytest.raises(LabError, match=r"lacks io\.containerd"):
        seeds.plant(seed, tmp_path / "nodes" / "containerd")
