"""The program in a benchmark's pods: makes files, reads them at a given moment, removes them. Knows nothing of Kubernetes.

It is delivered as it is, and runs under the Python of the image (3.9 or newer) with boto3 beside it. What to do stands in
a JSON file, its only argument; credentials of the store come from the environment, as boto3 takes them. It ends with one
line `benchmark-result {...}`.

A task is one of: look (is the data there?), make, seal (see that all is there, and say so in the marker), read, remove.
Everything a reader finds out is small, whatever it has read: latencies are counted in classes, each 5 % wider than the
one before.
"""

from __future__ import annotations

import functools
import io
import json
import math
import multiprocessing
import os
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RESULT = "benchmark-result "
READY = "benchmark-ready"
GO = "/tmp/benchmark-go"  # noqa: S108 - in the pod, where nobody else is
STEP = 1.05
HEAD = 16
PATTERN = 1024 * 1024
PIECE = 1024 * 1024
NAME = re.compile(r"d\d{4}/f\d{8}")

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


def latency_class(seconds: float) -> int:
    """The class of a latency: microseconds as a power of STEP."""
    return int(math.log(max(1.0, seconds * 1e6)) / math.log(STEP))


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
        wanted = left if wanted is None or wanted < 0 else min(wanted, left)
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


class Files:
    """Reads files of a directory, as a mount has them."""

    def __init__(self, task: Json) -> None:
        self._top = task["top"]
        self._buffer = memoryview(bytearray(PIECE))

    def read(self, number: int) -> tuple[int, bytes]:
        """(size, first bytes) of a file that was read to its end."""
        size, head = 0, b""
        descriptor = os.open(os.path.join(self._top, name_of(number)), os.O_RDONLY)
        try:
            while count := os.readv(descriptor, [self._buffer]):
                head = head or bytes(self._buffer[:HEAD])
                size += count
        finally:
            os.close(descriptor)
        return size, head


class Objects:
    """Reads objects of a bucket."""

    def __init__(self, task: Json) -> None:
        self._client, self._task = client_of(task), task

    def read(self, number: int) -> tuple[int, bytes]:
        """(size, first bytes) of an object that was read to its end."""
        key = self._task["top"] + name_of(number)
        body = self._client.get_object(Bucket=self._task["bucket"], Key=key)["Body"]
        size, head = 0, b""
        while piece := body.read(PIECE):
            head = head or piece[:HEAD]
            size += len(piece)
        return size, head


def client_of(task: Json) -> Any:
    """A client of the store, or of what has the same API on the reader's own node; of AWS where no endpoint is named."""
    import boto3  # noqa: PLC0415 - a reader of files needs none
    from botocore.config import Config  # noqa: PLC0415 - as above

    own = task.get("endpoints") or {}
    endpoint = own[os.environ["NODE_NAME"]] if own else task["endpoint"]
    # The cache's proxy asks for a name and checks no signature.
    name = {"aws_access_key_id": task["user"], "aws_secret_access_key": "-"} if own else {}
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"max_attempts": 3, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
    )
    return boto3.client(
        "s3", endpoint_url=endpoint or None, region_name=task["region"], config=config, **name
    )


def read_share(source: Any, numbers: Sequence[int], size: int) -> Json:
    """Read files one after the other; what came of it."""
    latencies: dict[int, int] = {}
    found: Json = {"files": 0, "bytes": 0, "errors": 0, "error": "", "slowest_s": 0.0}
    for number in numbers:
        began = time.perf_counter()
        try:
            count, head = source.read(number)
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the next file is read all the same
            found["errors"] += 1
            found["error"] = found["error"] or f"{name_of(number)}: {error or type(error).__name__}"
            continue
        took = time.perf_counter() - began
        if count != size or head != head_of(number)[:count]:
            found["errors"] += 1
            found["error"] = found["error"] or (
                f"{name_of(number)}: {count} of {size} bytes, beginning with {head!r}"
            )
            continue
        found["files"] += 1
        found["bytes"] += count
        found["slowest_s"] = max(found["slowest_s"], took)
        place = latency_class(took)
        latencies[place] = latencies.get(place, 0) + 1
    return {**found, "latencies": latencies}


def _read_process(task: Json, numbers: Sequence[int], barrier: Any, results: Any) -> None:
    try:
        source = Files(task) if task["way"] == "files" else Objects(task)
        barrier.wait(task["wait_s"])  # ready
        barrier.wait(task["wait_s"])  # begin
        began = os.times()
        found = read_share(source, numbers, task["bytes"])
        ended = os.times()
        cpu_s = ended.user + ended.system - began.user - began.system
        results.put({**found, "cpu_s": cpu_s})
    except Exception as error:  # noqa: BLE001 - told by the parent, which would wait for ever else
        barrier.abort()
        results.put({"fault": f"{type(error).__name__}: {error}"})


def read(task: Json, node: str) -> Json:
    """Read this node's share in several processes, beginning when told to."""
    numbers = own_numbers(task["files"], task["nodes"], node, task["shift"])
    random.Random(task["seed"]).shuffle(numbers)  # noqa: S311 - not a secret
    number = min(task["parallelism"], len(numbers))
    if task["way"] == "files":
        wait_for_mount(task["mount"], task["top"], task["wait_s"])
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(number + 1), context.SimpleQueue()
    workers = [
        context.Process(
            target=_read_process, args=(task, numbers[place::number], barrier, results), daemon=True
        )
        for place in range(number)
    ]
    for worker in workers:
        worker.start()
    try:
        barrier.wait(task["wait_s"])
        say(READY)
        time.sleep(wait_for_go(task["wait_s"]))
        before = node_ticks()
        began = time.perf_counter()
        barrier.wait(task["wait_s"])
        found = [results.get() for _ in workers]
        seconds = time.perf_counter() - began
        busy = busy_share(before, node_ticks())
    except Exception:
        # The child that broke the barrier has said why before it ended.
        time.sleep(0.5)
        if not results.empty() and "fault" in (told := results.get()):
            raise RuntimeError(told["fault"]) from None
        raise
    if faults := [one["fault"] for one in found if "fault" in one]:
        raise RuntimeError(faults[0])
    return {**merged(found), "seconds": seconds, "processes": number, "node_busy": busy}


def merged(parts: Sequence[Json]) -> Json:
    """What several processes found, as one."""
    latencies: dict[int, int] = {}
    for part in parts:
        for place, count in part["latencies"].items():
            latencies[place] = latencies.get(place, 0) + count
    found: Json = {
        name: sum(part[name] for part in parts) for name in ("files", "bytes", "errors", "cpu_s")
    }
    found["slowest_s"] = max(part["slowest_s"] for part in parts)
    found["error"] = next((part["error"] for part in parts if part["error"]), "")
    return {**found, "latencies": latencies}


def wait_for_mount(mount: str, top: str, wait_s: float) -> None:
    """Wait until the mount is there and shows the files."""
    deadline = time.monotonic() + wait_s
    while True:
        if not mount or any(
            line.split()[1] == mount and line.split()[2].startswith("fuse")
            for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        ):
            try:
                os.listdir(top)
                return
            except OSError as error:
                why = str(error)
        else:
            why = f"nothing is mounted at {mount}"
        if time.monotonic() > deadline:
            raise TimeoutError(f"no files after {wait_s:.0f} s: {why}")
        time.sleep(0.2)


def wait_for_go(wait_s: float) -> float:
    """In how many seconds to begin, once that is told. Clocks of nodes may differ; how long it is until then does not."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            return float(Path(GO).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            time.sleep(0.005)
    raise TimeoutError(f"nobody said when to begin within {wait_s:.0f} s")


def node_ticks() -> tuple[int, int]:
    """(busy, all) of the node's processors so far."""
    try:
        words = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]
    except OSError:
        return 0, 0
    ticks = [int(word) for word in words]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def busy_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    """How much of the node's processors was in use."""
    return (after[0] - before[0]) / max(1, after[1] - before[1])


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


def remove(task: Json, _node: str) -> Json:
    """Remove what benchmarks have made below a prefix, and nothing else."""
    client = client_of(task)
    folders: dict[str, list[str]] = {}
    for key, _ in listed(client, task, task["top"]):
        folder, slash, name = key[len(task["top"]) :].partition("/")
        if slash:
            folders.setdefault(folder, []).append(name)
    removed, left = 0, 0
    for folder, names in folders.items():
        top = f"{task['top']}{folder}/"
        if marker_of(client, task, top) is None:
            left += len(names)
            continue
        # What tells whose they are goes last: whatever interrupts this, the next run goes on.
        ours = [name for name in names if NAME.fullmatch(name) or not name or name.endswith("/")]
        others = [name for name in names if name not in {*ours, task["marker"]}]
        left += len(others)
        for start in range(0, len(ours), 1000):
            some = [{"Key": top + name} for name in ours[start : start + 1000]]
            client.delete_objects(Bucket=task["bucket"], Delete={"Objects": some, "Quiet": True})
            removed += len(some)
        client.delete_object(Bucket=task["bucket"], Key=top + task["marker"])
    if not left:
        client.delete_object(Bucket=task["bucket"], Key=task["top"])
    return {"removed": removed, "left": left, "folders": sorted(folders)}


TASKS = {"look": look, "make": make, "seal": seal, "read": read, "remove": remove}


def say(text: str) -> None:
    """A line of the log."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(path: str) -> int:
    """Do the task of a file. Exit code 1 where it fails, which the result says too."""
    task = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        found = TASKS[task["task"]](task, os.environ.get("NODE_NAME", ""))
    except Exception as error:  # noqa: BLE001 - a line of ours tells more than a trace
        found = {"fault": f"{type(error).__name__}: {error}"}
    finally:
        if done := os.environ.get("DONE_FILE"):
            Path(done).touch()
    say(RESULT + json.dumps({"node": os.environ.get("NODE_NAME", ""), **found}))
    return int("fault" in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
