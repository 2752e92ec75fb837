"""Which cluster a host belongs to is told by the certificates that lie on it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.alluxops.cache.plugins.module_utils import join_needs, node_membership
from ansible_collections.alluxops.cache.plugins.plugin_utils.cluster_trust import Trust


def authority(name: str) -> str:
    """A certificate authority in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def pem() -> str:
    return authority("ours")


def kubeconfig(field: str) -> str:
    return (
        f"apiVersion: v1\nclusters:\n- cluster:\n    {field}\n    server: https://10.0.0.1:6443\n"
    )


def test_a_kubeconfig_names_its_server_and_authority(pem: str) -> None:
    data = base64.b64encode(pem.encode()).decode()
    inline = node_membership.parse_access(
        kubeconfig(f"certificate-authority-data: {data}"), lambda _: ""
    )
    by_path = node_membership.parse_access(
        kubeconfig("certificate-authority: /pki/ca.crt"), {"/pki/ca.crt": pem}.__getitem__
    )
    assert inline == by_path
    assert inline["server"] == "https://10.0.0.1:6443"
    assert frozenset(inline["authorities"]) == Trust("", pem).authorities


@pytest.mark.parametrize("text", ["", "no: kubeconfig", "clusters: []"])
def test_what_is_no_kubeconfig_says_nothing(text: str) -> None:
    assert node_membership.parse_access(text, lambda _: "") == {}


def test_broken_data_is_no_authority() -> None:
    access = node_membership.parse_access(kubeconfig("certificate-authority-data: A"), lambda _: "")
    assert access["authorities"] == []


def test_a_bundle_has_several_authorities_each_pinned_by_its_key(pem: str) -> None:
    both = Trust("", pem + authority("second"))
    assert len(both.authorities) == 2
    assert len(set(both.pins)) == 2
    assert all(pin.startswith("sha256:") and len(pin) == 71 for pin in both.pins)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("v1.34.4\n", "1.34.4"),
        ("Kubernetes v1.34.4", "1.34.4"),
        ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1", "1.6.20"),
        ("containerd github.com/containerd/containerd 1.7.24 \n", "1.7.24"),
        ("runc version 1.1.12-0ubuntu2~22.04.1\nspec: 1.0.2-dev\ngo: go1.21.1\n", "1.1.12"),
        ("", ""),
    ],
)
def test_programs_say_their_versions(said: str, version: str) -> None:
    assert node_membership.parse_version(said) == version


def test_a_host_is_read_without_a_parser_of_yaml(tmp_path: Path, pem: str) -> None:
    for name, text in {
        "etc/os-release": 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n',
        "etc/machine-id": "abc\n",
        "etc/kubernetes/kubelet.conf": kubeconfig(
            "certificate-authority: /etc/kubernetes/pki/ca.crt"
        ),
        "etc/kubernetes/pki/ca.crt": pem,
        "proc/swaps": "Filename Type Size Used Priority\n/dev/sda2 partition 8 0 -2\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(command: Sequence[str]) -> str:
        return "v1.34.4" if command[0] == "kubeadm" else ""

    found = node_membership.read(run, str(tmp_path))
    assert (found["os_id"], found["os_version"], found["machine_id"]) == ("debian", "13", "abc")
    assert (
        found["kubelet"]["authorities"] == found["authorities"] == node_membership.fingerprints(pem)
    )
    assert found["bootstrap"] == {}
    assert found["programs"] == {"kubeadm": "1.34.4", "kubelet": "", "containerd": "", "runc": ""}
    assert found["machine"]
    assert found["swaps"] == ["/dev/sda2"]
    assert not found["control_plane"]
    assert not found["containerd_answers"]
    assert not found["kubelet_listens"]


def test_an_ubuntu_is_read_with_its_swap_file(tmp_path: Path) -> None:
    for name, text in {
        "etc/os-release": 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\n'
        'VERSION="24.04.1 LTS (Noble Numbat)"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n',
        "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap.img file\t\t4194300\t\t0\t\t-2\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = node_membership.read(lambda _: "", str(tmp_path))
    assert (found["os_id"], found["os_version"]) == ("ubuntu", "24.04")
    assert found["os_name"] == "Ubuntu 24.04.1 LTS"
    assert found["swaps"] == ["/swap.img"]
    assert list(join_needs.system_faults("n4", found)) == []
    [fault] = join_needs.swap_faults("n4", found, fail_swap_on=True)
    assert "/swap.img" in fault.what


SOCKETS = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    "   0: {address}:{port} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0\n"
)


@pytest.mark.parametrize(
    ("name", "address", "port", "state", "listens"),
    [
        ("tcp", "00000000", "280A", "0A", True),
        ("tcp6", "00000000000000000000000000000000", "280A", "0A", True),
        ("tcp", "0400000A", "280A", "01", False),  # somebody's connection to a kubelet
        ("tcp", "00000000", "1F90", "0A", False),
    ],
)
def test_a_kubelet_of_any_cluster_is_known_by_its_port(
    tmp_path: Path, name: str, address: str, port: str, state: str, *, listens: bool
) -> None:
    path = tmp_path / "proc/net" / name
    path.parent.mkdir(parents=True)
    path.write_text(SOCKETS.format(address=address, port=port, state=state))
    found = node_membership.read(lambda _: "", str(tmp_path))
    assert found["kubelet_listens"] is listens


@pytest.mark.parametrize(
    "name", ["manifests/kube-apiserver.yaml", "manifests/etcd.yaml", "pki/ca.key"]
)
def test_a_control_plane_is_known_by_what_only_it_has(tmp_path: Path, name: str) -> None:
    path = tmp_path / "etc/kubernetes" / name
    path.parent.mkdir(parents=True)
    path.touch()
    found = node_membership.read(lambda _: "", str(tmp_path))
    assert found["control_plane"] == [f"/etc/kubernetes/{name}"]
