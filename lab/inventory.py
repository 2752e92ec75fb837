"""The lab as an Ansible inventory: hosts over ssh, host keys checked, and the lab's own settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from lab import services, versions
from lab.paths import REPOSITORY
from lab.state import LabState, Node

HEADER = "# Written by `make lab-up LAB={name}`; `make lab-down LAB={name}` removes it.\n"
WORKER_QUOTA_BYTES = 512 * 1024 * 1024


def checkout_directory(name: str) -> Path | None:
    """Where in this checkout the lab's inventory also goes: inventory/lab for `demo`, nowhere for others."""
    return REPOSITORY / "inventory" / "lab" if name == "demo" else None


def write(state: LabState, repository: Path) -> None:
    """Write the inventory into the lab's state and, for `demo`, into the checkout.

    repository is the signed apt repository's directory: its key's fingerprint goes into the variables.
    """
    documents = {
        "hosts.yml": hosts(state),
        "group_vars/all.yml": variables(state, (repository / "fingerprint").read_text().strip()),
    }
    # A checkout that was removed since is not brought back.
    checkouts = [place for place in map(Path, state.inventories) if place.parent.is_dir()]
    places = [state.paths.inventory, *checkouts]
    for place in places:
        for name, document in documents.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(document, sort_keys=False, width=140)
            path.write_text(HEADER.format(name=state.name) + text)


def remove(state: LabState) -> None:
    """Remove the inventories that were written into checkouts."""
    for place in map(Path, state.inventories):
        hosts_file = place / "hosts.yml"
        if hosts_file.is_file() and f"LAB={state.name}`" in hosts_file.read_text():
            shutil.rmtree(place)


def hosts(state: LabState) -> dict[str, Any]:
    """The hosts and groups of the lab, as hosts.yml has them."""

    def group(nodes: Iterable[Node]) -> dict[str, Any]:
        return {"hosts": {node.name: {} for node in nodes}}

    return {
        "all": {
            "hosts": {node.name: _host(state, node) for node in state.nodes},
            "children": {
                "kube_control": group([state.control]),
                "cache_masters": group(state.joined),
                "cache_workers": group(state.joined),
                "new_workers": group(node for node in state.nodes if node.spare),
            },
        }
    }


def variables(state: LabState, fingerprint: str) -> Mapping[str, Any]:
    """The settings of the lab, as group_vars/all.yml has them; the secrets stay in their own file."""
    paths = state.paths
    ssh = (
        f"-o UserKnownHostsFile={paths.known_hosts} -o StrictHostKeyChecking=yes"
        " -o IdentitiesOnly=yes"
    )
    apt = services.apt_repository_url(state)
    return {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(paths.ssh_key),
        "ansible_ssh_common_args": ssh,
        "ansible_python_interpreter": "/usr/bin/python3",
        "alluxops_kubeconfig": str(paths.kubeconfig),
        "helm_apt_repository": f"{apt}/any/",
        "helm_apt_key_url": f"{apt}/key.asc",
        "helm_apt_key_fingerprint": fingerprint,
        "alluxio_root_ufs": f"s3://{services.BUCKET}/",
        "alluxio_root_ufs_secret": "lab-s3",
        "alluxio_root_ufs_credentials": "{{ lookup('ansible.builtin.file', "
        f"'{paths.s3_credentials}') | from_json }}}}",
        "alluxio_root_ufs_options": {
            "alluxio.underfs.s3.endpoint": services.s3_endpoint(state),
            "alluxio.underfs.s3.region": services.REGION,
            "alluxio.underfs.s3.disable.dns.buckets": "true",
            "alluxio.underfs.s3.inherit.acl": "false",
        },
        "alluxio_worker_quota": WORKER_QUOTA_BYTES,
        # `python -m lab images images-zookeeper` makes it and brings it into the nodes, for labs that want it.
        "zookeeper_image": f"zookeeper:{versions.load().zookeeper_debian}",
        # Spare nodes become members by `bootstrap-workers`. Their kernel and cgroups are this machine's, as they are.
        "bootstrap_workers_join": True,
        "bootstrap_workers_ignore_preflight_errors": ["SystemVerification"],
        **_packages(apt, fingerprint),
        "alluxio_values": _small_values(),
    }


def _packages(apt: str, fingerprint: str) -> dict[str, Any]:
    """How bare spare nodes get what a join takes; `--apt-proxy` gives them Debian's packages."""
    return {
        "bootstrap_workers_apt_repository": f"{apt}/any/",
        "bootstrap_workers_apt_key_url": f"{apt}/key.asc",
        "bootstrap_workers_apt_key_fingerprint": fingerprint,
        # The kernel is this machine's, and need not have br_netfilter: the lab's pods are not bridged.
        "bootstrap_workers_kernel_modules": ["overlay"],
        "bootstrap_workers_sysctls": {"net.ipv4.ip_forward": 1},
        "bootstrap_workers_containerd_cri": {
            "restrict_oom_score_adj": True,
            "sandbox_image": f"registry.k8s.io/pause:{versions.load().pause_image}",
            "cni": {"bin_dir": "/usr/lib/cni"},
        },
    }


def _host(state: LabState, node: Node) -> dict[str, str]:
    found = {"ansible_host": state.addresses.node(node.index)}
    if node.bare:
        found["bootstrap_workers_install_method"] = "apt"
    return found


def _small_values() -> dict[str, Any]:
    """Heaps and requests that let all of a cache run on one machine; chart defaults ask for 4 CPUs a node."""

    def sized(heap_mib: int, request_mib: int, limit_mib: int, *more: str) -> dict[str, Any]:
        return {
            "jvmOptions": [f"-Xmx{heap_mib}m", "-XX:+UseSerialGC", *more],
            "resources": {
                "requests": {"cpu": "50m", "memory": f"{request_mib}Mi"},
                "limits": {"cpu": "4", "memory": f"{limit_mib}Mi"},
            },
        }

    return {
        "master": sized(256, 256, 1024),
        "jobMaster": sized(128, 128, 768),
        "worker": sized(256, 1024, 2048, "-XX:MaxDirectMemorySize=512m"),
        "jobWorker": sized(192, 192, 1024),
    }
