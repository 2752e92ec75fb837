"""Pods: probes that tell the truth, few rights, FUSE."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import suppress

import pytest

from tests.unit.chart.rendering import Chart, Rendered, Values

SERVERS = [
    ("StatefulSet", "alluxio-master", "alluxio-master"),
    ("StatefulSet", "alluxio-master", "alluxio-job-master"),
    ("DaemonSet", "alluxio-worker", "alluxio-worker"),
    ("DaemonSet", "alluxio-worker", "alluxio-job-worker"),
]
EMBEDDED = {"master": {"count": 3}, "journal": {"type": "EMBEDDED"}}


@pytest.mark.parametrize(("kind", "name", "container"), SERVERS)
def test_a_slow_start_is_waited_for_and_a_fast_one_is_seen_at_once(
    default: Rendered, kind: str, name: str, container: str
) -> None:
    found = default.container(kind, name, container)
    startup = found["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 180
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["periodSeconds"] <= 3
        assert "initialDelaySeconds" not in found[probe]


@pytest.mark.parametrize(("kind", "name", "container"), SERVERS)
def test_ready_is_more_than_an_open_port(
    default: Rendered, kind: str, name: str, container: str
) -> None:
    assert "tcpSocket" not in default.container(kind, name, container)["readinessProbe"]


def test_a_job_worker_is_ready_once_its_port_speaks(default: Rendered) -> None:
    probe = default.container("DaemonSet", "alluxio-worker", "alluxio-job-worker")["readinessProbe"]
    *command, _port = probe["exec"]["command"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        silent = subprocess.run([*command, port], check=False, timeout=30)
        speaker = threading.Thread(target=_greet_everyone, args=(server,), daemon=True)
        speaker.start()
        speaking = subprocess.run([*command, port], check=False, timeout=30)
    assert silent.returncode != 0
    assert speaking.returncode == 0


def _greet_everyone(server: socket.socket) -> None:
    """Say the beginning of a gRPC server's first frame to whoever comes, the one that waits too."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.sendall(b"\x00\x00\x0c\x04")


def test_one_of_several_masters_is_ready_when_a_leader_serves(chart: Chart) -> None:
    rendered = chart.render(EMBEDDED)
    probe = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")["readinessProbe"]
    command = probe["exec"]["command"]
    assert "MASTERS=alluxio-master-0,alluxio-master-1,alluxio-master-2" in command
    assert "WEB_PORT=19999" in command
    assert "JOURNAL_PORT=19200" in command
    # Each of the script's connections may take a second before the probe itself times out.
    assert probe["timeoutSeconds"] > 3 + 1


def test_probe_times_are_the_users_and_the_question_stays_ours(chart: Chart) -> None:
    mine = {"initialDelaySeconds": 10, "periodSeconds": 10, "failureThreshold": 7}
    rendered = chart.render({"worker": {"readinessProbe": mine}})
    probe = rendered.container("DaemonSet", "alluxio-worker", "alluxio-worker")["readinessProbe"]
    assert probe.items() >= mine.items()
    assert probe["httpGet"]["port"] == 30000


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name, _ in SERVERS[::2]])
def test_servers_run_as_an_ordinary_user_without_rights(
    default: Rendered, kind: str, name: str
) -> None:
    spec = default.pod(kind, name)["spec"]
    assert (
        spec["securityContext"].items()
        >= {
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "runAsNonRoot": True,
        }.items()
    )
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name, _ in SERVERS[::2]])
def test_pods_carry_no_token_and_no_variables_of_services(
    default: Rendered, kind: str, name: str
) -> None:
    spec = default.pod(kind, name)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


def test_directories_of_the_node_are_never_made_by_the_kubelet(chart: Chart) -> None:
    level = {"mediumtype": "SSD", "path": "/mnt/ssd", "type": "hostPath", "quota": "1G"}
    rendered = chart.render({"tieredstore": {"levels": [level]}})
    volumes = rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    paths = {each["hostPath"]["path"]: each["hostPath"]["type"] for each in volumes}
    assert paths == {"/mnt/ssd": "Directory", "/mnt/alluxio/domain": "Directory"}


def test_placement_of_everyone_and_of_a_component_add_up(chart: Chart) -> None:
    rendered = chart.render(
        {
            "nodeSelector": {"zone": "a"},
            "tolerations": [{"key": "cache"}],
            "priorityClassName": "high",
            "imagePullSecrets": ["registry"],
            "worker": {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "gpu"}]},
        }
    )
    spec = rendered.pod("DaemonSet", "alluxio-worker")["spec"]
    assert spec["nodeSelector"] == {"zone": "a", "disk": "ssd"}
    assert spec["tolerations"] == [{"key": "cache"}, {"key": "gpu"}]
    assert spec["priorityClassName"] == "high"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    master = rendered.pod("StatefulSet", "alluxio-master")["spec"]
    assert master["nodeSelector"] == {"zone": "a"}


@pytest.mark.parametrize(
    ("network", "policy", "expected"),
    [
        (False, None, "ClusterFirst"),
        (True, None, "ClusterFirstWithHostNet"),
        (True, "Default", "Default"),
    ],
)
def test_dns_follows_the_network(
    chart: Chart, *, network: bool, policy: str | None, expected: str
) -> None:
    rendered = chart.render({"worker": {"hostNetwork": network, "dnsPolicy": policy}})
    spec = rendered.pod("DaemonSet", "alluxio-worker")["spec"]
    assert spec["dnsPolicy"] == expected
    assert spec.get("hostNetwork", False) is network


@pytest.mark.parametrize(
    ("fuse", "mount_point"),
    [
        ({}, "/mnt/alluxio-fuse"),
        ({"mountPoint": "/data/cache/"}, "/data/cache"),
        ({"mountPath": "/data/cache"}, "/data/cache"),
        ({"mountPath": "/data/cache", "mountPoint": "/data/cache"}, "/data/cache"),
    ],
)
def test_both_names_of_the_fuse_mount_point_are_honoured(
    chart: Chart, fuse: dict[str, str], mount_point: str
) -> None:
    rendered = chart.render({"fuse": {"enabled": True, "alluxioPath": "/a", **fuse}})
    container = rendered.container("DaemonSet", "alluxio-fuse", "alluxio-fuse")
    assert container["args"] == ["fuse", "--fuse-opts=allow_other", mount_point, "/a"]
    assert rendered.properties("FUSE")["alluxio.fuse.mount.point"] == mount_point
    assert {"name": "MOUNT_POINT", "value": mount_point} in container["env"]
    [parent] = [each for each in container["volumeMounts"] if each["name"] == "fuse-parent"]
    assert mount_point.startswith(parent["mountPath"] + "/")
    assert parent["mountPropagation"] == "Bidirectional"


def test_only_fuse_is_privileged(chart: Chart) -> None:
    everything = {name: {"enabled": True} for name in ("fuse", "proxy", "logserver")}
    privileged = {
        container["name"]
        for each in chart.render(everything).manifests
        if "template" in each.get("spec", {})
        for container in each["spec"]["template"]["spec"]["containers"]
        if container["securityContext"].get("privileged")
    }
    assert privileged == {"alluxio-fuse"}


def test_the_image_is_the_charts_unless_given(chart: Chart) -> None:
    def image(values: dict[str, object]) -> str:
        pod = chart.render(values).pod("DaemonSet", "alluxio-worker")
        return str(pod["spec"]["containers"][0]["image"])

    assert image({}).startswith("alluxio/alluxio:2.")
    assert image({"image": "registry.test/a", "imageTag": 2.9}) == "registry.test/a:2.9"


COMPONENTS_OF = {
    "journal-format": ["master"],
    "alluxio-master": ["master"],
    "alluxio-job-master": ["master", "jobMaster"],
    "alluxio-worker": ["worker"],
    "alluxio-job-worker": ["worker", "jobWorker"],
    "alluxio-proxy": ["proxy"],
    "alluxio-fuse": ["fuse"],
    "alluxio-logserver": ["logserver"],
}


def test_no_variable_stands_twice_in_a_container(chart: Chart) -> None:
    """A name that the chart sets too is refused, or the chart's own takes its place."""
    switches: dict[str, dict[str, object]] = {
        "journal": {"format": {"runFormat": True}},
        "fuse": {"enabled": True},
        "proxy": {"enabled": True},
        "logserver": {"enabled": True},
    }

    def variables(values: Values) -> dict[str, list[str]]:
        pods = [
            each["spec"]["template"]["spec"]
            for each in chart.render(values).manifests
            if "template" in each.get("spec", {})
        ]
        containers = [
            one for pod in pods for one in pod.get("initContainers", []) + pod["containers"]
        ]
        return {one["name"]: [env["name"] for env in one["env"]] for one in containers}

    own = variables(switches)
    assert set(own) == set(COMPONENTS_OF)
    for container, names in own.items():
        for component in COMPONENTS_OF[container]:
            for name in names:
                values = {
                    **switches,
                    component: {**switches.get(component, {}), "env": {name: "x"}},
                }
                if name.startswith("ALLUXIO_") or name == "MOUNT_POINT":
                    assert f"{component}.env.{name} is the chart's own" in chart.refused(values)
                else:
                    given = variables(values)[container]
                    assert len(given) == len(set(given))
