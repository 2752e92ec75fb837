"""A host is told from others before anything of it is deleted or reset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import removal_hosts
from ansible_collections.alluxops.cache.plugins.module_utils.removal import Target

OURS = frozenset({"aa"})
N3 = Target("n3", "n3", listed=True, labelled=True, worker_pod="alluxio-worker-c")
GONE = Target("n3", "n3", listed=True, exists=False)
MACHINES = {"n1": "one", "n3": "three"}
KUBELET = {"server": "https://10.0.0.1:6443", "authorities": ["aa"]}
MEMBER = {"machine_id": "three", "kubelet": KUBELET, "control_plane": False}


def told(target: Target, membership: dict[str, Any], *, leave: bool) -> list[str]:
    looks = {"n3": membership}
    found = removal_hosts.faults([target], looks, MACHINES, OURS, leave=leave)
    assert all(fault.refused and fault.fix for fault in found)
    return [fault.what for fault in found]


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize(
    ("target", "membership", "what"),
    [
        (N3, {**MEMBER, "kubelet": {**KUBELET, "authorities": ["bb"]}}, "another cluster"),
        (GONE, {**MEMBER, "kubelet": {**KUBELET, "authorities": ["bb"]}}, "another cluster"),
        (N3, {**MEMBER, "machine_id": "two"}, "the node n3 is another machine than n3"),
        (GONE, {**MEMBER, "machine_id": "one"}, "n3 is the node n1"),
        (GONE, {**MEMBER, "machine_id": "two"}, "n3 has joined a cluster"),
    ],
)
def test_a_host_that_is_not_its_node_is_refused(
    target: Target, membership: dict[str, Any], what: str, *, leave: bool
) -> None:
    (found,) = told(target, membership, leave=leave)
    assert what in found


@pytest.mark.parametrize(
    ("target", "membership"),
    [(N3, {**MEMBER, "control_plane": True}), (replace(N3, control_plane=True), {})],
)
def test_a_control_plane_host_loses_its_worker_and_stays(
    target: Target, membership: dict[str, Any]
) -> None:
    (found,) = told(target, membership, leave=True)
    assert "n3 is a control-plane host" in found
    assert told(target, membership, leave=False) == []


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize(
    ("target", "membership"),
    [
        (N3, MEMBER),
        (N3, {}),  # not reached: nothing is done on it
        (GONE, {**MEMBER, "kubelet": {}, "machine_id": "two"}),  # it has left before
    ],
)
def test_its_node_is_not(target: Target, membership: dict[str, Any], *, leave: bool) -> None:
    assert told(target, membership, leave=leave) == []


def test_only_a_host_that_is_known_is_reset() -> None:
    unknown = {"machine_id": "", "kubelet": {**KUBELET, "authorities": []}}
    assert told(N3, unknown, leave=False) == []
    (found,) = told(N3, unknown, leave=True)
    assert "n3 is not known to be the node n3" in found
