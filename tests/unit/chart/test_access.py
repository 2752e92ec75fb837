"""The ways into the cache: who reads from the worker of his node, and by what."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import residue
from tests.unit.chart.rendering import Chart, Rendered, Values

CLIENTS = [("alluxio-fuse", "FUSE"), ("alluxio-proxy", "PROXY")]
BOTH: dict[str, object] = {"fuse": {"enabled": True}, "proxy": {"enabled": True}}
DISK = {"mediumtype": "SSD", "path": "/mnt/ssd", "type": "hostPath", "quota": "1G"}
SHORT_CIRCUIT = "alluxio.user.short.circuit.enabled"
DOMAIN = "alluxio.worker.data.server.domain.socket"


def mounted(rendered: Rendered, name: str) -> dict[str, str]:
    """Directories of the node by their places in a DaemonSet's container."""
    spec = rendered.pod("DaemonSet", name)["spec"]
    paths = {each["name"]: each["hostPath"]["path"] for each in spec.get("volumes", [])}
    return {
        each["mountPath"]: paths[each["name"]]
        for each in spec["containers"][0].get("volumeMounts", [])
    }


def local(*levels: Values) -> dict[str, object]:
    return {**BOTH, "shortCircuit": {"policy": "local"}, "tieredstore": {"levels": list(levels)}}


def test_what_workers_leave_on_their_node_is_found_by_what_runs(chart: Chart) -> None:
    both = {**DISK, "mediumtype": "SSD,HDD", "path": "/mnt/ssd,/mnt/hdd", "quota": "1G,2G"}
    rendered = chart.render(local(both))
    workers = rendered.get("DaemonSet", "alluxio-worker")
    assert residue.tiers(workers, rendered.config()) == (["/mnt/ssd", "/mnt/hdd"], [])
    memory = chart.render(BOTH)
    workers = memory.get("DaemonSet", "alluxio-worker")
    assert residue.tiers(workers, memory.config()) == ([], [])


@pytest.mark.parametrize(("name", "role"), CLIENTS)
def test_fuse_and_proxy_have_the_socket_that_their_settings_send_them_to(
    chart: Chart, name: str, role: str
) -> None:
    """A client that calls itself after a worker's node goes to that worker's socket, whether or not it is there."""
    rendered = chart.render(BOTH)
    properties = rendered.properties(role)
    assert properties["alluxio.user.hostname"] == "${ALLUXIO_CLIENT_HOSTNAME}"
    assert properties[f"{DOMAIN}.as.uuid"] == "true"
    assert mounted(rendered, name)[properties[f"{DOMAIN}.address"]] == "/mnt/alluxio/domain"


@pytest.mark.parametrize(("name", "role"), CLIENTS)
def test_with_policy_local_they_have_the_blocks_of_their_node(
    chart: Chart, name: str, role: str
) -> None:
    rendered = chart.render(local(DISK))
    assert mounted(rendered, name)["/mnt/ssd"] == "/mnt/ssd"
    properties = rendered.properties(role)
    assert SHORT_CIRCUIT not in properties
    assert f"{DOMAIN}.address" not in properties


@pytest.mark.parametrize(
    "levels", [[{**DISK, "type": "emptyDir"}], [{**DISK, "type": "emptyDir"}, DISK]]
)
@pytest.mark.parametrize(("name", "role"), CLIENTS)
def test_blocks_in_a_workers_own_volume_are_not_looked_for(
    chart: Chart, name: str, role: str, levels: list[Values]
) -> None:
    rendered = chart.render(local(*levels))
    assert "/mnt/ssd" not in mounted(rendered, name)
    assert rendered.properties(role)[SHORT_CIRCUIT] == "false"
    # The job worker is in the worker's pod.
    assert SHORT_CIRCUIT not in rendered.properties("JOB_WORKER")


@pytest.mark.parametrize("name", ["alluxio-fuse", "alluxio-proxy"])
def test_without_a_short_circuit_nothing_of_the_node_is_mounted_for_it(
    chart: Chart, name: str
) -> None:
    rendered = chart.render({**BOTH, "shortCircuit": {"enabled": False}})
    spec = rendered.pod("DaemonSet", name)["spec"]
    assert [each for each in spec.get("volumes", []) if each["name"] == "domain"] == []


def test_the_proxy_is_an_ordinary_user_and_answers_both_apis(chart: Chart) -> None:
    rendered = chart.render(BOTH)
    spec = rendered.pod("DaemonSet", "alluxio-proxy")["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert rendered.properties("PROXY")["alluxio.proxy.s3.v2.version.enabled"] == "false"
    service = rendered.get("Service", "alluxio-proxy")["spec"]
    assert service["type"] == "ClusterIP"
    assert [port["port"] for port in service["ports"]] == [39999]
