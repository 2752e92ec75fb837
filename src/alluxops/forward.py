"""A local TCP port that leads to the web port of whichever master leads.

It listens on 127.0.0.1 and nowhere else: Alluxio's pages ask for no password.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any

from alluxops.errors import ClusterError, UsageError, WrapperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alluxops.cluster import Cluster, Master

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65536
# A leader is asked for again this long after it was last seen leading, in seconds.
LEADER_AGE_S = 3.0
STALE_POLL_S = 1.0


class LeaderWatch:
    """Knows the leader; looks again when it may have changed. Safe to use from several threads."""

    def __init__(self, cluster: Cluster, on_change: Callable[[Master | None], None]) -> None:
        self._cluster = cluster
        self._on_change = on_change
        self._lock = threading.Lock()
        self._leader: Master | None = None
        self._seen_at = float("-inf")

    def current(self) -> Master | None:
        """The leader, as of a few seconds ago at most."""
        with self._lock:
            if time.monotonic() - self._seen_at > LEADER_AGE_S:
                self._look()
            return self._leader

    @property
    def latest(self) -> Master | None:
        """The leader as last seen; never asks."""
        return self._leader

    def doubt(self) -> None:
        """Look again at the next call: the leader did not answer."""
        with self._lock:
            self._seen_at = float("-inf")

    def _look(self) -> None:
        before = self._leader
        try:
            still = before is not None and self._cluster.leads(before)
            found = before if still else self._cluster.leader()
        except WrapperError:
            found = None
        self._leader = found
        self._seen_at = time.monotonic()
        if found != before:
            self._on_change(found)


class Forwarder(socketserver.ThreadingTCPServer):
    """The listening socket; a thread for each connection."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, cluster: Cluster, watch: LeaderWatch) -> None:
        """Listen on port (0: any free one). Raises UsageError when it is taken."""
        self.cluster = cluster
        self.watch = watch
        try:
            super().__init__((LOOPBACK, port), _Connection)
        except OSError as error:
            raise UsageError(
                f"--port {port}: cannot listen on {LOOPBACK}:{port} ({error.strerror}).",
                fix="Take another port, or --port 0 for any free one.",
            ) from error

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no event worth a traceback."""


class _Connection(socketserver.BaseRequestHandler):
    server: Forwarder
    request: socket.socket

    def handle(self) -> None:
        leader = self.server.watch.current()
        if leader is None:
            self._refuse(
                "No master leads right now. Reload in a few seconds; `alluxops status` says why."
            )
            return
        try:
            tunnel = self.server.cluster.open_tunnel(leader)
        except ClusterError as error:
            self.server.watch.doubt()
            self._refuse(f"{error} Reload in a few seconds.")
            return
        try:
            upstream = tunnel.socket(leader.web_port)
            if not pump(self.request, upstream, lambda: self.server.watch.latest != leader):
                self.server.watch.doubt()
                self._refuse(
                    f"{leader.pod} does not answer; the leader may be changing. Reload in a few seconds."
                )
        finally:
            tunnel.close()

    def _refuse(self, text: str) -> None:
        body = (text + "\n").encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 2\r\nConnection: close\r\n\r\n"
        )
        self.request.sendall(head.encode() + body)


def pump(client: socket.socket, upstream: Any, is_stale: Callable[[], bool]) -> bool:
    """Carry bytes both ways until one side ends or the leader has changed (browsers keep connections open).

    False where the client asked and nothing at all came back.
    """
    asked = answered = False
    pairs = {client: upstream, upstream: client}
    while not is_stale():
        readable, _, _ = select.select([client, upstream], [], [], STALE_POLL_S)
        for source in readable:
            chunk = source.recv(CHUNK_BYTES)
            if not chunk:
                return answered or not asked
            asked |= source is client
            answered |= source is upstream
            pairs[source].sendall(chunk)
    return answered or not asked
