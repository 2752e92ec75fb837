"""Workers run on the nodes of cache_workers, told by a label that adding a node changes no pod for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import node_labels as action
from ansible_collections.alluxops.cache.plugins.module_utils import node_labels, placement, values
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.values import Chart
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError
from tests.unit.cache.kube_objects import node
from tests.unit.cache.settings_cases import GOOD, with_

Json = dict[str, Any]

OURS = Chart("alluxio", "0.1.0", "ours")
UPSTREAM = Chart("alluxio", "0.6.54", "upstream")
KEY = "alluxops.io/alluxio.alluxio"
MARK = {KEY: "worker"}


def selector(component: str, chart: Chart = OURS, settings: Any = GOOD, **mine: Any) -> Any:
    final = values.compose(settings, chart, [Source("mine", mine)]).given
    return final.get(component, {}).get("nodeSelector")


def test_a_release_has_a_label_of_its_own_that_kubernetes_takes() -> None:
    assert node_labels.worker_key("alluxio", "alluxio") == KEY
    long = {node_labels.worker_key("n" * 63, f"{'r' * 39}{end}") for end in "ab"}
    assert len(long) == 2
    assert all(len(key.partition("/")[2]) <= 63 for key in long)


@pytest.mark.parametrize("chart", [OURS, UPSTREAM])
def test_workers_go_where_the_label_is_and_the_users_own_selector_is_kept(chart: Chart) -> None:
    assert selector("worker", chart) == MARK
    mine = selector("worker", chart, worker={"nodeSelector": {"pool": "a"}})
    assert mine == {"pool": "a", **MARK}


def test_a_node_more_changes_no_pod() -> None:
    fewer = with_(cache_workers=GOOD.cache_workers[:2])
    assert values.compose(fewer, OURS, []).given == values.compose(GOOD, OURS, []).given


def test_upstreams_chart_would_take_our_selector_for_the_users_general_one() -> None:
    everywhere = {"nodeSelector": {"pool": "a"}}
    assert selector("worker", UPSTREAM, **everywhere) == {"pool": "a", **MARK}
    assert selector("worker", OURS, **everywhere) == MARK  # whose template merges the two
    own = selector("worker", UPSTREAM, worker={"nodeSelector": {"b": "1"}}, **everywhere)
    assert own == {"b": "1", **MARK}


@pytest.mark.parametrize("chart", [OURS, UPSTREAM])
def test_proxies_and_fuse_pods_run_where_workers_do(chart: Chart) -> None:
    assert selector("proxy", chart, proxy={"enabled": True}) == MARK
    assert selector("proxy", chart) is None
    assert selector("fuse", chart, fuse={"enabled": True}) == MARK
    assert not selector("fuse", chart)


def test_fuse_pods_without_a_domain_socket_need_no_directory_of_the_node() -> None:
    assert selector("fuse", OURS, fuse={"enabled": True}, shortCircuit={"enabled": False}) is None
    local = {"fuse": {"enabled": True}, "shortCircuit": {"policy": "local"}}
    assert selector("fuse", OURS, **local) is None
    disk = {"mediumtype": "SSD", "path": "/mnt/ssd", "type": "hostPath", "quota": "1G"}
    assert selector("fuse", OURS, **local, tieredstore={"levels": [disk]}) == MARK


@pytest.mark.parametrize(
    ("journal", "tied"),
    [({}, False), ({"ufsType": "HDFS"}, True), ({"volumeType": "emptyDir"}, True)],
)
def test_masters_whose_volume_ties_them_to_no_node_are_kept_on_cache_masters(
    journal: Json, tied: bool
) -> None:
    master = values.compose(GOOD, OURS, [Source("mine", {"journal": journal})]).given["master"]
    assert ("affinity" in master) is tied


def test_masters_are_placed_by_name_whatever_the_hostname_label_says() -> None:
    affinity = placement.masters(GOOD)["master"]["affinity"]["nodeAffinity"]
    terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [term["matchFields"][0]["values"] for term in terms] == [["n1"], ["n2"], ["n3"]]


def test_what_the_workers_nodes_must_carry_is_told_without_our_label() -> None:
    mine = {"nodeSelector": {"pool": "a"}, "worker": {"nodeSelector": {"b": "1"}}}
    for chart, wanted in ((OURS, {"pool": "a", "b": "1"}), (UPSTREAM, {"b": "1"})):
        final = values.compose(GOOD, chart, [Source("mine", mine)])
        assert placement.users_selector(GOOD, chart.family, final.effective) == wanted


def nodes(**labelled: bool) -> list[Json]:
    found = [node(name) for name in labelled]
    for item, has in zip(found, labelled.values(), strict=True):
        item["metadata"]["labels"].update(MARK if has else {})
    return found


def test_only_what_lacks_the_label_is_labelled_and_no_node_loses_it() -> None:
    plan = node_labels.plan(nodes(n1=True, n2=False, n3=True), KEY, ["n1", "n2"])
    assert plan.change == ("n2",)
    assert plan.others == ("n3",)
    again = node_labels.plan(nodes(n1=True, n2=True), KEY, ["n2", "n1"])
    assert (again.change, again.others) == ((), ())


def test_a_label_is_taken_only_from_the_nodes_that_are_named() -> None:
    plan = node_labels.plan(nodes(n1=True, n2=False, n3=True), KEY, ["n1", "n2"], present=False)
    assert plan.change == ("n1",)


def test_a_node_that_does_not_exist_is_named() -> None:
    with pytest.raises(CacheError, match="n9 is no node"):
        node_labels.plan(nodes(n1=True), KEY, ["n1", "n9"])


class Cluster:
    """Nodes that take a patch, or do not."""

    def __init__(self, status: int = 0, **labelled: bool) -> None:
        self.status, self.items = status, nodes(**labelled)
        self.patches: list[tuple[str, Json]] = []

    def list_objects(self, path: str) -> list[Json]:
        assert path == "/api/v1/nodes"
        return self.items

    def merge(self, path: str, patch: Json) -> Json:
        if self.status:
            raise ApiError(f"PATCH {path}", self.status, "forbidden")
        self.patches.append((path, patch))
        return {}


OPTIONS = {"namespace": "alluxio", "release": "alluxio", "nodes": ["n1", "n2"], "state": "present"}


def test_labels_are_set_and_a_node_that_left_the_group_is_told() -> None:
    cluster = Cluster(n1=True, n2=False, n3=True)
    result = action.label(cluster, OPTIONS, check_mode=False)  # type: ignore[arg-type]
    assert cluster.patches == [("/api/v1/nodes/n2", {"metadata": {"labels": MARK}})]
    assert result["changed"]
    assert "n2" in result["diff"][0]["after"]
    assert "n3" in result["warnings"][0]
    assert f"kubectl label node n3 {KEY}-" in result["warnings"][0]


def test_check_mode_and_a_second_run_set_none() -> None:
    cluster = Cluster(n1=True, n2=False)
    assert action.label(cluster, OPTIONS, check_mode=True)["changed"]  # type: ignore[arg-type]
    assert cluster.patches == []
    again = action.label(Cluster(n1=True, n2=True), OPTIONS, check_mode=False)  # type: ignore[arg-type]
    assert again == {"changed": False, "diff": [], "changed_nodes": [], "others": []}


def test_who_may_not_label_is_told_how_it_is_done_by_hand() -> None:
    with pytest.raises(CacheError) as failure:
        action.label(Cluster(403, n1=True, n2=False), OPTIONS, check_mode=False)  # type: ignore[arg-type]
    assert f"kubectl label node n2 {KEY}=worker" in failure.value.fix
