"""A proxy is started once, asked through connections that may break, and ended with the run; writes are sent once."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from websocket import WebSocketConnectionClosedException

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import paths_proxy
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import (
    FORWARD_THREAD,
    PathsProxy,
    Place,
)

READ = paths_api.get_status("/a")
WRITE = paths_api.unmount("/a")


class Server(ThreadingHTTPServer):
    """A proxy of Alluxio. breaks: how many requests it hangs up on."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.breaks = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        server = cast("Server", self.server)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.asked.append(self.path)
        if self.path != paths_api.READY and server.breaks:
            server.breaks -= 1
            self.close_connection = True
            return
        data = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Exec:
    """The script of a proxy."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.written = b""
        self.is_alive = True
        self.is_closed = False
        self.is_cut = False
        self.returncode: int | None = None

    def update(self, timeout: float = 0) -> None:  # noqa: ARG002 - as the client has it
        """Nothing comes."""
        if self.is_cut:
            raise WebSocketConnectionClosedException("Connection to remote host was lost.")

    def is_open(self) -> bool:
        """Whether it runs."""
        return self.is_alive

    def read_channel(self, number: int) -> bytes:
        """What it said."""
        return b"" if number == 2 else b"cannot allocate memory\n"

    def write_channel(self, _: int, data: bytes) -> None:
        """Its input."""
        self.written += data

    def close(self) -> None:
        """Hang up."""
        self.is_closed = True


class Forward:
    """A port forward to the server."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address)

    def socket(self, _: int) -> socket.socket:
        """Its end here."""
        return self._socket

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class Cluster:
    """What a proxy needs of the API."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.started: list[tuple[str, Exec]] = []
        self.refuses = 1
        self.dies = False

    def open_exec(self, _: str, pod: str, __: str, command: list[str], *, has_stdin: bool) -> Exec:
        """Start the script."""
        assert has_stdin
        self.started.append((pod, Exec(command)))
        self.started[-1][1].is_alive = not self.dies
        return self.started[-1][1]

    def forward(self, *_: Any) -> Forward:
        """Refused until the proxy listens."""
        if self.refuses:
            self.refuses -= 1
            raise CacheError("refused")
        return Forward(cast("tuple[str, int]", self.server.server_address))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(paths_proxy, "END_IS_TOLD_S", 0)
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Cluster(server)
    server.shutdown()
    server.server_close()


def proxy_on(cluster: Cluster, *pods: str) -> PathsProxy:
    names = iter(pods or ("m-0",))
    return PathsProxy(cast("Kube", cluster), lambda: Place("ns", next(names), "alluxio-master"))


def test_it_is_started_once_on_the_loopback_and_ended(cluster: Cluster) -> None:
    proxy = proxy_on(cluster)
    assert proxy.ask(READ) == {"path": READ.url}
    assert proxy.ask(WRITE) == {"path": WRITE.url}
    proxy.close()
    ((_, script),) = cluster.started
    assert "-Dalluxio.proxy.web.bind.host=127.0.0.1" in script.command[-1]
    assert "> /dev/null 2>&1 < /dev/null" in script.command[-1]
    assert script.written == b"\n"
    assert script.is_closed


def test_nothing_is_started_that_nobody_asks(cluster: Cluster) -> None:
    proxy_on(cluster).close()
    assert cluster.started == []


def test_a_read_is_sent_again_where_the_connection_broke(cluster: Cluster) -> None:
    proxy = proxy_on(cluster)
    proxy.ask(READ)
    cluster.server.breaks = 2
    assert proxy.ask(READ) == {"path": READ.url}
    assert len(cluster.started) == 1
    proxy.close()


def test_a_write_is_sent_once(cluster: Cluster) -> None:
    proxy = proxy_on(cluster)
    cluster.server.breaks = 1
    with pytest.raises(CacheError, match="unmount of /a broke off"):
        proxy.ask(WRITE)
    assert cluster.server.asked.count(WRITE.url) == 1
    proxy.close()


def test_a_proxy_that_is_gone_is_started_beside_the_leader_of_then(cluster: Cluster) -> None:
    proxy = proxy_on(cluster, "m-0", "m-1")
    proxy.ask(READ)
    cluster.started[0][1].is_alive = False
    cluster.server.breaks = 1
    assert proxy.ask(READ) == {"path": READ.url}
    assert [pod for pod, _ in cluster.started] == ["m-0", "m-1"]
    proxy.close()


def test_a_proxy_that_does_not_start_is_told(cluster: Cluster) -> None:
    cluster.dies = True
    with pytest.raises(CacheError) as caught:
        proxy_on(cluster).ask(READ)
    assert "no proxy answers in ns/m-0" in str(caught.value)
    assert "cannot allocate memory" in str(caught.value)


def test_a_proxy_whose_memory_is_full_is_told_and_not_started_again(cluster: Cluster) -> None:
    proxy = proxy_on(cluster)
    proxy.ask(READ)
    cluster.started[0][1].is_alive = False
    cluster.started[0][1].returncode = paths_proxy.OUT_OF_MEMORY
    cluster.server.breaks = 1
    with pytest.raises(CacheError) as caught:
        proxy.ask(READ)
    assert "get-status of /a broke off: Alluxio's proxy ran out of memory" in str(caught.value)
    assert "name parts of it; or give the container alluxio-master of ns/m-0" in str(caught.value)
    assert len(cluster.started) == 1


def limits(folder: Path, layout: str, limit: str, used_mib: int, files_mib: int) -> None:
    """A container's memory, as a kernel shows it."""
    v2 = ("memory.max", "memory.current", "")
    v1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_")
    limit_name, used_name, total = {"v1": v1, "v2": v2}[layout]
    files = {
        limit_name: limit,
        used_name: str(used_mib << 20),
        used_name.rpartition(".")[0] + ".stat": f"anon 1\n{total}active_file {files_mib << 20}\n"
        f"x{total}inactive_file 5\n{total}inactive_file {files_mib << 20}\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{text}\n")


class Ended(NamedTuple):
    """How a proxy's script ended. heap: what its proxy was given; "" where none started."""

    code: int
    stderr: str
    heap: str


def run_script(cluster: Cluster, folder: Path) -> Ended:
    """The proxy's script to its end, where the proxy says what heap it was given."""
    proxy = proxy_on(cluster)
    proxy.ask(READ)
    proxy.close()
    said = folder / "said"
    entry = folder / "entrypoint.sh"
    entry.write_text(
        f'#!/bin/bash\n[[ $ALLUXIO_PROXY_JAVA_OPTS =~ -Xmx([0-9]+)m ]]; echo "${{BASH_REMATCH[1]}}" > {said}; exit 3\n'
    )
    entry.chmod(0o700)
    script = cluster.started[0][1].command[-1]
    for ours, here in (("/sys/fs/cgroup", str(folder)), ("/entrypoint.sh", str(entry))):
        assert ours in script
        script = script.replace(ours, here)
    # Its input stays open, as the proxy ends with it.
    with subprocess.Popen(
        ["/bin/bash", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        code = running.wait(60)
        assert running.stderr is not None
        return Ended(code, running.stderr.read(), said.read_text() if said.exists() else "")


@pytest.mark.parametrize("layout", ["v1", "v2"])
@pytest.mark.parametrize(
    ("limit_mib", "used_mib", "files_mib", "heap"),
    [(4096, 1000, 0, 512), (768, 222, 0, 354), (768, 422, 100, 354), (768, 512, 0, 64)],
)
def test_it_takes_no_more_memory_than_its_container_has_to_spare(
    cluster: Cluster,
    tmp_path: Path,
    layout: str,
    limit_mib: int,
    used_mib: int,
    files_mib: int,
    heap: int,
) -> None:
    limits(tmp_path, layout, str(limit_mib << 20), used_mib, files_mib)
    ended = run_script(cluster, tmp_path)
    assert ended == (paths_proxy.OUT_OF_MEMORY, "", f"{heap}\n")


@pytest.mark.parametrize(
    ("layout", "limit"), [("v2", "max"), ("v1", "9223372036854771712"), ("", "")]
)
def test_where_memory_has_no_limit_it_has_its_own(
    cluster: Cluster, tmp_path: Path, layout: str, limit: str
) -> None:
    if layout:
        limits(tmp_path, layout, limit, 1000, 0)
    assert run_script(cluster, tmp_path)[1:] == ("", "512\n")


def test_a_container_without_room_for_it_stays_as_it_is(cluster: Cluster, tmp_path: Path) -> None:
    limits(tmp_path, "v2", str(768 << 20), 513, 0)
    code, told, heap = run_script(cluster, tmp_path)
    assert (code, heap) == (1, "")
    assert "255 MiB are free of the 768 MiB that the container may use; a proxy takes 256" in told


def test_it_says_where_it_is_and_is_a_client_as_told(cluster: Cluster) -> None:
    place = Place("ns", "job", "read", properties={"alluxio.user.x": "NO_CACHE"})
    proxy = PathsProxy(cast("Kube", cluster), lambda: place)
    where, port = proxy.at()
    assert where == place
    script = cluster.started[0][1].command[-1]
    assert f"-Dalluxio.proxy.web.port={port} " in script
    assert " -Dalluxio.user.metadata.cache.enabled=false" in script
    assert " -Dalluxio.user.x=NO_CACHE" in script
    # Alluxio puts them behind the release's own, and the last one wins.
    assert " -Dalluxio.user.metadata.cache.enabled=false" in script
    cluster.started[0][1].is_alive = False
    proxy.at()
    assert len(cluster.started) == 2
    proxy.close()


def test_its_connection_is_not_idle_and_one_that_was_cut_is_made_anew(cluster: Cluster) -> None:
    """Its requests take other connections; what lies between cuts one over which nothing goes."""
    proxy = proxy_on(cluster, "job", "job")
    proxy.at()
    proxy.at()
    first = cluster.started[0][1]
    assert first.written == b"  "  # a line would end it
    first.is_cut = True
    proxy.at()
    assert len(cluster.started) == 2
    proxy.close()


@pytest.mark.parametrize(("name", "is_told"), [(f"{FORWARD_THREAD}: 4711", False), ("other", True)])
def test_a_forward_that_is_closed_with_bytes_under_way_is_not_told(
    monkeypatch: pytest.MonkeyPatch, name: str, *, is_told: bool
) -> None:
    told: list[str] = []
    monkeypatch.setattr("threading.excepthook", lambda failed: told.append(failed.thread.name))
    paths_proxy._mute_forwards.cache_clear()
    paths_proxy._mute_forwards()
    paths_proxy._mute_forwards()
    failing = threading.Thread(target=[].pop, name=name)
    failing.start()
    failing.join()
    assert told == ([name] if is_told else [])
    paths_proxy._mute_forwards.cache_clear()
