"""Kubernetes on booted nodes, by kubeadm as on real machines."""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from lab import dns
from lab import node as nodes
from lab.addresses import Addresses
from lab.commands import run, wait_for
from lab.errors import LabError
from lab.state import LabState, Node, write_private

PORT = 6443
JOIN_CONFIG = "/run/lab-join.yaml"
DISCOVERY = "/run/lab-discovery.yaml"
INIT_CONFIG = "/run/lab-init.yaml"
PATCHES = "/run/lab-patches"
PATIENT = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
"""Parts of the control plane that are not restarted for being slow: a lab's machine may be busy."""
TIMEOUTS = {
    "controlPlaneComponentHealthCheck": "10m0s",
    "discovery": "10m0s",
    "kubeletHealthCheck": "10m0s",
    "kubernetesAPICall": "5m0s",
    "tlsBootstrap": "10m0s",
}
"""How long kubeadm waits; its own 4 minutes are too short on a machine with 50 processes a core."""
KUBEADM_S = 900
NO_ELECTION = {"name": "leader-elect", "value": "false"}
"""One replica needs no leader: it starts sooner, and does not give up when the machine is busy."""
CONTAINERD = "unix:///run/containerd/containerd.sock"


def new_token() -> str:
    """A bootstrap token of the form that kubeadm takes: 6 and 16 small letters and digits."""
    letters = string.ascii_lowercase + string.digits
    parts = ("".join(secrets.choice(letters) for _ in range(count)) for count in (6, 16))
    return ".".join(parts)


def init_config(state: LabState, *, version: str, token: str) -> str:
    """The configuration of the first node: JSON documents in a YAML stream."""
    addresses, control = state.addresses, state.control
    address = addresses.node(control.index)
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "InitConfiguration",
            "bootstrapTokens": [{"token": token, "ttl": "1h0m0s"}],
            "localAPIEndpoint": {"advertiseAddress": address, "bindPort": PORT},
            "nodeRegistration": {**_registration(addresses, control), "taints": []},
            "patches": {"directory": PATCHES},
            "timeouts": TIMEOUTS,
        },
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "clusterName": state.name,
            "kubernetesVersion": f"v{version}",
            "controlPlaneEndpoint": f"{address}:{PORT}",
            "networking": {"podSubnet": addresses.pods, "serviceSubnet": addresses.services},
            # Keys in milliseconds instead of seconds.
            "encryptionAlgorithm": "ECDSA-P256",
            # The lab gives each node its pod range itself (addresses.node_pods).
            "controllerManager": {
                "extraArgs": [_argument("allocate-node-cidrs", "false"), NO_ELECTION]
            },
            "scheduler": {"extraArgs": [NO_ELECTION]},
            # A lab's etcd need not outlive a power cut.
            "etcd": {"local": {"extraArgs": [_argument("unsafe-no-fsync", "true")]}},
        },
        kubelet_config(),
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "oomScoreAdj": 0,
            # Not the node's to set: these belong to the host's kernel.
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
    ]
    return "\n---\n".join(json.dumps(document, indent=1) for document in documents)


def patience(part: str) -> str:
    """A patch to a static pod of the control plane: restarted after 10 minutes without an answer."""
    container = {"name": part, "livenessProbe": {"failureThreshold": 60}}
    return json.dumps({"spec": {"containers": [container]}})


def kubelet_config() -> dict[str, Any]:
    """The kubelet's configuration, the same on every node."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        # The node's own cgroup, as it sees it from inside its cgroup namespace.
        "cgroupRoot": "/",
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "enforceNodeAllocatable": [],
        # Tolerates settings of the kernel that are not the node's to change.
        "featureGates": {"KubeletInUserNamespace": True},
        # Images come from the seed and from nowhere else: a collected one would never come back.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # All nodes share one disk with the host, which may well be fuller than a server's.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "serializeImagePulls": False,
    }


def discovery_config(ca_certificate: bytes, server: str) -> str:
    """A kubeconfig without credentials: tells a joining node where the cluster is and whom to trust."""
    cluster = {
        "certificate-authority-data": base64.b64encode(ca_certificate).decode(),
        "server": server,
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "none"}}],
        "users": [{"name": "none", "user": {}}],
        "current-context": "lab",
    }
    return json.dumps(document)


def join_config(state: LabState, node: Node, token: str) -> str:
    """The configuration of a joining node."""
    return json.dumps(
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "JoinConfiguration",
            "discovery": {
                "file": {"kubeConfigPath": DISCOVERY},
                "tlsBootstrapToken": token,
            },
            "nodeRegistration": _registration(state.addresses, node),
            "timeouts": TIMEOUTS,
        }
    )


def init(state: LabState, *, version: str, token: str) -> None:
    """Make the control plane on the first node and fetch the administrator's kubeconfig."""
    control = state.control
    _put(state, control, INIT_CONFIG, init_config(state, version=version, token=token))
    for part in PATIENT:
        _put(state, control, f"{PATCHES}/{part}+strategic.json", patience(part))
    nodes.inside(state, control, ["systemctl", "enable", "--quiet", "kubelet"])
    output = _kubeadm(
        state, control, "init", f"--config={INIT_CONFIG}", "--skip-phases=preflight,addon/coredns"
    )
    # The token opens the cluster to new nodes for an hour.
    log = "\n".join(line for line in output.splitlines() if token not in line)
    write_private(state.paths.logs / "kubeadm-init.log", f"{log}\n")
    config = state.paths.node(control.name).root / "etc/kubernetes/admin.conf"
    write_private(state.paths.kubeconfig, config.read_text())
    phase = ["kubeadm", "init", "phase", "addon", "coredns", f"--config={INIT_CONFIG}"]
    manifest = dns.adapt(nodes.inside(state, control, [*phase, "--print-manifest"]))
    kubectl(state, "apply", "--filename=-", stdin=manifest)


def join(state: LabState, node: Node, token: str) -> None:
    """Make a booted node a member of the cluster."""
    root = state.paths.node(state.control.name).root
    certificate = (root / "etc/kubernetes/pki/ca.crt").read_bytes()
    server = f"https://{state.addresses.node(state.control.index)}:{PORT}"
    _put(state, node, DISCOVERY, discovery_config(certificate, server))
    _put(state, node, JOIN_CONFIG, join_config(state, node, token))
    nodes.inside(state, node, ["systemctl", "enable", "--quiet", "kubelet"])
    _kubeadm(state, node, "join", f"--config={JOIN_CONFIG}", "--skip-phases=preflight")


def _kubeadm(state: LabState, node: Node, *argv: str) -> str:
    """Run kubeadm in a node; when it fails, the kubelet's last errors say more than it does."""
    try:
        return nodes.inside(state, node, ["kubeadm", *argv], timeout_s=KUBEADM_S)
    except LabError as error:
        journal = ["journalctl", "--unit=kubelet", "--no-pager", "--output=cat", "--lines=200"]
        said = nodes.inside(state, node, journal).splitlines()
        errors = [line[:300] for line in said if line.startswith("E") or "error" in line][-5:]
        cause = "\n".join([error.cause, f"kubelet of {node.name}:", *errors])
        raise LabError(error.what, cause) from error


def kubectl(state: LabState, *argv: str, stdin: str | None = None, timeout_s: float = 60) -> str:
    """Run the lab's kubectl as its administrator."""
    program = state.paths.bin / "kubectl"
    access = f"--kubeconfig={state.paths.kubeconfig}"
    return run([program, access, *argv], stdin=stdin, timeout_s=timeout_s)


def wait_ready(state: LabState, timeout_s: float = 600) -> None:
    """Wait until every joined node is Ready and routes services, and CoreDNS serves."""
    missing: list[str] = []

    def is_ready() -> bool:
        missing[:] = _unready(state)
        return not missing

    wait_for(
        "all nodes are Ready and CoreDNS serves",
        is_ready,
        timeout_s=timeout_s,
        every_s=0.3,
        why_not=lambda: "not ready: " + ", ".join(missing),
    )


def _unready(state: LabState) -> list[str]:
    try:
        kinds = "nodes,deployments,daemonsets"
        listed = kubectl(state, "-n", "kube-system", "get", kinds, "--output=json")
    except LabError as error:  # the API server may not answer yet
        return [error.cause or error.what]
    items = json.loads(listed)["items"]
    return unready(items, [node.name for node in state.joined])


def unready(items: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """What is not ready yet, as phrases.

    items: nodes, and kube-system's Deployments and DaemonSets, as the API lists them.
    """
    ready_nodes: set[str] = set()
    proxies = dns = 0
    for item in items:
        status = item.get("status", {})
        if item["kind"] == "Node":
            conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", [])}
            if conditions.get("Ready") == "True":
                ready_nodes.add(item["metadata"]["name"])
        elif item["metadata"]["name"] == "kube-proxy":
            proxies = status.get("numberReady", 0)
        elif item["metadata"]["name"] == "coredns":
            dns = status.get("readyReplicas", 0)
    wanted = list(names)
    missing = [f"node {name}" for name in wanted if name not in ready_nodes]
    if proxies < len(wanted):
        missing.append(f"kube-proxy on {len(wanted) - proxies} nodes")
    if not dns:
        missing.append("CoreDNS")
    return missing


def _registration(addresses: Addresses, node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "criSocket": CONTAINERD,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": [_argument("node-ip", addresses.node(node.index))],
    }


def _argument(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _put(state: LabState, node: Node, path: str, text: str) -> None:
    script = f"umask 077; mkdir -p {PurePosixPath(path).parent}; cat > {path}"
    nodes.inside(state, node, ["sh", "-c", script], stdin=text)
