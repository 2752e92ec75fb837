"""Files of a cache whose workers come and go: written through one node's worker, and read all the time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

REFRESH = {"alluxio.user.worker.list.refresh.interval": "5sec"}
LOCAL = (
    "-Dalluxio.user.file.copyfromlocal.block.location.policy.class="
    "alluxio.client.block.policy.LocalFirstPolicy"
)
SIZE = 3_000_000


def quick_clients(lab: RunningLab) -> dict[str, Any]:
    """Settings with which clients hear of a worker that goes within seconds, which `remove-workers` waits for."""
    return {"verify_tests": False, "alluxio_values": {**lab.values, "properties": REFRESH}}


class Files:
    """The files of one cache."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lab = cache.lab

    def address(self, node: str) -> str:
        return next(
            str(self.lab.state.addresses.node(one.index))
            for one in self.lab.state.nodes
            if one.name == node
        )

    def beside(self, node: str, text: str) -> str:
        """A shell script beside a node's worker: only there its domain socket is."""
        pods = self.lab.objects("pods", "-n", self.cache.name, "-l", "role=alluxio-worker")
        pod = next(one["metadata"]["name"] for one in pods if one["spec"]["nodeName"] == node)
        where = ("-n", self.cache.name, pod, "-c", "alluxio-worker")
        return self.lab.kubectl("exec", *where, "--", "bash", "-ec", text)

    def write(self, path: str, node: str, kind: str, size: int = SIZE) -> str:
        """A file of random bytes, written through one node's worker; its digest."""
        # Of a block that is being written the worker keeps room for all of it.
        client = f"-Dalluxio.user.hostname={self.address(node)} {LOCAL} -Dalluxio.user.block.size.bytes.default=8MB"
        text = self.beside(
            node,
            f"head -c {size} /dev/urandom > /tmp/made; sha256sum /tmp/made | cut -d' ' -f1;"
            f" alluxio fs {client} -Dalluxio.user.file.writetype.default={kind}"
            f" copyFromLocal /tmp/made {path}; rm /tmp/made",
        )
        return text.split()[0]

    def digest(self, path: str) -> str:
        return self.cache.script(f"alluxio fs cat {path} | sha256sum").split()[0]

    def cached(self, path: str) -> str:
        """How much of a file is cached, as `100%`, and where."""
        listed = self.cache.script(f"alluxio fs ls {path}").split()
        return next(word for word in listed if word.endswith("%"))

    def holders(self, path: str) -> list[str]:
        """The nodes whose workers have blocks of a file, as the leader knows it."""
        told = self.cache.script(f"alluxio fs location {path}")
        names = [one.name for one in self.lab.state.nodes]
        hosts = {name: rf"\b{re.escape(self.address(name))}(?!\d)" for name in names}
        return sorted(name for name, host in hosts.items() if re.search(host, told))

    @contextmanager
    def reading(self, path: str, digest: str) -> Iterator[list[str]]:
        """Read a file again and again meanwhile, beside the first master; what was read each time."""
        loop = (
            f"rm -f /tmp/stop; while [ ! -e /tmp/stop ]; do alluxio fs cat {path} > /tmp/read 2>/tmp/said;"
            " echo \"$? $(sha256sum < /tmp/read | cut -d' ' -f1) $(tail -n 1 /tmp/said)\"; done"
        )
        name = self.cache.name
        where = ("-n", name, f"{name}-master-0", "-c", "alluxio-master", "--")
        process = subprocess.Popen(
            ["kubectl", "exec", *where, "bash", "-c", loop],
            env=self.lab.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seen: list[str] = []
        try:
            yield seen
        finally:
            self.lab.kubectl("exec", *where, "touch", "/tmp/stop")
            with suppress(subprocess.TimeoutExpired):
                seen += process.communicate(timeout=60)[0].splitlines()
            process.kill()
        assert len(seen) > 3, seen
        assert [line for line in seen if line.split()[:2] != ["0", digest]] == []
