"""What the lab tells kubeadm, kubelet and CoreDNS."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from lab import dns, kubeadm
from lab.errors import LabError
from lab.state import LabState, Node

LAB = LabState("demo", 2, (Node(1), Node(2), Node(3, spare=True)))


def documents() -> dict[str, Any]:
    text = kubeadm.init_config(LAB, version="1.34.4", token=kubeadm.new_token())
    return {item["kind"]: item for item in yaml.safe_load_all(text)}


def test_a_busy_machine_does_not_restart_the_control_plane() -> None:
    for part in kubeadm.PATIENT:
        (container,) = json.loads(kubeadm.patience(part))["spec"]["containers"]
        assert container["name"] == part
        assert container["livenessProbe"]["failureThreshold"] >= 60
    cluster = documents()["ClusterConfiguration"]
    for part in ("controllerManager", "scheduler"):
        assert kubeadm.NO_ELECTION in cluster[part]["extraArgs"]


def test_tokens_have_the_form_that_kubeadm_takes_and_differ() -> None:
    tokens = {kubeadm.new_token() for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token) for token in tokens)


def test_the_control_plane_uses_the_labs_own_ranges() -> None:
    found = documents()
    assert found["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"] == "10.77.2.11"
    assert found["ClusterConfiguration"]["networking"] == {
        "podSubnet": "10.78.32.0/20",
        "serviceSubnet": "10.79.32.0/20",
    }
    assert found["InitConfiguration"]["nodeRegistration"]["taints"] == []


def test_no_image_is_ever_collected_since_none_could_be_pulled_again() -> None:
    kubelet = documents()["KubeletConfiguration"]
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_a_joining_node_trusts_only_the_labs_authority_and_its_token_is_in_no_argument() -> None:
    text = kubeadm.discovery_config(b"CERT", "https://10.77.2.11:6443")
    cluster = yaml.safe_load(text)["clusters"][0]["cluster"]
    assert cluster == {
        "certificate-authority-data": "Q0VSVA==",
        "server": "https://10.77.2.11:6443",
    }
    joining = json.loads(kubeadm.join_config(LAB, Node(2), "abc"))
    assert joining["discovery"]["tlsBootstrapToken"] == "abc"
    arguments = joining["nodeRegistration"]["kubeletExtraArgs"]
    assert {"name": "node-ip", "value": "10.77.2.12"} in arguments


def node(name: str, *, is_ready: bool) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if is_ready else "False"}
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": [condition]}}


def workload(kind: str, name: str, **status: int) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}, "status": status}


def test_ready_means_nodes_and_service_routing_and_dns() -> None:
    items = [
        node("n1", is_ready=True),
        node("n2", is_ready=True),
        workload("DaemonSet", "kube-proxy", numberReady=2),
        workload("Deployment", "coredns", readyReplicas=1),
    ]
    assert kubeadm.unready(items, ["n1", "n2"]) == []
    assert kubeadm.unready(items, ["n1", "n2", "n3"]) == ["node n3", "kube-proxy on 1 nodes"]
    items[1] = node("n2", is_ready=False)
    items[3] = workload("Deployment", "coredns")
    assert kubeadm.unready(items, ["n1", "n2"]) == ["node n2", "CoreDNS"]
    assert len(kubeadm.unready([], ["n1"])) == 3


COREFILE = """\
.:53 {
    errors
    ready
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
    }
    loop
    reload
}
"""


def test_plugins_go_with_their_blocks_and_nothing_else_does() -> None:
    assert dns.without(COREFILE, {"forward", "loop"}) == (
        ".:53 {\n    errors\n    ready\n    cache 30 {\n       disable success cluster.local\n"
        "    }\n    reload\n}\n"
    )


def manifests() -> str:
    probe: dict[str, Any] = {"httpGet": {"path": "/ready"}}
    containers = [{"name": "coredns", "readinessProbe": probe}]
    return yaml.safe_dump_all(
        [
            {"kind": "Deployment", "spec": {"template": {"spec": {"containers": containers}}}},
            {"kind": "ConfigMap", "data": {"Corefile": COREFILE}},
            {"kind": "Service", "metadata": {"name": "kube-dns", "resourceVersion": "0"}},
            {"kind": "ServiceAccount", "metadata": {"name": "coredns"}},
        ]
    )


def test_coredns_is_probed_every_second_and_forwards_nothing() -> None:
    deployment, config, service, account = yaml.safe_load_all(dns.adapt(manifests()))
    probe = deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    assert (probe["httpGet"]["path"], probe["periodSeconds"]) == ("/ready", 1)
    assert "forward" not in config["data"]["Corefile"]
    assert service["metadata"] == {"name": "kube-dns"}
    assert account["metadata"]["name"] == "coredns"


def test_manifests_of_another_shape_are_refused() -> None:
    with pytest.raises(LabError, match="ConfigMap"):
        dns.adapt("kind: Deployment\n")


def test_what_kubeadm_says_beside_its_manifests_is_not_taken_for_one() -> None:
    printed = '[patches] Reading patches from path "/p"\n---apiVersion: v1\nkind: A\n---\nkind: B\n'
    assert dns.without_remarks(printed) == "---\napiVersion: v1\nkind: A\n---\nkind: B"
