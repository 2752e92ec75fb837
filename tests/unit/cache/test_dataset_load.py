"""Each version loads in its own way; an old one in parts, each begun once and left running."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_load
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import File
from lab import versions
from tools.repository import ROOT

OLD: Final = "distributed"


@pytest.mark.parametrize(
    ("version", "way"),
    [("2.9.6", "submit"), ("2.9.1", "submit"), ("2.9.0", "distributed"), ("2.8.1", "distributed")],
)
def test_each_version_loads_in_its_own_way(version: str, way: str) -> None:
    assert dataset_load.way_of(version) == way


def test_what_no_version_of_the_lab_does_is_said_to_be_untried() -> None:
    """Once one is old enough for distributedLoad, the runbook need no longer say so."""
    known = versions.load()
    assert {dataset_load.way_of(each) for each in (known.alluxio, known.alluxio_older)} == {
        "submit"
    }
    runbook = (ROOT / "docs/runbooks/datasets.md").read_text(encoding="utf-8")
    untried = runbook.partition("## What was not tried\n")[2].partition("\n## ")[0]
    assert "(`distributedLoad`) has met no real cache" in untried


def test_loads_are_begun_together() -> None:
    assert dataset_load.script("submit", ["/a b", "/c"]) == (
        "alluxio fs load --submit '/a b' 2>&1 || rc=$?\n"
        "alluxio fs load --submit /c 2>&1 || rc=$?\nexit ${rc:-0}\n"
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("\tJob State: RUNNING\n\tFiles Failed: 0\n", ("RUNNING", "")),
        ("\tJob State: SUCCEEDED\n\tFiles Failed: 2\n", ("SUCCEEDED", "2 files failed")),
        ("\tJob State: FAILED (no path)\n", ("FAILED", "no path")),
        ("Load for path '/a' cannot be found.", ("", "")),
    ],
)
def test_what_a_load_says_of_itself(said: str, state: tuple[str, str]) -> None:
    assert dataset_load.state_of(said) == state


def file(path: str, size: int = 1, *, is_loaded: bool = False) -> File:
    return File(path, size, 0, is_loaded, False, True, 0, -1)


def parts(*files: File, paths: tuple[str, ...] = ("/d",)) -> list[str]:
    return [path for part in dataset_load.parts(OLD, paths, files) for path in part]


def many(folder: str, number: int) -> list[File]:
    return [file(f"{folder}/{each}") for each in range(number)]


def test_a_version_that_submits_is_given_all_at_once() -> None:
    files = many("/d/a", 3000)
    assert list(dataset_load.parts("submit", ("/d", "/e"), files)) == [("/d", "/e")]


def test_an_old_version_is_given_a_part_at_a_time() -> None:
    large = many("/d/train/a", 900) + many("/d/train/b", 900)
    assert parts(*large, *many("/d/val", 100)) == ["/d/train/a", "/d/train/b", "/d/val"]
    assert parts(*many("/d/val", 100)) == ["/d"]
    assert parts(*many("/d/a", 3), *many("/e", 3), paths=("/d", "/e")) == ["/d", "/e"]


def test_what_lies_beside_directories_comes_after_them() -> None:
    assert parts(*many("/d", 5), *many("/d/a", 999), *many("/d/b", 3)) == ["/d/a", "/d/b", "/d"]
    assert parts(*many("/d", 5000)) == ["/d"]


def test_sizes_count_too() -> None:
    size = dataset_load.PART_BYTES
    assert parts(file("/d/a/x", size), file("/d/b/x", size)) == ["/d/a", "/d/b"]
    assert parts(file("/d/x", size + 1), paths=("/d/x",)) == ["/d/x"]


def test_what_is_cached_is_not_loaded_again() -> None:
    cached = [file(f"/d/a/{each}", is_loaded=True) for each in range(2000)]
    assert parts(*cached, *many("/d/b", 3)) == ["/d"]
    assert parts(*cached) == []


class Pod:
    """A shell with an `alluxio` that loads until it is told to end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = folder / "alluxio"
        command.write_text(
            f'#!/bin/sh\necho "$@" >> {folder}/calls\n'
            f"while [ -e {folder}/runs ]; do sleep 0.05; done\necho 'Failed count is 2.'\n"
        )
        command.chmod(0o755)
        (folder / "runs").touch()

    def run(self, script: str) -> str:
        path = f"{self.folder}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            env={"PATH": path},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout

    def state(self, path: str) -> tuple[str, str]:
        return dataset_load.state_of(self.run(dataset_load.asking(OLD, path)))


def test_an_old_version_loads_beside_the_run_and_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_load, "_note", lambda _: str(tmp_path / "note"))
    pod = Pod(tmp_path)
    assert pod.state("/a b")[0] == "ENDED"
    begin = dataset_load.script(OLD, ["/a b"])
    pod.run(begin)
    assert pod.state("/a b") == ("RUNNING", "")
    pod.run(begin)  # as by the next run, after one that was killed
    (tmp_path / "runs").unlink()
    limit = time.monotonic() + 10
    while pod.state("/a b")[0] == "RUNNING" and time.monotonic() < limit:
        time.sleep(0.05)
    assert pod.state("/a b") == ("ENDED", "Failed count is 2.")
    assert (tmp_path / "calls").read_text() == "fs distributedLoad /a b\n"


def test_a_note_is_of_one_path() -> None:
    assert dataset_load._note("/a") != dataset_load._note("/b")
    assert dataset_load._note("/a") in dataset_load.script(OLD, ["/a"])
