"""A disk is taken for the tier only where the release's workers have a tier on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import bootstrap_plan as action
from ansible_collections.alluxops.cache.plugins.module_utils import bootstrap, node_device
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.test_bootstrap import CLUSTER, JOIN, facts

POINT = node_device.mount_point("/mnt/fuse3", "alluxio", "alluxio")
DOMAIN = POINT.replace("tier0", "domain")
HOST = bootstrap.Host("n4", "n4", facts(), device="/dev/sdb", mount_point=POINT, wanted=JOIN)


@pytest.mark.parametrize("path", [POINT, f"{POINT}/", f"{POINT}/blocks"])
def test_a_tier_on_the_disk_lies_at_its_mount_point_or_below(path: str) -> None:
    found, faults = bootstrap.plans([HOST], replace(CLUSTER, volumes=[DOMAIN, path]))
    assert (len(found), faults) == (1, [])


@pytest.mark.parametrize("volumes", [[], [DOMAIN], [f"{POINT}1"], [POINT.rpartition("/")[0]]])
def test_a_disk_that_no_tier_would_lie_on_is_refused_with_what_to_set(volumes: list[str]) -> None:
    found, [fault] = bootstrap.plans([HOST], replace(CLUSTER, volumes=volumes))
    assert found == []
    assert f"/dev/sdb on n4, and no tier of the release's workers lies on {POINT}" in fault.what
    assert ", ".join(volumes) in fault.cause
    assert f"path: {POINT}, type: hostPath" in fault.fix
    none = replace(HOST, device="")
    assert bootstrap.plans([none], replace(CLUSTER, volumes=volumes))[1] == []


def test_a_host_has_a_disk_and_a_root_of_its_own() -> None:
    options: dict[str, Any] = {"root": "/mnt/fuse3", "namespace": "alluxio", "release": "alluxio"}
    bare = replace(HOST, device="", mount_point="")

    def told(**settings: str) -> bootstrap.Host:
        return action._with_device(bare, options, {"hostvars": {"n4": settings}})

    assert told() == bare
    assert told(bootstrap_workers_device="/dev/sdb") == HOST
    own = told(bootstrap_workers_device="/dev/sdb", node_storage_root="/data")
    assert own.mount_point == "/data/alluxio/alluxio/tier0"
    with pytest.raises(SettingsError, match="node_storage_root"):
        told(bootstrap_workers_device="/dev/sdb", node_storage_root="data")
