"""One setting of the cache has one value, whichever host is asked."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils.host_variables import Value, faults


def said(name: str, **values: Value) -> list[str]:
    return [str(fault) for fault in faults({name: values}, ["c"], ["alluxio_root_ufs_credentials"])]


def test_equal_values_are_no_fault_whether_written_or_default() -> None:
    assert said("node_storage_root", c=Value("/a", is_set=False), n1=Value("/a", "x:1")) == []


def test_a_nodes_name_is_its_own() -> None:
    assert said("alluxio_node_name", c=Value("c"), n1=Value("n1")) == []
    assert said("bootstrap_workers_join", n4=Value(True), n1=Value(False)) == []


def test_both_values_are_told_with_their_places() -> None:
    (fault,) = said("node_storage_root", c=Value("/a", is_set=False), n1=Value("/b", "x:1"))
    assert "node_storage_root is its default '/a' for c, and '/b' for n1 (x:1)." in fault
    assert "group_vars/all" in fault


def test_helm_is_kube_controls_and_a_setting_of_it_elsewhere_would_do_nothing() -> None:
    default = Value("4.3.1", is_set=False)
    assert said("helm_version", n1=default, c=Value("4.3.0"), n2=default) == []
    (fault,) = said("helm_version", n1=Value("4.3.0"), c=default)
    assert "is its default '4.3.1' for c, and '4.3.0' for n1" in fault
    assert "no effect" in fault


def test_what_concerns_new_workers_may_stand_with_them_alone() -> None:
    default = Value("", is_set=False)
    name = "bootstrap_workers_labels"
    assert said(name, n4=Value("a"), c=default, n1=default) == []
    assert said(name, c=default, n4=Value("a"), n5=Value("b")) != []


def test_long_values_are_cut_and_secrets_are_not_shown() -> None:
    (fault,) = said("alluxio_values", c=Value({"a": "b" * 200}), n1=Value({}))
    assert "b" * 61 not in fault
    (hidden,) = said(
        "alluxio_root_ufs_credentials", c=Value({}), n1=Value({"secretKey": "hunter2"})
    )
    assert "hunter2" not in hidden
