"""The examples as a test applies them: pods that end, what they print, and the counters of who served them."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import ROOT, RunningLab

EXAMPLES = ROOT / "examples"
DIGEST = re.compile(r"^([0-9a-f]{64}) +(?:\./)?(\S.*)$", re.MULTILINE)
ENDS_WITHIN_S = 150
Json = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """How a pod or Job went: whether it succeeded, and all that its containers printed."""

    succeeded: bool
    output: str

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the files that a sample pod read."""
        return {name: digest for digest, name in DIGEST.findall(self.output)}

    @property
    def epochs(self) -> list[Json]:
        """What a training Job says last."""
        found: list[Json] = json.loads(self.output.strip().splitlines()[-1])["epochs"]
        return found


def example(name: str) -> list[Json]:
    """The objects of an example file."""
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def pod_spec(made: Json) -> Json:
    """The pod's part of a Pod or Job."""
    found: Json = made["spec"]["template"]["spec"] if made["kind"] == "Job" else made["spec"]
    return found


def fingerprint(contents: Mapping[str, bytes]) -> str:
    """What train.py --fingerprint prints of these files."""
    mark = 0
    for name, content in contents.items():
        digest = hashlib.sha256(name.encode() + b"\0" + content).digest()
        mark ^= int.from_bytes(digest[:8], "big")
    return f"{mark:016x}"


@dataclass(frozen=True)
class Applied:
    """Examples on a lab, in one namespace."""

    lab: RunningLab
    cache: Cache
    namespace: str = "default"

    def run(self, made: str | Json) -> Ended:
        """Apply an example (its file's name, unchanged) or an object made of one, and wait until it has ended."""
        [wanted] = example(made) if isinstance(made, str) else [made]
        what = f"{wanted['kind'].lower()}/{wanted['metadata']['name']}"
        place = ("-n", self.namespace)
        if isinstance(made, str):
            arguments: tuple[str, ...] = ("-f", str(EXAMPLES / made))
            stdin = None
        else:
            arguments, stdin = ("-f", "-"), json.dumps(made)
        self.remove(what)
        self.lab.run("kubectl", "apply", *place, *arguments, stdin=stdin)
        try:
            succeeded = self._ended(what)
            logs = ("logs", *place, what, "--all-containers", "--tail=-1")
            return Ended(succeeded, self.lab.kubectl(*logs))
        finally:
            self.remove(what)

    def remove(self, *what: str) -> None:
        """Take objects away, where they are there."""
        gone = ("--ignore-not-found", "--grace-period=1", "--timeout=90s")
        self.lab.run("kubectl", "delete", "-n", self.namespace, *what, *gone)

    def _ended(self, what: str) -> bool:
        """Whether a Pod or Job succeeded; waits until it has ended."""
        path = "jsonpath={.status.phase}{.status.succeeded}{.status.failed}"
        deadline = time.monotonic() + ENDS_WITHIN_S
        while True:
            said = self.lab.kubectl("get", "-n", self.namespace, what, "-o", path)
            if said in {"Succeeded", "1"}:
                return True
            failed = said == "Failed" or (what.startswith("job/") and len(said) > 1)
            if failed:
                return False
            if time.monotonic() > deadline:
                told = self.lab.kubectl("describe", "-n", self.namespace, what)
                raise AssertionError(f"{what} has not ended after {ENDS_WITHIN_S} s\n{told}")
            time.sleep(0.5)

    @contextmanager
    def served(self) -> Iterator[dict[str, int]]:
        """Bytes that workers handed out by each way while the block ran; filled when it ends."""
        before = self._counters()
        found: dict[str, int] = {}
        yield found
        after = self._counters()
        found.update({name: after[name] - before[name] for name in after})

    def _counters(self) -> dict[str, int]:
        """Sums over the workers."""
        sums = {"BytesReadDomain": 0, "BytesReadRemote": 0, "BytesReadDirect": 0}
        for name in self._pods("worker"):
            told = self.metrics(name, 30000)["counters"]
            for counter in sums:
                sums[counter] += int(told.get(f"Worker.{counter}", {"count": 0})["count"])
        return sums

    def load_everywhere(self) -> None:
        """Bring all of the cache into every worker.

        `replication_min` is not sure to: Alluxio tries a copy once in the life of a job master.
        """
        for name, pod in self._pods("worker").items():
            # The client that has the worker's name is beside it.
            load = f"alluxio fs -Dalluxio.user.hostname={pod['status']['hostIP']} load --local /"
            where = ("-n", self.cache.name, name, "-c", "alluxio-worker")
            self.lab.kubectl("exec", *where, "--", "bash", "-ec", load)

    def blocks(self) -> list[int]:
        """How many blocks each worker holds."""
        return [
            int(self.metrics(name, 30000)["gauges"]["Worker.BlocksCached"]["value"])
            for name in self._pods("worker")
        ]

    def looked_up(self) -> int:
        """How often the proxies asked for a file's status, as they do for every file that they hand out."""
        return sum(
            int(one["count"])
            for name in self._pods("proxy")
            for timer, one in self.metrics(name, 39999)["timers"].items()
            if timer.startswith("Proxy.GetStatus.")
        )

    def _pods(self, role: str) -> dict[str, Json]:
        """The cache's pods of one role, by name."""
        found = self.cache.pods().items()
        role = f"alluxio-{role}"
        return {name: pod for name, pod in found if pod["metadata"]["labels"]["role"] == role}

    def metrics(self, pod: str, port: int) -> Json:
        """What one of the cache's pods counts."""
        where = f"/api/v1/namespaces/{self.cache.name}/pods/{pod}:{port}/proxy/metrics/json/"
        told: Json = json.loads(self.lab.kubectl("get", "--raw", where))
        return told


def data_set() -> dict[str, dict[str, bytes]]:
    """What lies in the store, by data set: images of the maker, the same in shards, and files of two others."""
    maker = runpy.run_path(str(EXAMPLES / "training/make_dataset.py"))
    images = dict(maker["images"](60, 5, 64, 7))
    with tempfile.TemporaryDirectory() as folder:
        maker["write_shards"](Path(folder), images.items(), 3)
        shards = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    beside = {
        name: {f"{name}-{number}": b"%d" % number * 1000 for number in range(4)}
        for name in ("other", "private")
    }
    return {"images": images, "shards": shards, **beside}
