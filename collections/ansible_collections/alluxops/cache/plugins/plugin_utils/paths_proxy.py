"""A proxy of Alluxio for as long as a run needs one: on a pod's loopback, reached through the API server.

It answers hundreds of requests a second where each `alluxio` command would start a Java machine. It ends with its
connection: a run that dies leaves none behind.

It never takes more memory than its container has to spare: beyond the limit Kubernetes ends a container whole, with
the server that it is for.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube, exit_code

with contextlib.suppress(ImportError):
    from websocket import WebSocketException

START_TIMEOUT_S: Final = 180
FORWARD_THREAD: Final = "Kubernetes port forward proxy"
"""How the Kubernetes client names it."""
REQUEST_TIMEOUT_S: Final = 600
LIFETIME_S: Final = 6 * 3600
"""A proxy that outlives its run, since nobody told it, ends then. A run that takes longer starts another, which has
nothing of what the first was told: a Job's stores are to be mounted again."""
TRIES: Final = 3
HEAP_MIB: Final = 512
LEAST_HEAP_MIB: Final = 64
BESIDE_HEAP_MIB: Final = 192
"""What its Java machine takes beside the heap: classes, code, threads, buffers."""
OUT_OF_MEMORY: Final = 3
"""Java's exit code where its heap is full. What the kernel has killed may have been deleted with its pod as well."""
END_IS_TOLD_S: Final = 1.0
"""A connection breaks before the API server tells that the proxy behind it has ended."""
PORTS: Final = range(40000, 49000)

# What the proxy logs of a mount that failed holds the mount's options: it goes nowhere.
_SCRIPT: Final = """
exec 3<&0
at=/sys/fs/cgroup
{{
  read -r limit < $at/memory.max && read -r used < $at/memory.current && total= ||
  {{ at=$at/memory total=total_ &&
    read -r limit < $at/memory.limit_in_bytes && read -r used < $at/memory.usage_in_bytes; }} ||
  limit=max
}} 2> /dev/null
heap={heap}
if [[ $limit != max ]]; then
  # Copies of files leave the memory before a limit is reached.
  while read -r name bytes; do
    case $name in "$total"active_file|"$total"inactive_file) ((used -= bytes));; esac
  done < $at/memory.stat
  spare=$(((limit - used) / 1048576))
  ((spare - {beside} < heap)) && heap=$((spare - {beside}))
  if ((heap < {least})); then
    echo "$spare MiB are free of the $((limit / 1048576)) MiB that the container may use;" \
      "a proxy takes $(({least} + {beside}))." >&2
    exit 1
  fi
fi
{before}
export ALLUXIO_PROXY_JAVA_OPTS="{options}"
timeout -k 5 {lifetime} /entrypoint.sh proxy > /dev/null 2>&1 < /dev/null 3<&- &
proxy=$!
{{ read -r _ <&3; kill "$proxy"; }} > /dev/null 2>&1 &
reader=$!
wait "$proxy"
code=$?
kill "$reader" 2> /dev/null
{after}
exit "$code"
"""


@dataclass(frozen=True)
class Place:
    """A container with Alluxio's image. before, after: shell text run before the proxy starts and after it.

    properties: those of the proxy, which is a client of the cache.
    """

    namespace: str
    pod: str
    container: str
    before: str = ""
    after: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


class PathsProxy:
    """Sends requests; starts the proxy with the first one, and again where it was lost; close() ends it.

    Whether it was started again since then at() tells. where: asked at each start.
    """

    def __init__(self, kube: Kube, where: Callable[[], Place]) -> None:
        self._kube = kube
        self._where = where
        self._running: Any = None
        self._at: tuple[Place, int] | None = None
        self._http: _Tunnel | None = None

    def ask(self, request: paths_api.Request) -> Any:
        """What Alluxio answers. Raises PathError where that is an error, CacheError where nothing answers."""
        tries = TRIES if request.reads else 1
        for attempt in range(1, tries + 1):
            http = self._started()
            if not request.reads:
                # The proxy closes what is idle; what may not be sent twice gets a connection of its own.
                http.close()
            try:
                status, body = http.send_whole("POST", request.url, request.data)
                return paths_api.parse(request, status, body)
            except (OSError, HTTPException) as error:
                http.close()
                if not self._lives(END_IS_TOLD_S):
                    is_full = exit_code(self._running) == OUT_OF_MEMORY
                    self.close()
                    if is_full:
                        raise self._too_much(request) from error
                if attempt == tries:
                    raise CacheError(
                        f"{request.operation} of {request.path} broke off: {str(error) or type(error).__name__}.",
                        "The connection to the leader was lost.",
                        "run it again: it goes on with what is left.",
                    ) from error
        raise AssertionError("unreachable")

    def at(self) -> tuple[Place, int]:
        """Where it answers: for what talks to it inside the pod.

        The script gets a blank each time: requests take other connections, and one that is idle is cut somewhere.
        """
        self._started()
        if not self._lives():
            self.close()
            self._started()
        if self._at is None:
            raise AssertionError("a proxy that has started is somewhere")
        with contextlib.suppress(WebSocketException, OSError):  # the next call sees that it was cut
            self._running.write_channel(0, b" ")
        return self._at

    def _lives(self, wait_s: float = 0) -> bool:
        """Whether the proxy's script still runs, as far as its connection tells within this time."""
        until = time.monotonic() + wait_s
        try:
            self._running.update(timeout=0)
            while self._running.is_open() and time.monotonic() < until:
                self._running.update(timeout=0.1)
        except (WebSocketException, OSError):  # cut without a word
            return False
        return bool(self._running.is_open())

    def _too_much(self, request: paths_api.Request) -> CacheError:
        place = self._at[0] if self._at else self._where()
        return CacheError(
            f"{request.operation} of {request.path} broke off: Alluxio's proxy ran out of memory.",
            "What is below the path does not fit into it at once.",
            f"name parts of it; or give the container {place.container} of {place.namespace}/{place.pod} a higher"
            f" memory limit: a proxy takes what is free of it, up to {HEAP_MIB + BESIDE_HEAP_MIB} MiB.",
        )

    def _started(self) -> _Tunnel:
        if self._http is not None:
            return self._http
        place = self._where()
        port = secrets.choice(PORTS)
        options = (
            # It ends where it is full: else it would answer some requests, and leave others without an answer.
            "-Xmx${heap}m -XX:+ExitOnOutOfMemoryError -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
            f" -Dalluxio.proxy.web.port={port} -Dalluxio.proxy.web.bind.host=127.0.0.1"
            # The other version of the S3 API answers the API of paths with empty pages.
            " -Dalluxio.proxy.s3.v2.version.enabled=false -Dalluxio.logger.type=Console"
            # What a release gives its clients: with it a file would be as it was when first asked for.
            " -Dalluxio.user.metadata.cache.enabled=false"
            + "".join(f" -D{name}={value}" for name, value in place.properties.items())
        )
        script = _SCRIPT.format(
            before=place.before,
            after=place.after,
            options=options,
            lifetime=LIFETIME_S,
            heap=HEAP_MIB,
            beside=BESIDE_HEAP_MIB,
            least=LEAST_HEAP_MIB,
        )
        command = ["/bin/bash", "-c", script]
        self._running = self._kube.open_exec(
            place.namespace, place.pod, place.container, command, has_stdin=True
        )
        http = _Tunnel(lambda: self._kube.forward(place.namespace, place.pod, port), port)
        patience = Patience(START_TIMEOUT_S)
        while not _answers(http):
            self._running.update(timeout=0.2)
            if not self._running.is_open() or patience.is_over:
                told = b"".join(bytes(self._running.read_channel(number)) for number in (1, 2))
                said = told.decode("utf-8", "replace").strip().splitlines()
                self.close()
                raise CacheError(
                    f"no proxy answers in {place.namespace}/{place.pod} after {patience.waited_s:.0f} s.",
                    said[-1] if said else "",
                    f"see the memory limit of the container {place.container}; run it again.",
                )
            patience.pause(f"a proxy of Alluxio in {place.pod}", 0.3)
        self._http, self._at = http, (place, port)
        return http

    def close(self) -> None:
        """End the proxy: it waits for a line, or for the end of its connection."""
        http, running = self._http, self._running
        self._http = self._running = None
        if http is not None:
            http.close()
        if running is None:
            return
        try:
            if running.is_open():
                running.write_channel(0, b"\n")
                running.update(timeout=1)
        except Exception:  # noqa: BLE001, S110 - it is over already
            pass
        finally:
            running.close()


def _answers(http: _Tunnel) -> bool:
    try:
        return http.send_whole("GET", paths_api.READY, b"")[0] == 200
    except (OSError, HTTPException, CacheError):
        http.close()
        return False


@functools.cache
def _mute_forwards() -> None:
    """Say nothing of a forward that ends with an error in its thread: whoever uses it gets an error of its own.

    The client's thread fails where a forward is closed with bytes under way; Ansible would print that as a warning.
    """
    others = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        if failed.thread is None or not failed.thread.name.startswith(FORWARD_THREAD):
            others(failed)

    threading.excepthook = hook


class _Tunnel(HTTPConnection):
    """HTTP through a port forward, which is opened with the first request and anew after it was closed."""

    def __init__(self, open_forward: Callable[[], Any], port: int) -> None:
        super().__init__("127.0.0.1", port, timeout=REQUEST_TIMEOUT_S)
        self._open_forward = open_forward
        self._forward: Any = None

    def connect(self) -> None:
        """Open the forward."""
        _mute_forwards()
        self._forward = self._open_forward()
        self.sock = self._forward.socket(self.port)
        self.sock.settimeout(REQUEST_TIMEOUT_S)

    def send_whole(self, method: str, url: str, data: bytes) -> tuple[int, bytes]:
        """(status, body) of a request."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        self.request(method, url, body=data, headers=headers)
        answer = self.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Close both."""
        super().close()
        forward, self._forward = self._forward, None
        if forward is not None:
            forward.close()
