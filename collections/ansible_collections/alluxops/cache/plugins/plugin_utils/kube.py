"""Access to the Kubernetes API for actions that run on the controller.

Objects are plain dictionaries, as the API's JSON has them, so that the functions of module_utils work on what the API
said and on fixtures alike.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import (
    CONNECT_TIMEOUT_S,
    MISSING,
    READ_TIMEOUT_S,
    Explained,
    discovering_client,
    first_line,
    get_version,
    kubeconfig_path,
    read_configuration,
    reason_of,
)

with contextlib.suppress(ImportError):
    import urllib3
    from kubernetes.client.exceptions import ApiException
    from kubernetes.stream.ws_client import WSClient, portforward_call
    from websocket import WebSocketException

Json = dict[str, Any]

STDIN_FRAME_BYTES = 65536


class ApiError(CacheError):
    """The API server answered, but with an error.

    status: HTTP status code. reason: the server's own words.
    """

    def __init__(self, request: str, status: int, reason: str, fix: str = "") -> None:
        super().__init__(f"{request} failed with {status}: {reason}", fix=fix)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class ExecResult:
    """What a command in a container returned. output: stdout and stderr as they came."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams, stdout first."""
        return self.stdout + self.stderr


class Kube:
    """One connection to one API server."""

    def __init__(self, configuration: Any, dynamic: Any, version: str) -> None:
        self._configuration = configuration
        self._dynamic = dynamic
        self.version = version
        """Version of the server without its leading v, for example 1.34.4."""

    @classmethod
    def open(cls, kubeconfig: str) -> Kube:
        """Connect with a kubeconfig (empty: KUBECONFIG, else the user's).

        Raises UnreachableError, with the fix, when there is none, when it cannot be read, when the server does not
        answer within a few seconds, or when it does not accept us.
        """
        if MISSING is not None:
            raise SettingsError(
                f"the Python that runs Ansible lacks a module: {MISSING}.",
                "alluxops.cache talks to the Kubernetes API from the controller.",
                "install `kubernetes` and `openshift` into Ansible's Python environment.",
            )
        path = kubeconfig_path(kubeconfig)
        configuration = read_configuration(path)
        with Explained(path, configuration.host):
            dynamic = discovering_client(configuration)
            version = get_version(dynamic)
        return cls(configuration, dynamic, version)

    def platform(self) -> str:
        """What the cluster is, told by the kinds its API discovers: `openshift` or `kubernetes`."""
        found = self._dynamic.resources.search(
            group="config.openshift.io", api_version="v1", kind="ClusterVersion"
        )
        return "openshift" if found else "kubernetes"

    def get(self, path: str) -> Json | None:
        """One object, or None when there is none of that name."""
        try:
            return self._json("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list_objects(
        self, path: str, selector: str = "", *, fields: str = "", names_only: bool = False
    ) -> list[Json]:
        """All objects of a collection; selector is a label selector, fields a field selector.

        names_only asks for metadata alone, which keeps the contents of Secrets off the wire.
        """
        accept = "application/json"
        if names_only:
            accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        items: list[Json] = []
        token = ""
        while True:
            query = [("limit", "500")]
            if selector:
                query.append(("labelSelector", selector))
            if fields:
                query.append(("fieldSelector", fields))
            if token:
                query.append(("continue", token))
            answer = self._json("GET", path, query=query, accept=accept)
            items.extend(answer.get("items") or [])
            token = answer.get("metadata", {}).get("continue", "")
            if not token:
                return items

    def create(self, path: str, body: Json) -> Json:
        """Create an object in a collection."""
        return self._json("POST", path, body=body)

    def replace(self, path: str, body: Json) -> Json:
        """Replace an object; with metadata.resourceVersion in body only if it is still that version (else 409)."""
        return self._json("PUT", path, body=body)

    def merge(self, path: str, patch: Json) -> Json:
        """Apply a JSON merge patch to an object; None removes a field."""
        return self._json("PATCH", path, body=patch, content_type="application/merge-patch+json")

    def delete(
        self, path: str, *, propagation: str = "Foreground", grace_s: int | None = None
    ) -> bool:
        """Delete an object; False when it was not there. The object may live on for a while."""
        body: Json = {"propagationPolicy": propagation}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        try:
            self._json("DELETE", path, body=body)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def pod_log(
        self, namespace: str, pod: str, container: str, *, lines: int, previous: bool = False
    ) -> str:
        """Last lines of a container's log; empty when there is none."""
        query = [("container", container), ("tailLines", str(lines))]
        if previous:
            query.append(("previous", "true"))
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        try:
            return self._text("GET", path, query=query, accept="*/*")
        except ApiError:
            return ""

    def pod_http(
        self, namespace: str, pod: str, port: int, path: str, *, method: str = "GET"
    ) -> str | None:
        """Body of a web page that a pod serves, fetched through the API server; None when it does not answer 2xx."""
        try:
            return self._text(
                method,
                f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path.lstrip('/')}",
                accept="application/json, */*",
                timeout_s=(CONNECT_TIMEOUT_S, 10),
            )
        except ApiError:
            return None

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: list[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
    ) -> ExecResult:
        """Run a command in a container. Raises CacheError when it cannot be started or takes longer than timeout_s.

        stdin reaches the command, but its end does not: the command must know how much to read.
        """
        what = f"running `{command[0]}` in {namespace}/{pod} ({container})"
        socket = self.open_exec(namespace, pod, container, command, has_stdin=bool(stdin))
        try:
            for start in range(0, len(stdin), STDIN_FRAME_BYTES):
                socket.write_channel(0, stdin[start : start + STDIN_FRAME_BYTES])
            return _collect(socket, what, timeout_s)
        except (WebSocketException, OSError) as error:
            raise CacheError(f"{what} broke off: {first_line(str(error))}") from error
        finally:
            socket.close()

    def open_exec(
        self, namespace: str, pod: str, container: str, command: list[str], *, has_stdin: bool
    ) -> WSClient:
        """Start a command in a container and leave the connection to the caller. Raises CacheError."""
        query = [("command", word) for word in command]
        query += [
            ("container", container),
            ("stdin", "true" if has_stdin else "false"),
            ("stdout", "true"),
            ("stderr", "true"),
        ]
        url = f"{self._pod_url('ws', namespace, pod)}/exec?{urlencode(query)}"
        try:
            # The generated CoreV1Api would do, but importing it takes longer than most commands.
            return WSClient(
                self._configuration, url, self._authorization(), capture_all=False, binary=True
            )
        except (WebSocketException, ApiException, OSError) as error:
            what = f"running `{command[0]}` in {namespace}/{pod} ({container})"
            raise CacheError(f"{what} failed: {_handshake_reason(str(error))}") from error

    def forward(self, namespace: str, pod: str, port: int) -> Any:
        """One connection to a port of a pod, its loopback's too, as the client's PortForward. Raises CacheError."""
        try:
            return portforward_call(
                self._configuration,
                "GET",
                f"{self._pod_url('http', namespace, pod)}/portforward",
                query_params=[("ports", str(port))],
                headers=self._authorization(),
            )
        except (WebSocketException, ApiException, OSError) as error:
            raise CacheError(
                f"no way to port {port} of {namespace}/{pod}: {_handshake_reason(str(error))}",
                fix="the pod must run, and your kubeconfig needs the rights to get and create pods/portforward.",
            ) from error

    def _pod_url(self, scheme: str, namespace: str, pod: str) -> str:
        host = re.sub(r"^http", scheme, self._configuration.host)
        return f"{host}/api/v1/namespaces/{namespace}/pods/{pod}"

    def _authorization(self) -> dict[str, str]:
        bearer = self._configuration.auth_settings().get("BearerToken")
        return {"authorization": str(bearer["value"])} if bearer else {}

    def _json(self, method: str, path: str, **how: Any) -> Json:
        answer = json.loads(self._text(method, path, **how))
        if not isinstance(answer, dict):
            raise CacheError(f"{method} {path} answered with something that is no object")
        return answer

    def _text(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Json | None = None,
        accept: str = "application/json",
        content_type: str = "application/json",
        timeout_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ) -> str:
        try:
            answer = self._dynamic.request(
                method,
                quote(path, safe="/:?=&%@,._-~"),
                body=body,
                query_params=query or [],
                header_params={"Accept": accept},
                content_type=content_type,
                _request_timeout=timeout_s,
                serialize=False,
            )
            return bytes(answer.data).decode("utf-8", "replace")
        except ApiException as error:
            raise ApiError(f"{method} {path}", int(error.status or 0), reason_of(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"{method} {path}", 0, first_line(str(error))) from error


def _collect(socket: Any, what: str, timeout_s: float) -> ExecResult:
    """Read both streams of a running command to its end."""
    deadline = time.monotonic() + timeout_s
    stdout: list[bytes] = []
    stderr: list[bytes] = []
    while socket.is_open() and time.monotonic() < deadline:
        socket.update(timeout=min(1.0, max(0.0, deadline - time.monotonic())))
        stdout.append(socket.read_channel(1))
        stderr.append(socket.read_channel(2))
    stdout.append(socket.read_channel(1))
    stderr.append(socket.read_channel(2))
    if socket.is_open():
        raise CacheError(f"{what} took longer than {timeout_s:.0f} s")
    return ExecResult(exit_code(socket), _text(stdout), _text(stderr))


def _handshake_reason(text: str) -> str:
    """The server's own words when it refuses a connection; they come with headers and JSON around them."""
    found = re.search(r'"message":"((?:[^"\\]|\\.)*)"', text)
    return str(json.loads(f'"{found.group(1)}"')) if found else first_line(text)


def _text(frames: list[bytes]) -> str:
    return b"".join(frames).decode("utf-8", "replace")


def exit_code(socket: Any) -> int:
    """Exit code of a finished command; 255 when the connection broke before it was told."""
    try:
        return int(socket.returncode)
    except (TypeError, KeyError, IndexError, ValueError):
        return 255
