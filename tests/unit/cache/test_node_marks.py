"""What bootstrap-workers gave to a node goes with its worker, and nothing that was there before."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import node_labels as action
from ansible_collections.alluxops.cache.plugins.module_utils import node_labels, node_marks
from ansible_collections.alluxops.cache.plugins.module_utils.node_marks import Given
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError
from tests.unit.cache.kube_objects import node

Json = dict[str, Any]

KEY = node_labels.worker_key("alluxio", "alluxio")
OTHER = node_labels.worker_key("alluxio", "other")
OWN = {"key": "own", "value": "cache", "effect": "NoSchedule"}
THEIRS = {"key": "theirs", "effect": "NoExecute"}
WANTED = Given({"pool": "a"}, [OWN])


def one(
    *taints: Json, annotations: Json | None = None, labels: Json | None = None, **more: str
) -> Json:
    found = node("n4", taints=list(taints))
    found["metadata"]["labels"] = {**(labels or {}), **more}
    found["metadata"]["annotations"] = dict(annotations or {})
    return found


def merged(item: Json, patch: Json) -> Json:
    """A node after a merge patch, as the API server does it."""
    metadata = dict(item["metadata"])
    for part, changes in patch.get("metadata", {}).items():
        if part == "resourceVersion":
            assert changes == metadata[part]
            continue
        after = {**metadata.get(part, {}), **changes}
        metadata[part] = {key: value for key, value in after.items() if value is not None}
    return {**item, "metadata": metadata, "spec": {**item["spec"], **patch.get("spec", {})}}


def arrived(
    item: Json, wanted: Given = WANTED, key: str = KEY, *, joined: bool = False, label: bool = True
) -> Json:
    """A node after bootstrap-workers."""
    notes = node_marks.at_arrival(item, key, wanted, joined=joined)
    spec = {"taints": [*item["spec"].get("taints", []), *wanted.taints]}
    labels = {**wanted.labels, **({key: "worker"} if label else {})}
    return merged(item, {"metadata": {"labels": labels, "annotations": notes}, "spec": spec})


def left(item: Json, settings: Given | None = None, key: str = KEY) -> Json:
    """A node after remove-workers."""
    return merged(item, node_marks.at_leave(item, key, settings or Given(), uncleaned=False))


def test_what_was_given_goes_and_the_node_is_as_it_was() -> None:
    before = one(THEIRS, zone="x")
    after = left(arrived(before))
    assert after["metadata"] == before["metadata"]
    assert after["spec"]["taints"] == [THEIRS]
    assert node_marks.at_leave(after, KEY, WANTED, uncleaned=False) == {}


def test_what_was_there_before_stays() -> None:
    after = left(arrived(one(OWN, pool="a")), WANTED)
    assert after["metadata"]["labels"] == {"pool": "a"}
    assert OWN in after["spec"]["taints"]


def test_a_second_bootstrap_changes_no_note_and_follows_a_changed_setting() -> None:
    worker = arrived(one())
    assert node_marks.at_arrival(worker, KEY, WANTED, joined=False) == {}
    changed = arrived(worker, Given({"pool": "b", "disk": "ssd"}))
    assert node_marks.going(changed, KEY, Given()).words == (
        "disk=ssd",
        "pool=b",
        "taint own=cache:NoSchedule",
    )


def test_the_taints_that_a_node_joined_with_are_ours() -> None:
    kubelet_s = one(OWN)
    assert node_marks.noted(arrived(kubelet_s), KEY) == Given({"pool": "a"}, [])
    joined = arrived(kubelet_s, joined=True)
    assert node_marks.noted(joined, KEY) == WANTED


def test_what_somebody_has_changed_since_stays() -> None:
    worker = arrived(one())
    worker["metadata"]["labels"]["pool"] = "mine"
    worker["spec"]["taints"] = [{**OWN, "value": "mine"}]
    after = left(worker)
    assert after["metadata"]["labels"] == {"pool": "mine"}
    assert after["spec"]["taints"] == [{**OWN, "value": "mine"}]


def test_what_another_cache_s_worker_got_too_goes_with_the_last() -> None:
    both = arrived(arrived(one()), key=OTHER)
    first = left(both)
    assert first["metadata"]["labels"] == {"pool": "a", OTHER: "worker"}
    assert first["spec"]["taints"][0] == OWN
    second = left(first, key=OTHER)
    assert (second["metadata"]["labels"], second["spec"]["taints"]) == ({}, [])


def test_without_a_note_the_settings_say_it() -> None:
    old = one(OWN, THEIRS, labels={"pool": "a", KEY: "worker"})
    assert node_marks.at_arrival(old, KEY, WANTED, joined=False) == {}
    after = left(old, WANTED)
    assert (after["metadata"]["labels"], after["spec"]["taints"]) == ({}, [THEIRS])
    # Not where its worker went before, nor beside another cache's.
    assert node_marks.going(one(OWN, pool="a"), KEY, WANTED) == Given({}, [])
    beside = one(OWN, labels={"pool": "a", KEY: "worker", OTHER: "worker"})
    assert node_marks.going(beside, KEY, WANTED) == Given({}, [])


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"labels": 1, "taints": []}', "{}"])
def test_a_note_that_is_not_ours_is_none(text: str) -> None:
    assert node_marks.noted(one(annotations={f"given.{KEY}": text}), KEY) is None


def test_that_a_node_is_to_be_cleaned_is_noted_with_the_label_s_going_until_it_is() -> None:
    worker = one(labels={KEY: "worker"})
    assert not node_marks.is_uncleaned(worker, KEY)
    patch = node_marks.at_leave(worker, KEY, Given(), uncleaned=True)
    assert patch["metadata"]["labels"] == {KEY: None}
    after = merged(worker, patch)
    assert node_marks.is_uncleaned(after, KEY)
    assert not node_marks.is_uncleaned(after, OTHER)
    assert node_marks.at_leave(after, KEY, Given(), uncleaned=True) == {}
    clean = merged(after, node_marks.cleaned(after, KEY))
    assert not node_marks.is_uncleaned(clean, KEY)
    assert node_marks.cleaned(clean, KEY) == {}
    # A worker that comes back has blocks that nobody has copied.
    back = arrived(after, Given())
    assert not node_marks.is_uncleaned(back, KEY)


class Cluster:
    """An API of one node."""

    def __init__(self, item: Json) -> None:
        self.item = item
        self.meanwhile: list[Json] = []
        """Taints that a controller sets after the first look."""

    def list_objects(self, _path: str, *, fields: str = "") -> list[Json]:
        assert fields in {"", "metadata.name=n4"}
        return [copy.deepcopy(self.item)]

    def merge(self, path: str, patch: Json) -> None:
        if self.meanwhile:
            self.item["spec"]["taints"] += self.meanwhile
            self.item["metadata"]["resourceVersion"] = "2"
            self.meanwhile = []
        version = self.item["metadata"]["resourceVersion"]
        if patch["metadata"].get("resourceVersion", version) != version:
            raise ApiError(f"PATCH {path}", 409, "the object has been modified")
        self.item = merged(self.item, patch)


def label(kube: Cluster, state: str, *, check_mode: bool = False) -> Json:
    options: Json = {"namespace": "alluxio", "release": "alluxio", "nodes": ["n4"], "state": state}
    options |= {"uncleaned": ["n4"], "labels": {}, "taints": []}
    return action.label(kube, options, check_mode=check_mode)  # type: ignore[arg-type]


def test_the_label_s_task_takes_all_and_a_label_that_comes_back_ends_the_note() -> None:
    kube = Cluster(arrived(one(THEIRS)))
    dry = label(kube, "absent", check_mode=True)
    (diff,) = dry["diff"]
    assert diff["before"] == f"n4: pool=a\nn4: {KEY}=worker\nn4: taint own=cache:NoSchedule\n"
    assert node_labels.carries(kube.item, KEY)
    assert label(kube, "absent")["changed_nodes"] == ["n4"]
    assert kube.item["metadata"]["labels"] == {}
    assert kube.item["spec"]["taints"] == [THEIRS]
    assert node_marks.is_uncleaned(kube.item, KEY)
    assert not label(kube, "absent")["changed"]
    label(kube, "present")
    assert node_labels.carries(kube.item, KEY)
    assert not node_marks.is_uncleaned(kube.item, KEY)


def test_a_taint_that_comes_while_ours_go_stays() -> None:
    kube = Cluster(arrived(one()))
    kube.meanwhile = [THEIRS]
    assert label(kube, "absent")["changed_nodes"] == ["n4"]
    assert kube.item["spec"]["taints"] == [THEIRS]
    assert kube.item["metadata"]["labels"] == {}
