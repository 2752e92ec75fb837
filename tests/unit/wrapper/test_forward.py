"""The dashboard's forward over real sockets; only the Kubernetes API is played."""

from __future__ import annotations

import http.client
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from alluxops.cluster import Master
from alluxops.dashboard import Answer, answering, describe, probe, serve
from alluxops.errors import ClusterError, UsageError
from alluxops.forward import LOOPBACK, Forwarder, LeaderWatch

INDEX = b"<html>one page that shows what its path says</html>"


class Web(http.server.BaseHTTPRequestHandler):
    """A master's web server: with the UI, as upstream's image has it, or without."""

    name = ""
    has_ui = False

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = 404, b""
        if self.path in {"/metrics/json/", "/metrics/prometheus/", "/api/v1/master/info"}:
            status, body = 200, self.name.encode()
        elif self.has_ui:
            status, body = (200 if self.path == "/" else 404), INDEX
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def web(name: str, *, has_ui: bool = False) -> Iterator[int]:
    handler = type("Handler", (Web,), {"name": name, "has_ui": has_ui})
    with http.server.ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Tunnel:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port))

    def socket(self, _port: int) -> socket.socket:
        return self._socket

    def close(self) -> None:
        self._socket.close()


class PlayedCluster:
    """Masters by name with the ports of their web servers; the test says who leads."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.leading: str | None = next(iter(ports))

    def masters(self) -> list[Master]:
        return [Master(pod, f"node-of-{pod}", "alluxio-master", 19999, True) for pod in self.ports]

    def leads(self, master: Master) -> bool:
        return master.pod == self.leading

    def leader(self) -> Master | None:
        return next((master for master in self.masters() if self.leads(master)), None)

    def open_tunnel(self, master: Master) -> Tunnel:
        try:
            return Tunnel(self.ports[master.pod])
        except OSError as error:
            raise ClusterError(f"no way to {master.pod}") from error


@contextmanager
def forwarding(cluster: Any, changed: Callable[[Master | None], None]) -> Iterator[Forwarder]:
    with Forwarder(0, cluster, LeaderWatch(cluster, changed)) as forwarder:
        thread = threading.Thread(target=forwarder.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield forwarder
        finally:
            forwarder.shutdown()
            thread.join()


def test_it_listens_on_loopback_only() -> None:
    with forwarding(PlayedCluster({"m0": 1}), lambda _: None) as forwarder:
        assert forwarder.server_address[0] == "127.0.0.1"


def test_a_page_comes_through() -> None:
    with web("m0") as port, forwarding(PlayedCluster({"m0": port}), lambda _: None) as forwarder:
        assert probe(forwarder.port, "/metrics/json/") == Answer("/metrics/json/", 200, b"m0")


def test_it_follows_the_leader() -> None:
    changes: list[str | None] = []
    with web("m0") as first, web("m1") as second:
        cluster = PlayedCluster({"m0": first, "m1": second})
        with forwarding(cluster, lambda m: changes.append(m.pod if m else None)) as forwarder:
            assert probe(forwarder.port, "/metrics/json/").body == b"m0"
            cluster.leading = "m1"
            forwarder.watch.doubt()
            assert probe(forwarder.port, "/metrics/json/").body == b"m1"
    assert changes == ["m0", "m1"]


def test_a_connection_kept_open_ends_when_the_leader_changes() -> None:
    with web("m0") as first, web("m1") as second:
        cluster = PlayedCluster({"m0": first, "m1": second})
        with forwarding(cluster, lambda _: None) as forwarder:
            kept = http.client.HTTPConnection(LOOPBACK, forwarder.port, timeout=10)
            kept.request("GET", "/metrics/json/")
            assert kept.getresponse().read() == b"m0"
            cluster.leading = "m1"
            forwarder.watch.doubt()
            forwarder.watch.current()
            assert kept.sock.recv(1) == b""
            kept.close()


def test_without_a_leader_the_browser_is_told() -> None:
    cluster = PlayedCluster({"m0": 1})
    cluster.leading = None
    with forwarding(cluster, lambda _: None) as forwarder:
        answer = probe(forwarder.port, "/")
    assert answer.status == 503
    assert b"No master leads" in answer.body


def test_a_leader_that_cannot_be_reached_is_doubted() -> None:
    with socket.socket() as closed:
        closed.bind((LOOPBACK, 0))
        port = closed.getsockname()[1]
    with web("m1") as second:
        cluster = PlayedCluster({"m0": port, "m1": second})
        with forwarding(cluster, lambda _: None) as forwarder:
            assert probe(forwarder.port, "/").status == 503
            cluster.leading = "m1"  # found at once, without waiting for the leader's age
            assert probe(forwarder.port, "/metrics/json/").body == b"m1"


def test_a_tunnel_that_ends_without_an_answer_is_told() -> None:
    with socket.create_server((LOOPBACK, 0)) as mute:

        def hang_up() -> None:
            connection, _ = mute.accept()
            with connection:
                connection.recv(1000)

        thread = threading.Thread(target=hang_up)
        thread.start()
        cluster = PlayedCluster({"m0": mute.getsockname()[1]})
        with forwarding(cluster, lambda _: None) as forwarder:
            answer = probe(forwarder.port, "/")
        thread.join()
    assert answer.status == 503
    assert b"does not answer" in answer.body


def test_a_taken_port_is_a_usage_error() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}"):
            Forwarder(port, None, None)  # type: ignore[arg-type]


def test_only_what_answers_is_worth_opening() -> None:
    without = [
        Answer("/", 404, b""),
        Answer("/overview", 404, b""),
        Answer("/metrics/json/", 200, b"{}"),
    ]
    assert answering(without) == ["/metrics/json/"]
    with_ui = [Answer("/", 200, INDEX), Answer("/overview", 404, INDEX), Answer("/x", 404, b"no")]
    assert answering(with_ui) == ["/", "/overview"]


def test_the_description_says_when_there_are_no_pages() -> None:
    leader = Master("m0", "n1", "alluxio-master", 19999, True)
    without = "\n".join(describe(19999, leader, ["/metrics/json/"]))
    assert "m0 on n1" in without
    assert "no web pages" in without
    assert "http://127.0.0.1:19999/metrics/json/" in without
    assert "no web pages" not in "\n".join(describe(19999, leader, ["/", "/overview"]))


@pytest.mark.parametrize("has_ui", [True, False])
def test_the_command_tells_what_answers_until_it_is_ended(*, has_ui: bool) -> None:
    said: list[str] = []
    stop = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if "Ctrl-C" in line:
            stop.set()

    with web("m0", has_ui=has_ui) as port:
        cluster: Any = PlayedCluster({"m0": port})
        serve(cluster, 0, say, stop)
    assert any(line.endswith("/overview") for line in said) is has_ui
    for path in ("/metrics/json/", "/metrics/prometheus/", "/api/v1/master/info"):
        assert any(line.endswith(path) for line in said)


def test_without_a_leader_the_command_says_so() -> None:
    cluster: Any = PlayedCluster({"m0": 1})
    cluster.leading = None
    with pytest.raises(ClusterError, match="no master serves") as caught:
        serve(cluster, 0, lambda _: None, threading.Event())
    assert "m0 on node-of-m0" in str(caught.value)
