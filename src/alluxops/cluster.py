"""The release as the Kubernetes API shows it: its masters, which of them leads, and ways into their pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alluxops.errors import ClusterError, UnreachableClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alluxops.connection import Connection

MASTER_ROLE = "alluxio-master"
MASTER_CONTAINER = "alluxio-master"
WEB_PORT = 19999
INFO_PATH = "/api/v1/master/info"


@dataclass(frozen=True)
class Master:
    """A master's pod. container: the master's among the pod's. web_port: where its web server listens."""

    pod: str
    node: str
    container: str
    web_port: int
    is_running: bool


class Cluster:
    """The masters of one release. The collection must be importable; making one connects.

    Every method raises ClusterError where the API or the release does not give what is asked for.
    """

    def __init__(self, connection: Connection) -> None:
        # Late, here and below: the Kubernetes client takes a second to import, and most verbs do without.
        from ansible_collections.alluxops.cache.plugins.module_utils.errors import (  # noqa: PLC0415
            CacheError,
        )
        from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import (  # noqa: PLC0415
            kubeconfig_path,
            read_configuration,
        )
        from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import (  # noqa: PLC0415
            Kube,
        )

        self.connection = connection
        self._errors = CacheError
        try:
            self._kube = Kube.open(connection.kubeconfig)
            self._configuration = read_configuration(kubeconfig_path(connection.kubeconfig))
        except CacheError as error:
            raise UnreachableClusterError(error.what, error.cause, error.fix) from error

    def masters(self) -> list[Master]:
        """The release's master pods, by name; at least one."""
        from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (  # noqa: PLC0415
            pod_facts,
        )

        namespace, release = self.connection.namespace, self.connection.release
        selector = f"release={release},role={MASTER_ROLE}"
        try:
            pods = self._kube.list_objects(f"/api/v1/namespaces/{namespace}/pods", selector)
        except self._errors as error:
            raise ClusterError(error.what, error.cause, error.fix) from error
        if not pods:
            raise ClusterError(
                f"release {release} has no master in namespace {namespace}.",
                cause=f"No pod there has the labels {selector}.",
                fix="Deploy it with `alluxops site`, or see that -i and -e name the right cluster and release.",
            )
        return sorted((master_of(pod_facts(pod)) for pod in pods), key=lambda master: master.pod)

    def leads(self, master: Master) -> bool:
        """True where this master answers as the leader."""
        from ansible_collections.alluxops.cache.plugins.module_utils.health import (  # noqa: PLC0415
            parse_leader,
        )

        namespace = self.connection.namespace
        body = self._kube.pod_http(namespace, master.pod, master.web_port, INFO_PATH)
        return parse_leader(master.pod, body) is not None

    def leader(self) -> Master | None:
        """The master that serves, if one does."""
        return next((each for each in self.masters() if each.is_running and self.leads(each)), None)

    def open_session(
        self, master: Master, command: Sequence[str], *, stdin: bool, terminal: bool
    ) -> Any:
        """A command in the master's container, as the client's WSClient with bytes in its channels."""
        from kubernetes.stream.ws_client import WSClient, get_websocket_url  # noqa: PLC0415

        query = [("command", word) for word in command]
        query += [
            ("container", master.container),
            ("stdin", str(stdin).lower()),
            ("stdout", "true"),
            # A terminal has one output; the API refuses both.
            ("stderr", str(not terminal).lower()),
            ("tty", str(terminal).lower()),
        ]
        url = get_websocket_url(f"{self._pod_url(master)}/exec", query)
        try:
            return WSClient(
                self._configuration, url, self._authorization(), capture_all=False, binary=True
            )
        except Exception as error:
            raise ClusterError(
                f"no session in {master.pod} (container {master.container}): {first_line(error)}.",
                fix="The pod must run, and your kubeconfig needs the rights to get and create pods/exec.",
            ) from error

    def open_tunnel(self, master: Master) -> Any:
        """A port forward to the master's web port, as the client's PortForward."""
        from kubernetes.stream.ws_client import portforward_call  # noqa: PLC0415

        try:
            return portforward_call(
                self._configuration,
                "GET",
                f"{self._pod_url(master)}/portforward",
                query_params=[("ports", str(master.web_port))],
                headers=self._authorization(),
            )
        except Exception as error:
            raise ClusterError(
                f"no way to port {master.web_port} of {master.pod}: {first_line(error)}.",
                fix="The pod must run, and your kubeconfig needs the rights to get and create pods/portforward.",
            ) from error

    def _pod_url(self, master: Master) -> str:
        host, namespace = self._configuration.host, self.connection.namespace
        return f"{host}/api/v1/namespaces/{namespace}/pods/{master.pod}"

    def _authorization(self) -> dict[str, str]:
        # Asked for each time: a token may have to be renewed.
        bearer = self._configuration.auth_settings().get("BearerToken")
        return {"authorization": str(bearer["value"])} if bearer else {}


def master_of(pod: Mapping[str, Any]) -> Master:
    """A master from the collection's facts about its pod."""
    containers = list(pod["containers"])
    return Master(
        pod=str(pod["name"]),
        node=str(pod["node"]),
        container=MASTER_CONTAINER if MASTER_CONTAINER in containers else containers[0],
        web_port=int(pod["web_port"] or WEB_PORT),
        is_running=pod["phase"] == "Running" and not pod["terminating"],
    )


def first_line(error: Exception) -> str:
    """The first line of an error's text, without a full stop."""
    lines = str(getattr(error, "reason", "") or error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
