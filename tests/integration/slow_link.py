"""A second way to the lab's S3 gateway, long and narrow: toxiproxy on a port that the lab keeps free for such.

The test and the bench of `benchmark` measure against this one link.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import artifacts, network
from lab.progress import Reporter
from tests.integration.lab_under_test import RunningLab

PORT = 9001
API_PORT = 9009
LATENCY_MS = 200
KILOBYTES_S = 1000
"""Of each connection: about what one gets from another continent."""
WARM_UP_S = 20
"""Until then the Java of mounts and workers that have just started is slow, on a machine of few processors."""


@contextmanager
def slow_link(lab: RunningLab) -> Iterator[str]:
    """The address of the store at its far end, as pods use it."""
    program = artifacts.ensure(["toxiproxy"], Reporter())["toxiproxy"] / "toxiproxy-server"
    host = lab.state.addresses.host
    api = f"http://{host}:{API_PORT}"
    server = subprocess.Popen(
        [program, "-host", host, "-port", str(API_PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        proxy = {
            "name": "s3",
            "listen": f"{host}:{PORT}",
            "upstream": f"{host}:{network.S3_PORT}",
            "enabled": True,
        }
        _post(f"{api}/proxies", proxy, tries=50)
        for kind, attributes in (
            ("latency", {"latency": LATENCY_MS, "jitter": 0}),
            ("bandwidth", {"rate": KILOBYTES_S}),
        ):
            toxic = {"type": kind, "stream": "downstream", "attributes": attributes}
            _post(f"{api}/proxies/s3/toxics", toxic)
        yield f"http://{host}:{PORT}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def _post(url: str, body: dict[str, Any], *, tries: int = 1) -> None:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    for left in range(tries - 1, -1, -1):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request):
                return
        except OSError:
            if not left:
                raise
            time.sleep(0.1)
