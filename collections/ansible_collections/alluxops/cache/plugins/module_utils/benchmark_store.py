"""The files of a benchmark and the store they lie in: what is in them, and how they are made and removed.

A part of the program in a benchmark's pods, see benchmark_reader; it runs under the Python of their image.
"""

from __future__ import annotations

import functools
import io
import json
import multiprocessing
import os
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

HEAD = 16
PATTERN = 1024 * 1024
PIECE = 1024 * 1024
NAME = re.compile(r"d\d{4,}/f\d{8,}")

Json = dict[str, Any]


def name_of(number: int) -> str:
    """Where a file is below its workload: a thousand in a directory."""
    return f"d{number // 1000:04d}/f{number:08d}"


def head_of(number: int) -> bytes:
    """How a file begins."""
    return b"%015d\n" % number


def own_numbers(files: int, nodes: Sequence[str], node: str, shift: int) -> list[int]:
    """The files of the reader on a node. shift: 1 for those of the next node's reader."""
    place = (list(nodes).index(node) + shift) % len(nodes)
    return list(range(place, files, len(nodes)))


@functools.lru_cache(maxsize=1)
def pattern_of(seed: int) -> bytes:
    """What files are cut from, each beginning elsewhere in it."""
    return random.Random(seed).randbytes(PATTERN)  # noqa: S311 - not a secret


class Content(io.RawIOBase):
    """A file's bytes, which nothing compresses: the same for the same seed, number and size."""

    def __init__(self, seed: int, number: int, size: int) -> None:
        super().__init__()
        self._pattern = pattern_of(seed)
        self._head, self._start, self._size, self._at = head_of(number), number * 4099, size, 0

    def readable(self) -> bool:
        """As files have it."""
        return True

    def read(self, wanted: int = -1) -> bytes:
        """The next bytes."""
        left = self._size - self._at
        wanted = left if wanted < 0 else min(wanted, left)
        pieces = []
        while wanted > 0:
            piece = self._piece(wanted)
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _piece(self, wanted: int) -> bytes:
        if self._at < HEAD:
            return self._head[self._at : self._at + wanted]
        begin = (self._start + self._at) % PATTERN
        return self._pattern[begin : begin + wanted]


def client_of(task: Json) -> Any:
    """A client of the store, or of what has its API on the reader's own node; of AWS where no endpoint is named."""
    import boto3  # noqa: PLC0415 - a reader of files needs none
    from botocore.config import Config  # noqa: PLC0415 - as above

    own = task.get("endpoints") or {}
    endpoint = own[os.environ["NODE_NAME"]] if own else task["endpoint"]
    # The cache's proxy asks for a name and checks no signature.
    name = {"aws_access_key_id": task["user"], "aws_secret_access_key": "-"} if own else {}
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if own or task["path_style"] else "auto"},
        retries={"max_attempts": 3, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
    )
    return boto3.client(
        "s3", endpoint_url=endpoint or None, region_name=task["region"], config=config, **name
    )


def listed(client: Any, task: Json, prefix: str) -> Iterator[tuple[str, int]]:
    """(key, size) of all below a prefix."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=task["bucket"], Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents") or []:
            yield entry["Key"], entry["Size"]


def marker_of(client: Any, task: Json, top: str) -> Json | None:
    """What a benchmark has said of a directory; None where none has."""
    try:
        body = client.get_object(Bucket=task["bucket"], Key=top + task["marker"])["Body"].read()
        found = json.loads(body)
    except (client.exceptions.NoSuchKey, ValueError):
        return None
    return found if isinstance(found, dict) else None


def mark(client: Any, task: Json, *, is_whole: bool) -> None:
    """Say whose the directory is, and whether all is there."""
    said = {name: task[name] for name in ("files", "bytes", "seed")}
    client.put_object(
        Bucket=task["bucket"],
        Key=task["top"] + task["marker"],
        Body=json.dumps({"made_by": "alluxops benchmark", **said, "whole": is_whole}).encode(),
    )


def look(task: Json, _node: str) -> Json:
    """Whether the data is there: `whole`, `begun`, `absent`, or `foreign` where somebody else has put something."""
    client = client_of(task)
    marker = marker_of(client, task, task["top"])
    if marker is None:
        # A store that the cache has listed may have an object for the directory itself.
        keys = (key for key, _ in listed(client, task, task["top"]) if not key.endswith("/"))
        first = next(keys, None)
        if first is not None:
            return {"state": "foreign", "key": first}
        if task["begins"]:
            mark(client, task, is_whole=False)
        return {"state": "absent"}
    same = all(marker.get(name) == task[name] for name in ("files", "bytes", "seed"))
    return {"state": "whole" if same and marker.get("whole") else "begun"}


def make(task: Json, node: str) -> Json:
    """Write this node's share of the files, without those that are there."""
    there = dict(listed(client_of(task), task, task["top"]))
    numbers = [
        number
        for number in own_numbers(task["files"], task["nodes"], node, 0)
        if there.get(task["top"] + name_of(number)) != task["bytes"]
    ]
    if not numbers:
        return {"made": 0}
    parallel = min(task["parallelism"], len(numbers))
    with multiprocessing.get_context("fork").Pool(parallel) as pool:
        made = pool.map(_make_process, [(task, numbers[n::parallel]) for n in range(parallel)])
    return {"made": sum(made)}


def _make_process(what: tuple[Json, list[int]]) -> int:
    task, numbers = what
    client = client_of(task)
    for number in numbers:
        content = Content(task["seed"], number, task["bytes"])
        key = task["top"] + name_of(number)
        if task["bytes"] <= 8 * PIECE:
            client.put_object(Bucket=task["bucket"], Key=key, Body=content.read())
        else:
            client.upload_fileobj(content, task["bucket"], key)
    return len(numbers)


def seal(task: Json, _node: str) -> Json:
    """See that every file is there with its size, and say so."""
    client = client_of(task)
    there = dict(listed(client, task, task["top"]))
    names = (task["top"] + name_of(number) for number in range(task["files"]))
    if missing := sum(there.get(name) != task["bytes"] for name in names):
        raise RuntimeError(f"{missing} of {task['files']} files are missing or of another size")
    mark(client, task, is_whole=True)
    return {"files": task["files"]}


def delete(client: Any, task: Json, keys: Sequence[str]) -> None:
    """Delete objects. Raises RuntimeError where the store refuses some: it says so in an answer like any other."""
    refused: list[Json] = []
    for start in range(0, len(keys), 1000):
        some = [{"Key": key} for key in keys[start : start + 1000]]
        answer = client.delete_objects(
            Bucket=task["bucket"], Delete={"Objects": some, "Quiet": True}
        )
        refused += answer.get("Errors") or []
    if refused:
        first = refused[0]
        raise RuntimeError(
            f"the store has deleted {len(keys) - len(refused)} of {len(keys)} objects, and refuses the others:"
            f" {first.get('Key')}: {first.get('Code')}: {first.get('Message')}"
        )


def remove(task: Json, _node: str) -> Json:
    """Remove what benchmarks have made below a prefix, and nothing else; or only count it, where the task says so.

    folders: how many were a benchmark's.
    """
    client, counts_only = client_of(task), task["counts_only"]
    folders: dict[str, list[str]] = {}
    for key, _ in listed(client, task, task["top"]):
        folder, slash, name = key[len(task["top"]) :].partition("/")
        if slash:
            folders.setdefault(folder, []).append(name)
    removed, left, ended = 0, 0, 0
    for folder, names in folders.items():
        top = f"{task['top']}{folder}/"
        if marker_of(client, task, top) is None:
            left += len(names)
            continue
        # What tells whose they are goes last: whatever interrupts this, the next run goes on.
        ours = [name for name in names if NAME.fullmatch(name) or not name or name.endswith("/")]
        others = [name for name in names if name not in {*ours, task["marker"]}]
        left += len(others)
        removed += sum(bool(NAME.fullmatch(name)) for name in ours)
        ended += 1
        if not counts_only:
            delete(client, task, [top + name for name in ours])
            client.delete_object(Bucket=task["bucket"], Key=top + task["marker"])
    if not (left or counts_only):
        client.delete_object(Bucket=task["bucket"], Key=task["top"])
    return {"removed": removed, "left": left, "folders": ended}
