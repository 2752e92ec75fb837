"""The lab as Ansible sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab import inventory
from lab.state import LabState, Node

LAB = LabState("demo", 4, (Node(1), Node(2), Node(3), Node(4, spare=True)))


@pytest.fixture(autouse=True)
def own_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLUXOPS_STATE", str(tmp_path / "state"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "fingerprint").write_text("ABCD\n")
    return tmp_path


def test_all_joined_nodes_carry_the_cache_and_spare_ones_wait() -> None:
    groups = {
        name: sorted(group["hosts"])
        for name, group in inventory.hosts(LAB)["all"]["children"].items()
    }
    assert groups == {
        "kube_control": ["n1"],
        "cache_masters": ["n1", "n2", "n3"],
        "cache_workers": ["n1", "n2", "n3"],
        "new_workers": ["n4"],
    }


def test_bare_nodes_are_told_to_install_what_a_join_takes() -> None:
    found = inventory.hosts(replace(LAB, nodes=(*LAB.nodes, Node(5, spare=True, bare=True))))
    hosts = found["all"]["hosts"]
    assert hosts["n5"]["bootstrap_workers_install_method"] == "apt"
    assert "bootstrap_workers_install_method" not in hosts["n4"]


def test_host_keys_are_checked_and_secrets_stay_in_their_file(repository: Path) -> None:
    variables = inventory.variables(LAB, "ABCD")
    assert "StrictHostKeyChecking=yes" in variables["ansible_ssh_common_args"]
    credentials = variables["alluxio_root_ufs_credentials"]
    assert credentials.startswith("{{ lookup(")
    assert str(LAB.paths.s3_credentials) in credentials


def test_worker_memory_limit_holds_heap_direct_memory_and_cache() -> None:
    variables = inventory.variables(LAB, "ABCD")
    worker = variables["alluxio_values"]["worker"]
    limit_mib = int(worker["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert limit_mib >= 256 + 512 + variables["alluxio_worker_quota"] // 2**20


def test_files_parse_and_go_with_the_lab(repository: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "inventory" / "lab"
    checkout.parent.mkdir()
    gone = tmp_path / "removed" / "inventory" / "lab"
    state = LAB.with_inventory(checkout).with_inventory(gone)
    inventory.write(state, repository)
    assert not gone.parent.exists()
    for place in (checkout, state.paths.inventory):
        loaded = yaml.safe_load((place / "group_vars/all.yml").read_text())
        assert loaded["helm_apt_key_fingerprint"] == "ABCD"
        assert "&" not in (place / "hosts.yml").read_text(), "no YAML anchors for people to read"
    inventory.remove(state)
    assert not checkout.exists()


def test_an_inventory_that_is_another_labs_by_now_is_left_alone(
    repository: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "inventory" / "lab"
    checkout.parent.mkdir()
    state = LAB.with_inventory(checkout)
    inventory.write(state, repository)
    hosts = checkout / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("LAB=demo`", "LAB=other`"))
    inventory.remove(state)
    assert hosts.exists()
