"""What is said of a host that is to join: its system, its swap, its programs, and the files that are to bring some."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import join_needs
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

VERSION = "1.34.4"
BARE: dict[str, Any] = {
    "os_id": "debian",
    "os_version": "12",
    "os_name": "Debian GNU/Linux 12 (bookworm)",
    "machine": "x86_64",
    "swaps": [],
    "programs": {"containerd": "", "runc": "", "kubelet": "", "kubeadm": ""},
    "containerd_answers": False,
}
THERE = {"containerd": "1.6.20", "runc": "1.1.5", "kubelet": "1.34.4", "kubeadm": "1.34.4"}


def offer(*programs: str, version: str = "", machine: str = "x86_64") -> dict[str, Any]:
    return {"file": "f", "programs": list(programs), "version": version, "machine": machine}


ALL = [offer("containerd", "runc"), offer("kubelet"), offer("kubeadm")]


def told(faults: Any) -> str:
    found: list[SettingsError] = list(faults)
    assert all(fault.what and fault.fix for fault in found)
    return "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("os_id", "version", "joins"),
    [
        ("debian", "11", False),
        ("debian", "12", True),
        ("debian", "13", True),
        ("ubuntu", "20.04", False),
        ("ubuntu", "22.04", True),
        ("ubuntu", "24.04", True),
        ("ubuntu", "24.10", True),
        ("linuxmint", "22", False),  # its numbers are its own
        ("rocky", "9.4", False),
    ],
)
def test_systems(os_id: str, version: str, joins: bool) -> None:
    facts = {**BARE, "os_id": os_id, "os_version": version}
    assert (told(join_needs.system_faults("n4", facts)) == "") is joins


def test_swap_is_refused_where_the_clusters_kubelets_do_not_start_with_it() -> None:
    facts = {**BARE, "swaps": ["/dev/sda2"]}
    said = told(join_needs.swap_faults("n4", facts, fail_swap_on=True))
    assert "n4 swaps to /dev/sda2" in said
    assert "/etc/fstab" in said
    assert told(join_needs.swap_faults("n4", facts, fail_swap_on=False)) == ""
    assert told(join_needs.swap_faults("n4", BARE, fail_swap_on=True)) == ""


def test_what_is_missing_is_a_fault_only_where_nothing_brings_it() -> None:
    said = told(join_needs.program_faults("n4", BARE, VERSION, "present"))
    assert "n4 lacks containerd, kubelet, kubeadm" in said
    assert "bootstrap_workers_install_method to apt or files" in said
    for method in ("apt", "files"):
        assert told(join_needs.program_faults("n4", BARE, VERSION, method)) == ""


def test_a_containerd_that_stays_is_judged_whatever_brings_the_rest() -> None:
    old = {**BARE, "programs": {**BARE["programs"], "containerd": "1.4.13"}}
    assert "n4 has containerd 1.4.13" in told(join_needs.program_faults("n4", old, VERSION, "apt"))
    good = {**BARE, "programs": {"containerd": "1.7.24", "kubelet": "1.20.0"}}
    assert told(join_needs.program_faults("n4", good, VERSION, "apt")) == ""


def test_files_that_bring_all_of_it_will_do() -> None:
    assert told(join_needs.offer_faults("n4", BARE, ALL, VERSION)) == ""
    for containerd in ("1.6.20~ds1-1+b1", "1.7.24-0ubuntu1~22.04.1", "1.7.12-0ubuntu4"):
        packed = [offer("containerd", version=containerd), offer("runc", version="1.1.5-1")]
        assert told(join_needs.offer_faults("n4", BARE, [*packed, *ALL[1:]], VERSION)) == ""
    there = {**BARE, "programs": {**THERE, "kubeadm": ""}}
    assert told(join_needs.offer_faults("n4", there, [offer("kubeadm")], VERSION)) == ""


@pytest.mark.parametrize(
    ("facts", "offers", "says"),
    [
        (BARE, [], "brings no containerd, runc, kubelet, kubeadm"),
        (BARE, ALL[:2], "brings no kubeadm, and n4 has none"),
        (
            BARE,
            [*ALL[:2], offer("kubeadm", machine="aarch64")],
            "for aarch64, and the host is a x86_64",
        ),
        (BARE, [*ALL[:2], offer("kubeadm", version="1.33.1-1.1")], "has kubeadm 1.33.1"),
        (BARE, [*ALL[:2], offer("kubeadm", version="1.35.0-1.1")], "has kubeadm 1.35.0"),
        (BARE, [*ALL, offer("kubelet", version="1.35.0-1.1")], "has kubelet 1.35.0"),
        (BARE, [*ALL, offer("containerd", "runc", version="1.4.13-1")], "has containerd 1.4.13"),
        ({**BARE, "programs": {**THERE, "kubelet": "1.35.0"}}, [], "n4 has kubelet 1.35.0"),
    ],
)
def test_files_that_do_not_bring_what_fits_are_refused(
    facts: dict[str, Any], offers: list[dict[str, Any]], says: str
) -> None:
    assert says in told(join_needs.offer_faults("n4", facts, offers, VERSION))


@pytest.mark.parametrize(
    ("programs", "fits"),
    [
        ({"kubeadm": "1.34.9"}, True),
        ({"kubeadm": "1.33.9"}, False),
        ({"kubelet": "1.31.0"}, True),
        ({"kubelet": "1.30.0"}, False),
        ({"kubelet": "1.35.0"}, False),
        ({"kubelet": "2.34.4"}, False),
        ({"containerd": "1.4.13"}, False),
        ({"containerd": "2.1.0"}, True),
        ({}, True),
    ],
)
def test_versions_that_go_with_the_cluster(programs: dict[str, str], fits: bool) -> None:
    assert (told(join_needs.version_faults("n4", programs, VERSION)) == "") is fits
