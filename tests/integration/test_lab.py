"""What a running lab promises."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import cgroups, network, versions
from lab.addresses import Addresses
from tests.integration.lab_under_test import RunningLab, run_lab

OUTSIDE = "198.51.100.7"
"""An address that is nobody's (RFC 5737): a packet to it on a wire is a hole in the seal."""


def test_three_nodes_are_ready_and_dns_serves(lab: RunningLab) -> None:
    ready = {
        node["metadata"]["name"]
        for node in lab.objects("nodes")
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
    assert {"n1", "n2", "n3"} <= ready
    pods = lab.objects("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
    assert any(entry["ready"] for pod in pods for entry in pod["status"]["containerStatuses"])


def test_ansible_reaches_every_node_with_host_keys_checked(lab: RunningLab) -> None:
    assert lab.run("ansible", "all", "-m", "ping", "-o").count("SUCCESS") == len(lab.state.nodes)
    known_hosts = lab.paths.known_hosts
    original = known_hosts.read_text()
    key = (lab.paths.host_keys / "n2.pub").read_text().split()[1]
    other = (lab.paths.host_keys / "n3.pub").read_text().split()[1]
    try:
        known_hosts.write_text(original.replace(key, other))
        options = "-o ControlPath=none"  # no connection from before may answer for it
        output = lab.run(
            *("ansible", "n2", "-m", "ping", "-o", f"--ssh-extra-args={options}"), check=False
        )
    finally:
        known_hosts.write_text(original)
    assert "UNREACHABLE" in output


def test_up_on_a_running_lab_leaves_its_nodes_alone_and_is_quick(lab: RunningLab) -> None:
    def inits() -> list[int | None]:
        state = lab.state
        return [cgroups.init_of(cgroups.node_group(state, node)) for node in state.nodes]

    before = inits()
    start = time.monotonic()
    run_lab("up", "--name", lab.name)
    assert inits() == before
    assert None not in before
    assert time.monotonic() - start < 15


def test_a_spare_node_is_up_but_not_in_the_cluster(lab: RunningLab) -> None:
    run_lab("up", "--name", lab.name, "--spare", "1")
    hosts = json.loads(lab.run("ansible-inventory", "--list"))
    # The tests of the role helm have spare nodes of their own on this lab.
    spares = hosts["new_workers"]["hosts"]
    assert spares
    assert not set(spares) & set(hosts["cache_workers"]["hosts"])
    assert not set(spares) & {node["metadata"]["name"] for node in lab.objects("nodes")}
    answers = lab.run("ansible", "new_workers", "-m", "ping", "-o")
    assert answers.count("SUCCESS") == len(spares)


def test_s3_keeps_what_is_put_and_its_credentials_are_private(lab: RunningLab) -> None:
    client = lab.s3()
    client.put_object(Bucket="datasets", Key="lab/ü b.txt", Body=b"kept")
    assert client.get_object(Bucket="datasets", Key="lab/ü b.txt")["Body"].read() == b"kept"
    client.delete_object(Bucket="datasets", Key="lab/ü b.txt")
    for path in (lab.paths.s3_credentials, lab.kubeconfig, lab.paths.ssh_key):
        assert path.stat().st_mode & 0o077 == 0, path
    secret = json.loads(lab.paths.s3_credentials.read_text())["secretKey"]
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert secret not in listed.stdout
    assert not any(secret in path.read_text() for path in lab.inventory.rglob("*.yml"))


def test_all_nodes_share_one_folder(lab: RunningLab) -> None:
    lab.on_node("n1", "echo shared > /mnt/shared/from-n1")
    assert lab.on_node("n3", "cat /mnt/shared/from-n1; rm /mnt/shared/from-n1") == "shared\n"


@pytest.fixture
def wire() -> Iterator[Callable[[], int]]:
    """Counts, and drops, packets that would leave this machine for OUTSIDE or a lab's addresses."""
    table = "alluxops_wire_test"
    rules = f"""
    table inet {table} {{
      chain post {{
        type filter hook postrouting priority 200;
        oifname "lo" accept
        oifname "alx*" accept
        ip daddr {{ {OUTSIDE}, 10.77.0.0-10.79.255.255 }} counter drop
      }}
    }}"""
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)

    def count() -> int:
        listed = subprocess.run(
            ["nft", "list", "table", "inet", table], capture_output=True, text=True, check=True
        )
        return int(listed.stdout.split("counter packets ")[1].split()[0])

    yield count
    subprocess.run(["nft", "delete", "table", "inet", table], check=True)


def test_a_node_reaches_nothing_outside_even_with_a_route(
    lab: RunningLab, wire: Callable[[], int]
) -> None:
    host = lab.state.addresses.host
    attempt = f"timeout 2 bash -c 'echo > /dev/tcp/{OUTSIDE}/80'"
    refusal = lab.on_node("n2", f"{attempt} 2>&1", check=False)
    assert "unreachable" in refusal, "it must be refused at once, not end by timeout"
    lab.on_node(
        "n2",
        f"ip route replace default via {host}; {attempt}; ping -c1 -W1 {OUTSIDE};"
        " ip route delete default",
        check=False,
    )
    assert wire() == 0


def test_a_node_reaches_only_the_labs_services_on_the_host(lab: RunningLab) -> None:
    host = lab.state.addresses.host
    with socket.create_server((host, 0)) as other:
        ports = {9000: "open", 8081: "open", other.getsockname()[1]: "closed"}
        for port, expected in ports.items():
            script = (
                f"timeout 2 bash -c 'echo > /dev/tcp/{host}/{port}' && echo open || echo closed"
            )
            assert lab.on_node("n2", f"{script} 2>/dev/null").split()[-1] == expected, port


def test_what_a_host_with_forwarding_would_route_from_the_bridge_is_dropped(tmp_path: Path) -> None:
    """In a network namespace of its own: a bridge with a node, a wire, ip_forward on."""
    addresses = Addresses(3)
    (tmp_path / "seal").write_text(network.ruleset(addresses))
    script = f"""
    set -e
    echo 1 > /proc/sys/net/ipv4/ip_forward
    ip link add {addresses.bridge} type bridge
    ip address add {addresses.host}/24 dev {addresses.bridge}
    ip link add wire type veth peer name far; ip link set far up; ip link set wire up
    ip link set {addresses.bridge} up
    ip route add {OUTSIDE} dev wire
    ip neighbour add {OUTSIDE} dev wire lladdr 02:00:00:00:00:01
    ip link add port type veth peer name inner
    unshare --net sleep 30 & node=$!
    while [ "$(readlink /proc/$node/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    ip link set inner netns $node; ip link set port master {addresses.bridge} up
    nsenter -t $node -n sh -c 'ip address add {addresses.node(1)}/24 dev inner; ip link set inner up
      ip route add default via {addresses.host}'
    # Only what the node sends: the kernel sends a few packets of its own over a new link.
    nft 'table inet wire {{ chain post {{ type filter hook postrouting priority 200;
      oifname "wire" ip daddr {OUTSIDE} counter; }}; }}'
    sent() {{ nft list table inet wire | sed -n 's/.*counter packets \\([0-9]*\\).*/\\1/p'; }}
    send() {{ nsenter -t $node -n bash -c 'echo > /dev/udp/{OUTSIDE}/53'; }}
    until [ "$(sent)" != 0 ]; do send; sleep 0.1; done; echo open
    nft -f {tmp_path}/seal
    before=$(sent); send; send; sleep 0.5; echo sealed $(($(sent) - before))
    kill $node
    """
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", f"mount -t sysfs sysfs /sys; {script}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["open", "sealed", "0"]


def test_pods_reach_pods_on_other_nodes_and_services_by_name(lab: RunningLab) -> None:
    dns = lab.objects("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")[0]
    other = "n3" if dns["spec"]["nodeName"] != "n3" else "n2"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lab-client"},
        "spec": {
            "nodeName": other,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "client",
                    "image": f"alluxio/alluxio:{versions.load().alluxio}",
                    "command": ["sleep", "300"],
                }
            ],
        },
    }

    def reach(address: str, port: int) -> str:
        script = f"exec 3<>/dev/tcp/{address}/{port} && echo reached"
        return lab.kubectl("exec", "lab-client", "--", "timeout", "10", "bash", "-c", script)

    try:
        lab.run("kubectl", "apply", "-f", "-", stdin=json.dumps(pod))
        lab.kubectl("wait", "--for=condition=Ready", "pod/lab-client", "--timeout=60s")
        assert "reached" in reach(dns["status"]["podIP"], 9153)
        assert "reached" in reach("kubernetes.default.svc.cluster.local", 443)
        assert "reached" in reach(lab.state.addresses.host, network.S3_PORT)
    finally:
        lab.kubectl("delete", "pod", "lab-client", "--ignore-not-found", "--now")
