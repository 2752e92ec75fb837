"""train.py reads the REST API as Alluxio's proxies serve it: a stream is known to the proxy that opened it only."""

from __future__ import annotations

import http.server
import io
import json
import runpy
import sys
import tarfile
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from tests.unit.chart.example_files import FOLDER

FILES = {
    "/sets/images/class-0/a b.ppm": b"a" * 70_000,
    "/sets/images/class-1/c.ppm": b"c",
    "/sets/images/empty.ppm": b"",
}


class Proxy(http.server.BaseHTTPRequestHandler):
    """One of several behind a Service: what a connection has opened, another one does not know."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """A connection of its own."""
        super().setup()
        self.streams: dict[str, bytes] = {}

    def do_POST(self) -> None:
        """Answer a request as the API does."""
        options = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        place, _, action = unquote(self.path).removeprefix("/api/v1/").rpartition("/")
        kind, _, what = place.partition("/")
        status, body = 200, b""
        if (kind, action) == ("paths", "list-status"):
            assert options == {"recursive": True}
            folder = what.rstrip("/")
            found = [
                {"path": f"{folder}/class-0", "folder": True},
                *({"path": path, "folder": False} for path in FILES if path.startswith(folder)),
            ]
            body = json.dumps(found).encode()
        elif (kind, action) == ("paths", "open-file") and what in FILES:
            stream = str(len(self.streams) + 7)
            self.streams[stream] = FILES[what]
            body = stream.encode()
        elif action == "read" and what in self.streams:
            body = self.streams[what]
        elif action == "close" and what in self.streams:
            del self.streams[what]
        else:
            status, body = 404, b'{"message": "no such stream or path"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        """The client has gone."""
        LEFT_OPEN.extend(self.streams)
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


LEFT_OPEN: list[str] = []


@pytest.fixture(scope="module")
def script() -> Iterator[dict[str, Any]]:
    """train.py without PyTorch, which reading takes nothing of."""
    torch, data, pillow = (ModuleType(name) for name in ("torch", "torch.utils.data", "PIL"))
    vars(torch).update(Tensor=object)
    names = ("DataLoader", "Dataset", "IterableDataset", "get_worker_info")
    vars(data).update(dict.fromkeys(names, object))
    vars(pillow).update(Image=None)
    fakes = {"torch": torch, "torch.utils": ModuleType("utils"), "torch.utils.data": data}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in {**fakes, "PIL": pillow}.items():
            patch.setitem(sys.modules, name, module)
        yield runpy.run_path(str(FOLDER / "training/train.py"))


@pytest.fixture
def proxy() -> Iterator[str]:
    LEFT_OPEN.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = False  # so that closing waits for what connections have left open
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    assert LEFT_OPEN == []


def test_a_source_is_read_by_what_its_address_says(script: dict[str, Any]) -> None:
    kinds = {
        "/data/images": "Directory",
        "s3://images/": "Bucket",
        "http://proxy:39999/images": "Rest",
    }
    for address, kind in kinds.items():
        assert type(script["store_at"](address, "")).__name__ == kind


@pytest.mark.parametrize("address", ["sets/images", "sets/images/", "sets", ""])
def test_files_are_named_below_the_path_and_read_over_http(
    script: dict[str, Any], proxy: str, address: str
) -> None:
    store = script["store_at"](f"http://{proxy}/{address}", "")
    root = f"/{address}".rstrip("/")
    assert store.names() == sorted(path.removeprefix(f"{root}/") for path in FILES)
    for path, content in FILES.items():
        with store.open(path.removeprefix(f"{root}/")) as file:
            assert file.read() == content


def test_a_stream_that_is_not_read_to_its_end_is_closed(
    script: dict[str, Any], proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a tar file's, whose end is padding."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as shard:
        shard.addfile(tarfile.TarInfo("a.ppm"))
    monkeypatch.setitem(FILES, "/sets/shards/0.tar", made.getvalue() + bytes(50_000))
    store = script["store_at"](f"http://{proxy}/sets/shards", "")
    with store.open("0.tar") as file, tarfile.open(fileobj=file, mode="r|") as shard:
        assert [member.name for member in shard] == ["a.ppm"]


def test_what_the_proxy_refuses_is_told(script: dict[str, Any], proxy: str) -> None:
    store = script["store_at"](f"http://{proxy}/sets/images", "")
    with pytest.raises(OSError, match=r"answered 404: .*no such stream or path"), store.open("no"):
        pass
