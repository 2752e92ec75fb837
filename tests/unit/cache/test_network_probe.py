"""The program of the pods, run as they run it: from its text, against sockets and a server that speaks S3."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import network_pods, network_probe
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Store

SIZE = 3 * 1024**2
LISTED = f"""<?xml version="1.0"?><ListBucketResult>
<Name>data</Name><KeyCount>2</KeyCount><IsTruncated>false</IsTruncated>
<Contents><Key>set/small</Key><Size>10</Size></Contents>
<Contents><Key>set/large</Key><Size>{SIZE}</Size></Contents>
</ListBucketResult>"""


class S3(BaseHTTPRequestHandler):
    """A bucket with two objects; what is asked is kept, with its headers."""

    asked: list[tuple[str, str, str]]

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        self.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        body = b"x" * SIZE if path == "/data/set/large" else LISTED.encode()
        status = 404 if path.endswith("/missing") else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if status == 200 else 0))
        self.end_headers()
        if with_body and status == 200:
            self.wfile.write(body)

    def do_GET(self) -> None:
        """An object, or the list."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """An object's size."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    S3.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), S3) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def store(server: ThreadingHTTPServer, key: str = "") -> Store:
    endpoint = f"http://127.0.0.1:{server.server_port}"
    return Store("data", "set/", endpoint, "us-east-1", path_style=True, key=key)


def run(command: list[str]) -> dict[str, Any]:
    """A command as a pod runs it: its shell, with this Python for the pod's."""
    script = command[2].replace("python3", sys.executable)
    done = subprocess.run(
        ["/bin/sh", "-c", script, *command[3:]],
        env={
            "PATH": os.environ["PATH"],
            "PROBE": network_pods.source(),
            "AWS_ACCESS_KEY_ID": "key-id-under-test",
            "AWS_SECRET_ACCESS_KEY": "secret-under-test",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "secret-under-test" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_largest_object_is_found_with_the_credentials_of_the_environment(
    server: ThreadingHTTPServer,
) -> None:
    found = run(network_pods.finds(store(server)))
    assert (found["key"], found["bytes"]) == ("set/large", SIZE)
    assert found["endpoint"] == f"http://127.0.0.1:{server.server_port}"
    [(_, path, authorization)] = S3.asked
    assert "prefix=set%2F" in path
    assert "Credential=key-id-under-test/" in authorization


def test_a_named_object_is_asked_for_by_name(server: ThreadingHTTPServer) -> None:
    assert run(network_pods.finds(store(server, "set/large")))["bytes"] == SIZE
    assert "404" in run(network_pods.finds(store(server, "missing")))["error"]


def test_an_object_is_read_over_and_over_for_the_time_given(server: ThreadingHTTPServer) -> None:
    found = run(network_pods.reads(store(server, "set/large"), 0.5, 2))
    ticks = found["ticks"]
    assert ticks == sorted(ticks)
    assert ticks[0][0] < 0.5 <= ticks[-1][0] + 0.01
    assert ticks[-1][1] > SIZE
    gets = [path for verb, path, _ in S3.asked if verb == "GET"]
    assert len(gets) > 1
    assert set(gets) == {"/data/set/large"}


def test_a_read_that_fails_tells_why(server: ThreadingHTTPServer) -> None:
    assert "404" in run(network_pods.reads(store(server, "missing"), 0.2, 1))["error"]


def test_a_store_that_does_not_answer_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = Store("data", "", f"http://127.0.0.1:{port}", "us-east-1", path_style=True)
    assert "EndpointConnectionError" in run(network_pods.finds(gone))["error"]


def test_connections_are_timed_to_a_port_that_answers() -> None:
    with network_probe.listener(0) as listening:
        port = listening.getsockname()[1]
        found = run(network_pods.connects("127.0.0.1", port))
    assert len(found["ms"]) == network_pods.CONNECTS
    assert all(0 < each < 3000 for each in found["ms"])


def test_a_port_that_nobody_answers_on_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "ConnectionRefusedError" in run(network_pods.connects("127.0.0.1", port))["error"]
