"""The program in a benchmark's pods: the same bytes for everybody, each file read once, nothing removed but its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_job,
    benchmark_reader,
    benchmark_store,
)

TOP = "alluxops-benchmark/small-5x3000/"
TASK: dict[str, Any] = {
    "bucket": "data",
    "top": TOP,
    "marker": ".marker.json",
    "files": 5,
    "bytes": 3000,
    "seed": 7,
    "nodes": ["n1", "n2"],
    "parallelism": 2,
    "shift": 0,
    "wait_s": 10,
    "warm_up_s": 0,
    "epochs": 1,
    "epoch_wait_s": 10,
    "counts_only": False,
}


class NoSuchKeyError(Exception):
    """What the client raises for an object that is not there."""


class Bucket:
    """As much of a client of S3 as the program uses."""

    class exceptions:  # noqa: N801 - as boto3 has it
        """Of this client."""

        NoSuchKey = NoSuchKeyError

    def __init__(self, **objects: bytes) -> None:
        self.objects = dict(objects)
        self.refused: set[str] = set()

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "data"
        if Key not in self.objects:
            raise NoSuchKeyError
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, *, Key: str, Body: bytes, **_: str) -> None:  # noqa: N803
        self.objects[Key] = Body

    def upload_fileobj(self, body: io.RawIOBase, _: str, key: str) -> None:
        self.objects[key] = b"".join(iter(lambda: body.read(1 << 20) or b"", b""))

    def delete_object(self, *, Key: str, **_: str) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def delete_objects(self, *, Delete: dict[str, Any], **_: str) -> dict[str, Any]:  # noqa: N803
        keys = {one["Key"] for one in Delete["Objects"]}
        for key in keys - self.refused:
            del self.objects[key]
        errors = [
            {"Key": key, "Code": "AccessDenied", "Message": "Access Denied"}
            for key in sorted(keys & self.refused)
        ]
        return {"Errors": errors} if errors else {}

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, *, Prefix: str, **_: str) -> list[dict[str, Any]]:  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        return [{"Contents": [{"Key": key, "Size": len(self.objects[key])}]} for key in keys]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    found = Bucket()
    monkeypatch.setattr(benchmark_store, "client_of", lambda _: found)
    return found


def put(bucket: Bucket, node: str) -> None:
    """What make() does in its processes."""
    there = dict(benchmark_store.listed(bucket, TASK, TOP))
    numbers = [
        number
        for number in benchmark_store.own_numbers(5, ["n1", "n2"], node, 0)
        if TOP + benchmark_store.name_of(number) not in there
    ]
    benchmark_store._make_process((TASK, numbers))


def test_every_file_has_one_reader() -> None:
    nodes = ["n1", "n2", "n3"]
    shares = [benchmark_store.own_numbers(10, nodes, node, 0) for node in nodes]
    assert sorted(number for share in shares for number in share) == list(range(10))
    shifted = [benchmark_store.own_numbers(10, nodes, node, 1) for node in nodes]
    assert shifted == [shares[1], shares[2], shares[0]]
    assert benchmark_store.own_numbers(3, ["n1"], "n1", 1) == [0, 1, 2]
    assert benchmark_store.name_of(12345678) == "d12345/f12345678"
    assert benchmark_store.NAME.fullmatch(benchmark_store.name_of(12345678))


@pytest.mark.parametrize("size", [16, 20, 1 << 20, (1 << 21) + 5])
def test_content_is_the_same_however_it_is_read(size: int) -> None:
    whole = benchmark_store.Content(1, 9, size).read()
    pieces = benchmark_store.Content(1, 9, size)
    assert b"".join(iter(lambda: pieces.read(70_001), b"")) == whole
    assert len(whole) == size
    assert whole.startswith(benchmark_store.head_of(9)[:size])
    if size > 20:
        assert benchmark_store.Content(1, 10, size).read()[16:] != whole[16:]
        assert benchmark_store.Content(2, 9, size).read()[16:] != whole[16:]


def test_data_is_made_once_and_goes_on_where_it_stood(bucket: Bucket) -> None:
    begins = {**TASK, "begins": True}
    assert benchmark_store.look({**TASK, "begins": False}, "n1") == {"state": "absent"}
    assert bucket.objects == {}
    assert benchmark_store.look(begins, "n1") == {"state": "absent"}
    assert benchmark_store.look(begins, "n1") == {"state": "begun"}
    put(bucket, "n1")
    with pytest.raises(RuntimeError, match="2 of 5 files are missing"):
        benchmark_store.seal(TASK, "n1")
    put(bucket, "n2")
    assert benchmark_store.make(TASK, "n1") == {"made": 0}
    assert benchmark_store.seal(TASK, "n1") == {"files": 5}
    assert benchmark_store.look(begins, "n1") == {"state": "whole"}
    assert benchmark_store.look({**begins, "seed": 8}, "n1") == {"state": "begun"}
    assert all(len(body) == 3000 for key, body in bucket.objects.items() if "/f" in key)


def test_large_files_go_in_parts(bucket: Bucket) -> None:
    size = 9 * benchmark_store.PIECE
    benchmark_store._make_process(({**TASK, "bytes": size}, [3]))
    assert (
        bucket.objects[TOP + benchmark_store.name_of(3)]
        == benchmark_store.Content(7, 3, size).read()
    )


def test_what_others_have_put_is_not_touched(bucket: Bucket) -> None:
    bucket.objects[f"{TOP}"] = b""  # as a cache leaves it that has listed the directory
    assert benchmark_store.look({**TASK, "begins": False}, "n1") == {"state": "absent"}
    bucket.objects[f"{TOP}theirs"] = b"x"
    found = benchmark_store.look({**TASK, "begins": True}, "n1")
    assert found == {"state": "foreign", "key": f"{TOP}theirs"}
    assert TOP + TASK["marker"] not in bucket.objects


def test_only_what_was_made_is_removed(bucket: Bucket) -> None:
    benchmark_store.look({**TASK, "begins": True}, "n1")
    for node in TASK["nodes"]:
        put(bucket, node)
    others = {
        "alluxops-benchmark/theirs/d0000/f00000000": b"x",
        f"{TOP}notes.txt": b"x",
        "alluxops-benchmark/file": b"x",
        "else": b"x",
    }
    # As a cache leaves it that has listed the directory: no file, and goes too.
    bucket.objects |= {**others, f"{TOP}d0000/": b""}
    before = dict(bucket.objects)
    removal = {**TASK, "top": "alluxops-benchmark/"}
    told = {"removed": 5, "left": 2, "folders": 1}
    assert benchmark_store.remove({**removal, "counts_only": True}, "n1") == told
    assert bucket.objects == before
    assert benchmark_store.remove(removal, "n1") == told
    assert bucket.objects == others
    told = {"removed": 0, "left": 2, "folders": 0}
    assert benchmark_store.remove({**removal, "counts_only": True}, "n1") == told


def test_what_the_store_refuses_to_delete_is_told_and_stays_marked(bucket: Bucket) -> None:
    benchmark_store.look({**TASK, "begins": True}, "n1")
    for node in TASK["nodes"]:
        put(bucket, node)
    bucket.refused = {TOP + benchmark_store.name_of(number) for number in (1, 3)}
    removal = {**TASK, "top": "alluxops-benchmark/"}
    said = rf"has deleted 3 of 5 objects, .*: {TOP}d0000/f00000001: AccessDenied: Access Denied"
    with pytest.raises(RuntimeError, match=said):
        benchmark_store.remove(removal, "n1")
    assert set(bucket.objects) == {*bucket.refused, TOP + TASK["marker"]}
    bucket.refused = set()
    assert benchmark_store.remove(removal, "n1")["removed"] == 2
    assert bucket.objects == {}


def test_a_share_is_read_and_counted(tmp_path: Path) -> None:
    make_files(tmp_path)
    (tmp_path / benchmark_store.name_of(2)).write_bytes(b"another")
    (tmp_path / benchmark_store.name_of(3)).unlink()
    files = benchmark_reader.Files({"top": str(tmp_path)})
    found = benchmark_reader.read_share(files, range(5), 3000)
    assert (found["files"], found["bytes"], found["errors"]) == (3, 9000, 2)
    assert found["error"].startswith("d0000/f00000002: 7 of 3000 bytes")
    assert sum(found["latencies"].values()) == 3


def test_objects_are_read_the_same(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_reader, "client_of", lambda _: bucket)
    put(bucket, "n1")
    found = benchmark_reader.read_share(benchmark_reader.Objects(TASK), [0, 2, 4], 3000)
    assert (found["files"], found["bytes"], found["errors"]) == (3, 9000, 0)


def test_a_source_is_warmed_up_by_what_is_no_file_of_the_workload() -> None:
    read: list[str] = []

    class Source:
        def read(self, name: str) -> tuple[int, bytes]:
            read.append(name)
            return 0, b""

    benchmark_reader.warm_up(Source(), {**TASK, "warm_up_s": 0.05})
    assert set(read) == {".marker.json"}
    read.clear()
    benchmark_reader.warm_up(Source(), TASK)
    assert read == []


def make_files(folder: Path) -> None:
    for number in range(5):
        path = folder / benchmark_store.name_of(number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(benchmark_store.Content(7, number, 3000).read())


def run_as_in_a_pod(tmp_path: Path, task: dict[str, Any], go: int = 0) -> dict[str, Any]:
    """The program from its ConfigMap, laid out as the volume has it, told to begin these epochs, or all, at once."""
    told = benchmark_job.config_map("n", "r", task)["data"]
    [volume] = [benchmark_job._program_volume("r")]
    program = tmp_path / "program"
    for item in volume["configMap"]["items"]:
        place = program / item["path"]
        place.parent.mkdir(parents=True, exist_ok=True)
        text = told[item["key"]].replace(benchmark_reader.GO, str(tmp_path / "go"))
        place.write_text(text)
    for epoch in range(1, (go or task["epochs"]) + 1):
        (tmp_path / f"go-{epoch}").write_text("0.1")
    done = subprocess.run(
        [sys.executable, "-m", benchmark_reader.__name__, str(program / benchmark_job.TASK_FILE)],
        env={
            "PYTHONPATH": str(program),
            "NODE_NAME": "n1",
            "DONE_FILE": str(tmp_path / "done"),
            "PATH": os.environ["PATH"],
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith(benchmark_reader.RESULT), done.stderr
    found: dict[str, Any] = json.loads(last.removeprefix(benchmark_reader.RESULT))
    assert done.returncode == int("fault" in found)
    assert (tmp_path / "done").exists()
    return found


def test_the_program_reads_in_processes_when_it_is_told_to(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    make_files(files)
    task = {**TASK, "task": "read", "way": "files", "mount": "", "top": str(files)}
    found = run_as_in_a_pod(tmp_path, task)
    assert found["node"] == "n1"
    [epoch] = found["epochs"]
    assert (epoch["files"], epoch["bytes"], epoch["errors"]) == (3, 9000, 0)
    assert epoch["processes"] == 2
    assert 0 < epoch["seconds"] < 10
    assert 0 <= epoch["node_busy"] <= 1
    [shifted] = run_as_in_a_pod(tmp_path, {**task, "shift": 1})["epochs"]
    assert shifted["files"] == 2


def test_each_epoch_is_begun_and_told_apart(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    make_files(files)
    task = {**TASK, "task": "read", "way": "files", "mount": "", "top": str(files), "epochs": 3}
    found = run_as_in_a_pod(tmp_path, task)
    assert [(one["files"], one["bytes"]) for one in found["epochs"]] == [(3, 9000)] * 3
    text = run_as_in_a_pod(tmp_path, {**task, "epochs": 4, "epoch_wait_s": 0}, go=2)["fault"]
    assert "nobody said when to begin" in text


def test_the_program_says_why_it_failed(tmp_path: Path) -> None:
    task = {
        **TASK,
        "task": "read",
        "way": "files",
        "mount": "/nowhere",
        "top": "/nowhere",
        "wait_s": 0,
    }
    assert "nothing is mounted at /nowhere" in run_as_in_a_pod(tmp_path, task)["fault"]
    task = {
        **TASK,
        "task": "read",
        "way": "objects",
    }  # without an endpoint: what its processes say is told
    assert "KeyError" in run_as_in_a_pod(tmp_path, task)["fault"]
