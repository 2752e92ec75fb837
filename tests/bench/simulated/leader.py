"""The leader's web pages, as they would be with a worker on every node: simulated pods register nowhere."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 19999
INFO = "/api/v1/master/info"


class Leader:
    """Serves on an address until the process ends. info: what the page INFO says; it may be set anew at any time."""

    def __init__(self, address: str) -> None:
        self.info = b""
        leader = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = leader.info if self.path.startswith(INFO) else b"{}"
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer((address, PORT), Pages)
        threading.Thread(target=server.serve_forever, daemon=True).start()
