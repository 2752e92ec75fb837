"""A few dead hosts among hundreds do not keep the others from becoming workers; many, or anything else, do."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.node_report import within_budget
from tests.unit.cache.test_bootstrap_plan import CHECKED, Cluster, Json, kube, plan

__all__ = ["kube"]  # the fixture

DEAD = {"unreachable": True, "msg": "no route"}
NO_PYTHON = {"failed": True, "module_stderr": "python3: not found"}


def hosts(count: int, **others: Json) -> dict[str, Json]:
    """So many hosts, n4 and on, each another machine."""
    found: dict[str, Json] = {}
    for index in range(4, 4 + count):
        membership = {**CHECKED["membership"], "machine_id": f"m{index}"}
        found[f"n{index}"] = {**CHECKED, "membership": membership}
    return {**found, **others}


@pytest.mark.parametrize(
    ("count", "lost", "share", "left"),
    [
        (1, 1, 10, 0),
        (9, 1, 10, 0),
        (10, 1, 10, 1),
        (300, 30, 10, 30),
        (300, 31, 10, 0),
        (300, 1, 0, 0),
        (3, 3, 100, 0),
        (3, 0, 10, 0),
    ],
)
def test_as_many_may_be_lost_as_may_fail(count: int, lost: int, share: int, left: int) -> None:
    dead = {f"n{index}": DEAD for index in range(4, 4 + lost)}
    assert len(within_budget(hosts(count, **dead), share)) == left


def test_the_lost_are_left_out_with_the_reason_and_the_others_planned(kube: Cluster) -> None:
    del kube
    found = plan("", **hosts(20, n5=DEAD, n6=NO_PYTHON))
    assert len(found["plans"]) == 18
    assert set(found["left_out"]) == {"n5", "n6"}
    assert "the host n5 cannot be reached" in found["left_out"]["n5"]
    assert "python3: not found" in found["left_out"]["n6"]
    assert "n5: left out, it could not be looked at" in found["shown"]
    assert not {"n5", "n6"} & set(found["offers"])


def test_more_than_that_are_refused_with_all_that_is_wrong(kube: Cluster) -> None:
    del kube
    with pytest.raises(SettingsError) as refusal:
        plan("", **hosts(20, n5=DEAD, n6=NO_PYTHON, n7=DEAD))
    assert all(f"the host {name} " in str(refusal.value) for name in ("n5", "n6", "n7"))


def test_what_is_wrong_with_another_host_refuses_all(kube: Cluster) -> None:
    del kube
    problem = {"what": "free memory", "value": "1 MiB", "fix": "take more"}
    with pytest.raises(SettingsError, match="free memory on n6"):
        plan("", **hosts(20, n5=DEAD, n6={**CHECKED, "problems": [problem]}))
