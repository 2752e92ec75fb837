"""The script reads many files at once from a proxy; what breaks off is told apart from what is whole."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import digest_script, paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest

NAMES = ["/d/plain", "/d/sp ace", "/d/pc%t", "/d/é", "/d/h#h;&", "/d/new\nline", "/d/large"]


def content(path: str) -> bytes:
    return b"" if "empty" in path else path.encode() * (50_000 if "large" in path else 1)


class Proxy(BaseHTTPRequestHandler):
    """Answers as Alluxio's does: without a length where the content is large."""

    def do_GET(self) -> None:
        """A file, or why there is none."""
        begin, end = paths_api.BASE, "/download-file"
        assert self.path.startswith(begin)
        assert self.path.endswith(end)
        path = unquote(self.path[len(begin) : -len(end)])
        if "missing" in path:
            self.send_response(500)
            self.end_headers()
            self.wfile.write(b"HTTP 500 Internal Server Error")
            return
        self.send_response(200)
        self.send_header("Content-Disposition", "attachment")
        self.end_headers()
        if "slow" in path:
            time.sleep(0.5)
        body = content(path)
        self.wfile.write(body[: len(body) // 2] if "broken" in path else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def read(port: int, paths: list[str], *, counts: bool = True) -> dict[str, Digest]:
    return digest_script.parse(paths, output(port, paths, counts=counts))


def output(port: int, paths: list[str], *, counts: bool = True) -> str:
    done = subprocess.run(
        ["bash", "-c", digest_script.script(port, len(paths), counts=counts)],
        input=digest_script.requests(paths),
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout.decode()


def test_digests_are_those_of_the_contents(port: int) -> None:
    paths = [*NAMES, *(f"/d/{number}" for number in range(30)), "/d/empty"]
    assert read(port, paths) == {
        path: Digest(md5(content(path), usedforsecurity=False).hexdigest(), len(content(path)))
        for path in paths
    }


def test_bytes_need_not_be_counted(port: int) -> None:
    [found] = read(port, ["/d/large"], counts=False).values()
    digest = md5(content("/d/large"), usedforsecurity=False).hexdigest()
    assert found == Digest(digest)
    assert found.of(1) == found


def test_what_cannot_be_read_is_told_and_costs_no_other(port: int) -> None:
    found = read(port, ["/d/missing", "/d/plain"])
    assert found["/d/missing"].why == "HTTP 500 Internal Server Error"
    assert found["/d/plain"].md5


def test_what_breaks_off_is_not_whole(port: int) -> None:
    size = len(content("/d/broken"))
    found = read(port, ["/d/broken"])["/d/broken"]
    assert found.of(size).why == f"it broke off after {size // 2} of {size} bytes"
    assert found.of(size // 2) == found


def test_without_a_proxy_every_file_says_so() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        unused = server.server_port
    found = read(unused, ["/d/a", "/d/b"])
    assert {digest.why for digest in found.values()} == {"no proxy answers"}
    assert all(digest.is_unanswered for digest in found.values())


def test_something_is_said_while_a_large_file_is_read(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "." not in output(port, ["/d/plain"]).splitlines()
    monkeypatch.setattr(digest_script, "BEAT_S", 0.1)
    text = output(port, ["/d/slow"])
    assert 2 <= text.splitlines().count(".") <= 20
    assert digest_script.parse(["/d/slow"], text)["/d/slow"].md5


def test_a_name_is_one_line_of_an_address() -> None:
    [line] = digest_script.requests(["/d/a\nb ?"]).decode().splitlines()
    assert line == f"{paths_api.BASE}{quote('/d/a')}%0Ab%20%3F/download-file"


@pytest.mark.parametrize("line", ["", ".", "0", "x 1", "9 ! no", "0 none none", "0 abc 3"])
def test_other_lines_say_nothing(line: str) -> None:
    assert digest_script.parse(["/d/a"], line) == {}
