"""The program in a benchmark's pods: makes files, reads them at a given moment, removes them.

It is delivered as it is, with benchmark_store, and runs under the Python of the image (3.9 or newer), which has boto3.
What to do stands in a JSON file, its only argument; credentials of the store come from the environment, as boto3 takes
them. It ends with one line `benchmark-result {...}`, which is small whatever was read: latencies are counted in
classes, each 5 % wider than the one before.

Files are read so often as there are epochs, each of them begun when all readers have ended the one before; what one
epoch was, is told apart from the others.

A task is one of: look (is the data there?), make, seal (see that all is there, and say so in the marker), read, remove.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_store
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_store import (
    HEAD,
    PIECE,
    client_of,
    head_of,
    name_of,
    own_numbers,
)

RESULT = "benchmark-result "
READY = "benchmark-ready"
GO = "/tmp/benchmark-go"  # noqa: S108 - in the pod, where nobody else is
STEP = 1.05

Json = dict[str, Any]


def latency_class(seconds: float) -> int:
    """The class of a latency: microseconds as a power of STEP."""
    return int(math.log(max(1.0, seconds * 1e6)) / math.log(STEP))


class Files:
    """Reads files of a directory, as a mount has them."""

    def __init__(self, task: Json) -> None:
        self._top = task["top"]
        self._buffer = memoryview(bytearray(PIECE))

    def read(self, name: str) -> tuple[int, bytes]:
        """(size, first bytes) of a file that was read to its end."""
        size, head = 0, b""
        descriptor = os.open(os.path.join(self._top, name), os.O_RDONLY)
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

    def read(self, name: str) -> tuple[int, bytes]:
        """(size, first bytes) of an object that was read to its end."""
        key = self._task["top"] + name
        body = self._client.get_object(Bucket=self._task["bucket"], Key=key)["Body"]
        size, head = 0, b""
        while piece := body.read(PIECE):
            head = head or piece[:HEAD]
            size += len(piece)
        return size, head


def read_share(source: Any, numbers: Sequence[int], size: int) -> Json:
    """Read files one after the other; what came of it."""
    latencies: dict[int, int] = {}
    found: Json = {"files": 0, "bytes": 0, "errors": 0, "error": "", "slowest_s": 0.0}
    for number in numbers:
        began = time.perf_counter()
        try:
            count, head = source.read(name_of(number))
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the next file is read all the same
            found["errors"] += 1
            found["error"] = found["error"] or f"{name_of(number)}: {type(error).__name__}: {error}"
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


def warm_up(source: Any, task: Json) -> None:
    """Read the marker for a while: a Java machine that has just started is slow at first, and so is a new connection.

    It is no file of the workload, so that nothing of that is cached, or counted, before it is read.
    """
    deadline = time.monotonic() + task["warm_up_s"]
    while time.monotonic() < deadline:
        source.read(task["marker"])


def _read_process(task: Json, numbers: Sequence[int], barrier: Any, results: Any) -> None:
    try:
        source = Files(task) if task["way"] == "files" else Objects(task)
        warm_up(source, task)
        barrier.wait(task["wait_s"])  # ready
        for _ in range(task["epochs"]):
            barrier.wait()  # begin; the parent gives up, and ends this process too
            began = os.times()
            found = read_share(source, numbers, task["bytes"])
            ended = os.times()
            cpu_s = ended.user + ended.system - began.user - began.system
            results.put({**found, "cpu_s": cpu_s})
    except Exception as error:  # noqa: BLE001 - told by the parent, which would wait for ever else
        results.put({"fault": f"{type(error).__name__}: {error}"})
        barrier.abort()


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
        epochs = []
        for epoch in range(1, task["epochs"] + 1):
            say(ready_line(epoch))
            # Others may still read what they have of the epoch before.
            wait_s = task["wait_s"] if epoch == 1 else task["epoch_wait_s"]
            time.sleep(wait_for_go(epoch, wait_s))
            epochs.append(_epoch(barrier, results, number, task["wait_s"]))
    except threading.BrokenBarrierError:
        # The process that broke it has said why before.
        why = "" if results.empty() else results.get().get("fault", "")
        raise RuntimeError(why or f"not ready within {task['wait_s']} s") from None
    return {"epochs": epochs}


def _epoch(barrier: Any, results: Any, processes: int, wait_s: float) -> Json:
    """Have all processes read once; what came of it."""
    before = node_ticks()
    began = time.perf_counter()
    barrier.wait(wait_s)
    found = [results.get() for _ in range(processes)]
    seconds = time.perf_counter() - began
    busy = busy_share(before, node_ticks())
    if faults := [one["fault"] for one in found if "fault" in one]:
        raise RuntimeError(faults[0])
    return {**merged(found), "seconds": seconds, "processes": processes, "node_busy": busy}


def ready_line(epoch: int) -> str:
    """What a reader says when it could begin an epoch, the first of which is 1: it has ended the one before."""
    return f"{READY} {epoch}"


def go_file(epoch: int) -> str:
    """In which it is told in how many seconds to begin."""
    return f"{GO}-{epoch}"


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
    while why := why_not_mounted(mount, top):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no files after {wait_s:.0f} s: {why}")
        time.sleep(0.2)


def why_not_mounted(mount: str, top: str) -> str:
    """Why the files cannot be seen; empty where they can. mount: empty for a directory that is no mount."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    mounts = {line.split()[1] for line in lines if line.split()[2].startswith("fuse")}
    if mount and mount not in mounts:
        return f"nothing is mounted at {mount}"
    try:
        os.listdir(top)
    except OSError as error:
        return str(error)
    return ""


def wait_for_go(epoch: int, wait_s: float) -> float:
    """In how many seconds to begin an epoch, once that is told: not at which time, as the clocks of nodes differ."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            return float(Path(go_file(epoch)).read_text(encoding="utf-8"))
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


TASKS = {
    "look": benchmark_store.look,
    "make": benchmark_store.make,
    "seal": benchmark_store.seal,
    "read": read,
    "remove": benchmark_store.remove,
}


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
