"""What nodes get before they boot, and what the host lets through."""

from __future__ import annotations

import json
import subprocess
import tomllib

import pytest

from lab import network, node_files
from lab.addresses import MAX_NODES, Addresses


def files(index: int = 2, slot: int = 1, *, bare: bool = False) -> dict[str, str]:
    return node_files.render(
        node_files.NodeFiles(
            addresses=Addresses(slot),
            index=index,
            pause_image="3.10.1",
            authorized_key="ssh-ed25519 KEY lab",
            machine_id="0" * 32,
            bare=bare,
        )
    )


def test_a_node_knows_every_node_that_may_ever_be_added() -> None:
    names = {line.split()[1] for line in files()["etc/hosts"].splitlines()}
    assert {f"n{index}" for index in range(1, MAX_NODES + 1)} < names
    script = files()["usr/local/lib/lab/node-setup"]
    assert "10.78.28.0/24 via 10.77.1.22" in script
    assert "via 10.77.1.12" not in script, "no route to its own pods over the wire"


def test_a_bare_node_has_nothing_of_a_cluster() -> None:
    gone = set(files()) - set(files(bare=True))
    assert gone == {"etc/containerd/config.toml", "etc/systemd/system/kubelet.service"}


def test_a_node_has_no_way_out() -> None:
    script = files()["usr/local/lib/lab/node-setup"]
    assert "default" not in script.replace("no default route", "")
    assert files()["etc/apt/sources.list"] == ""


def test_the_setup_script_is_shell(tmp_path: object) -> None:
    script = files()["usr/local/lib/lab/node-setup"]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_containerd_and_cni_configurations_parse_and_use_the_nodes_own_range() -> None:
    config = tomllib.loads(files()["etc/containerd/config.toml"])
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == "registry.k8s.io/pause:3.10.1"
    first, _ = json.loads(files()["etc/cni/net.d/10-lab.conflist"])["plugins"]
    assert first["ipam"]["ranges"] == [[{"subnet": "10.78.18.0/24"}]]
    assert first["ipMasq"] is False


@pytest.mark.parametrize("slot", [0, 15])
def test_the_seal_is_about_the_labs_bridge_and_address_alone(slot: int) -> None:
    text = network.ruleset(Addresses(slot))
    assert f'iifname "alx{slot}" oifname != "alx{slot}" drop' in text
    assert f'oifname "alx{slot}" iifname != "alx{slot}" drop' in text
    # Everybody else's packets are accepted before anything is refused.
    lines = [line.strip() for line in text.splitlines()]
    assert lines.index(f'iifname != "alx{slot}" accept') < lines.index("reject")


def test_debian_packages_come_through_the_proxy_and_the_labs_own_directly() -> None:
    files = node_files.apt_sources(Addresses(1), "deb http://mirror.test/debian bookworm main\n")
    proxy = files["etc/apt/apt.conf.d/90lab"]
    assert 'Acquire::http::Proxy "http://10.77.1.1:3142";' in proxy
    assert 'Acquire::http::Proxy::10.77.1.1 "DIRECT";' in proxy
    assert files["etc/apt/sources.list"].startswith("deb http://mirror.test/debian bookworm")
