"""What the lab writes into a node's root before it boots. Text only; lab.node puts it in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lab import network
from lab.addresses import MAX_NODES, Addresses

UNWANTED_UNITS = (
    # They would reach for the network, or print a login prompt into the console log.
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "systemd-networkd-wait-online.service",
    "systemd-resolved.service",
)

CONTAINERD_DROP_IN = """\
# No process in a container may raise its limits or lower its OOM score without CAP_SYS_RESOURCE.
[Service]
LimitNOFILE=
LimitNPROC=
LimitCORE=
OOMScoreAdjust=0
ExecStartPre=
"""

KUBELET_UNIT = """\
[Unit]
Description=kubelet
After=containerd.service lab-node.service
Wants=containerd.service
StartLimitIntervalSec=0

[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml \\
  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

NODE_UNIT = """\
[Unit]
Description=Lab: addresses, routes and writable cgroups
DefaultDependencies=no
After=local-fs.target
Before=ssh.service containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/local/lib/lab/node-setup

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class NodeFiles:
    """The inputs of a node's files."""

    addresses: Addresses
    index: int
    pause_image: str
    authorized_key: str
    machine_id: str
    bare: bool = False
    """Without what a cluster's node has: no configuration of containerd, no unit of the kubelet."""

    @property
    def name(self) -> str:
        """The node's host name."""
        return f"n{self.index}"


def render(node: NodeFiles) -> dict[str, str]:
    """Path in the node (without the leading slash) to text."""
    of_a_member = {
        "etc/containerd/config.toml": _containerd(node.pause_image),
        "etc/systemd/system/kubelet.service": KUBELET_UNIT,
    }
    return {
        **({} if node.bare else of_a_member),
        "etc/hostname": f"{node.name}\n",
        "etc/hosts": _hosts(node.addresses),
        "etc/machine-id": f"{node.machine_id}\n",
        "etc/resolv.conf": f"# The host's input chain refuses this at once.\nnameserver {node.addresses.host}\n",
        "etc/apt/sources.list": "",
        "etc/ssh/sshd_config.d/lab.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n",
        "root/.ssh/authorized_keys": node.authorized_key,
        "etc/systemd/system/containerd.service.d/lab.conf": CONTAINERD_DROP_IN,
        "etc/systemd/system/lab-node.service": NODE_UNIT,
        "etc/cni/net.d/10-lab.conflist": _cni(node),
        "usr/local/lib/lab/node-setup": setup_script(node),
    }


def apt_sources(addresses: Addresses, debian_list: str) -> Mapping[str, str]:
    """The files that let a node install Debian packages through the lab's proxy.

    debian_list: the sources that the node's own tree was made from.
    """
    proxy = f"http://{addresses.host}:{network.APT_PROXY_PORT}"
    # The lab's own apt repository lies beside the proxy and is asked directly.
    config = (
        f'Acquire::http::Proxy "{proxy}";\nAcquire::http::Proxy::{addresses.host} "DIRECT";\n'
        'Acquire::Languages "none";\n'
    )
    return {"etc/apt/sources.list": debian_list, "etc/apt/apt.conf.d/90lab": config}


def setup_script(node: NodeFiles) -> str:
    """What the node does at each boot before anything else starts."""
    addresses = node.addresses
    routes = [
        f"ip route replace {addresses.node_pods(peer)} via {addresses.node(peer)}"
        for peer in range(1, MAX_NODES + 1)
        if peer != node.index
    ]
    return "\n".join(
        [
            "set -e",
            "ip link set lo up",
            f"ip address replace {addresses.node(node.index)}/24 dev host0",
            "ip link set host0 up",
            *routes,
            "# kube-proxy rewrites service addresses on the way out, but a route must exist before it can",
            f"ip route replace {addresses.services} dev host0",
            "# no default route: the lab is sealed, and whatever else is tried fails at once",
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
            "# systemd-nspawn hands the cgroup v1 controllers in read-only; kubelet and runc write to them",
            "for place in $(awk '$3 == \"cgroup\" {print $2}' /proc/mounts); do",
            '  mount -o remount,bind,rw "$place"',
            "done",
            "mount -o remount,bind,rw /proc/sys",
            "# FUSE mounts made by pods must reach the node",
            "mount --make-rshared /",
            "",
        ]
    )


def _hosts(addresses: Addresses) -> str:
    lines = ["127.0.0.1 localhost"]
    lines += [f"{addresses.node(index)} n{index}" for index in range(1, MAX_NODES + 1)]
    return "\n".join(lines) + "\n"


def _containerd(pause_image: str) -> str:
    return f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "registry.k8s.io/pause:{pause_image}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
"""


def _cni(node: NodeFiles) -> str:
    # ptp, not bridge: of two pods on one bridge, one that calls the other by a service address gets
    # its answer from an address it never called, unless the kernel has br_netfilter.
    return (
        json.dumps(
            {
                "cniVersion": "0.4.0",
                "name": "lab",
                "plugins": [
                    {
                        "type": "ptp",
                        "ipMasq": False,
                        "mtu": 1500,
                        "ipam": {
                            "type": "host-local",
                            "ranges": [[{"subnet": node.addresses.node_pods(node.index)}]],
                            "routes": [{"dst": "0.0.0.0/0"}],
                        },
                    },
                    {"type": "portmap", "capabilities": {"portMappings": True}},
                ],
            },
            indent=1,
        )
        + "\n"
    )
