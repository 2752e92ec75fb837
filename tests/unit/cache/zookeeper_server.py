"""A server that answers the four-letter word `srvr` on loopback, as one of ZooKeeper does."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def zookeeper_server(said: str = "Zookeeper version: 3.9\nMode: follower\n") -> Iterator[str]:
    """Serve while the context lasts; yields its host:port."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            assert self.request.recv(4) == b"srvr"
            self.request.sendall(said.encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
