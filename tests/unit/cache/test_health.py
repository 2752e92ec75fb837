"""A cache is healthy when pods are ready, a master serves, and it knows every worker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import pod_facts
from ansible_collections.alluxops.cache.plugins.module_utils.health import (
    Expected,
    Leader,
    Seen,
    awaited,
    ghosts,
    parse_leader,
    problems,
    registered,
    report,
    verify_problems,
)
from tests.unit.cache.kube_objects import container, fixture, pod

Json = dict[str, Any]

EXPECTED = Expected(1, ("n1", "n2"))


def info(*hosts: str, contact_s: int = 1, lost: tuple[str, ...] = ()) -> str:
    """What /api/v1/master/info answers, of it what is read."""

    def entry(host: str) -> Json:
        return {
            "address": {"host": host, "containerHost": "", "rpcPort": 29999},
            "capacityBytes": 536870912,
            "usedBytes": 1024,
            "lastContactSec": contact_s,
            "state": "LIVE",
        }

    return json.dumps(
        {
            "version": "2.9.6",
            "workers": [entry(h) for h in hosts],
            "lostWorkers": [entry(h) for h in lost],
        }
    )


def leader(*hosts: str, contact_s: int = 1, lost: tuple[str, ...] = ()) -> Leader:
    found = parse_leader("alluxio-master-0", info(*hosts, contact_s=contact_s, lost=lost))
    assert found is not None
    return found


MASTER = pod_facts(pod("alluxio-master-0", "alluxio-master", "n1"))
WORKERS = [pod_facts(pod(f"alluxio-worker-{n}", "alluxio-worker", n)) for n in ("n1", "n2")]
SETTLED = {"name": "alluxio-master", "settled": True}


def seen(pods: list[Json] | None = None, who: Leader | None = None, **sets: Any) -> Seen:
    return Seen([MASTER, *WORKERS] if pods is None else pods, who, **sets)


ALL_KNOWN = leader("10.0.0.1", "10.0.0.2")


def test_nothing_is_awaited_of_a_cache_that_serves() -> None:
    assert awaited(seen(who=ALL_KNOWN), EXPECTED) == []
    assert problems(seen(who=ALL_KNOWN), EXPECTED) == []


def test_a_worker_behind_another_address_is_known_by_its_containers_own() -> None:
    assert awaited(seen(who=leader("10.1.0.1", "10.1.0.2")), EXPECTED) == []


def test_a_leader_that_still_names_a_worker_that_is_gone_is_no_illness() -> None:
    body = json.loads(info("10.0.0.1", "10.0.0.1", "10.0.0.2"))
    for worker, address in zip(body["workers"], ("10.1.0.99", "10.1.0.1"), strict=False):
        worker["address"]["containerHost"] = address
    look = seen(who=parse_leader("alluxio-master-0", json.dumps(body)))
    assert ghosts(look) == ["10.1.0.99"]
    assert awaited(look, EXPECTED) == []
    found = report(identity(), look, EXPECTED, [], None)
    assert found["healthy"]
    assert "still names workers that are gone: 10.1.0.99" in found["notes"][0]
    del body["workers"][1]
    look = seen(who=parse_leader("alluxio-master-0", json.dumps(body)))
    assert awaited(look, EXPECTED) == ["not registered with the leader: n1"]


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (seen(who=None), "no master serves yet"),
        (seen(who=leader("10.0.0.1")), "not registered with the leader: n2"),
        (
            seen(who=leader("10.0.0.1", "10.0.0.2", contact_s=120)),
            "not registered with the leader: n1, n2",
        ),
        (seen([MASTER, WORKERS[0]], ALL_KNOWN), "n2 has no worker"),
        (seen(WORKERS, ALL_KNOWN), "masters 0/1 ready"),
        (
            seen(who=ALL_KNOWN, masters_set={**SETTLED, "settled": False}),
            "alluxio-master is being updated",
        ),
    ],
    ids=[
        "no leader",
        "one unknown",
        "not heard of lately",
        "no pod",
        "no master pod",
        "old revision",
    ],
)
def test_what_is_awaited(look: Seen, said: str) -> None:
    missing = awaited(look, EXPECTED)
    assert any(said in item for item in missing), missing
    assert problems(look, EXPECTED)


def test_a_release_that_is_not_there_is_said_in_one_line() -> None:
    assert problems(seen([]), EXPECTED) == ["it is not installed; `alluxops site` installs it."]


def test_a_pod_that_is_half_ready_is_awaited_by_name() -> None:
    half = [container("alluxio-worker"), container("alluxio-job-worker", ready=False)]
    lagging = pod_facts(pod("alluxio-worker-n2", "alluxio-worker", "n2", half))
    assert awaited(seen([MASTER, WORKERS[0], lagging], ALL_KNOWN), EXPECTED) == [
        "workers 1/2 ready (n2 1/2)"
    ]


def test_a_pod_on_its_way_out_does_not_count() -> None:
    going = pod_facts(pod("alluxio-worker-n2", "alluxio-worker", "n2", deletionTimestamp="now"))
    assert "n2 has no worker" in awaited(seen([MASTER, WORKERS[0], going], ALL_KNOWN), EXPECTED)[0]


def test_a_worker_that_is_not_expected_is_not_asked_for() -> None:
    assert awaited(seen(who=leader("10.0.0.1")), Expected(1, ("n1",))) == []


def test_a_lost_worker_whose_pod_looks_fine_is_a_problem() -> None:
    look = seen(who=leader("10.0.0.1", lost=("10.0.0.2",)))
    assert problems(look, Expected(1, ("n1",))) == ["the leader has lost workers: 10.0.0.2."]


def test_a_lost_worker_that_another_pod_of_its_node_replaced_is_none() -> None:
    look = seen(who=leader("10.0.0.1", "10.0.0.2", lost=("10.0.0.2",)))
    assert problems(look, EXPECTED) == []


def test_a_lost_worker_of_a_node_long_gone_is_none() -> None:
    assert problems(seen(who=leader("10.0.0.1", "10.0.0.2", lost=("10.0.0.9",))), EXPECTED) == []


@pytest.mark.parametrize(
    "body", [None, "", "<html>", "{}", "[]", '{"workers": null, "version": "x"}']
)
def test_a_standbys_answer_is_no_leader(body: str | None) -> None:
    assert parse_leader("alluxio-master-1", body) is None


def test_the_leaders_real_answer_is_read() -> None:
    found = parse_leader("alluxio-master-0", json.dumps(fixture("master_info")))
    assert found is not None
    assert found.version == "2.9.6"
    assert len(found.workers) == 3
    assert all(worker.capacity_bytes == 536870912 for worker in found.workers)
    real = [pod_facts(item) for item in fixture("pods_serving")["items"]]
    workers = [item for item in real if item["role"] == "alluxio-worker"]
    assert len(workers) == 3
    assert all(registered(item, found) for item in workers)


def identity() -> Json:
    cluster = {"version": "1.34.4", "platform": "kubernetes", "nodes": []}
    return {"release": "alluxio", "namespace": "cache", "cluster": cluster}


def test_the_report_names_the_leader_and_sizes_in_bytes() -> None:
    masters = [MASTER, pod_facts(pod("alluxio-master-1", "alluxio-master", "n2"))]
    found = report(
        identity(), seen([*masters, *WORKERS], ALL_KNOWN), EXPECTED, ["/metrics/json/"], None
    )
    assert found["healthy"]
    assert [(m["pod"], m["role"]) for m in found["masters"]] == [
        ("alluxio-master-0", "leader"),
        ("alluxio-master-1", "standby"),
    ]
    assert found["workers"][1] == {
        "pod": "alluxio-worker-n2",
        "node": "n2",
        "ready": "2/2",
        "registered": True,
        "capacity_bytes": 536870912,
        "used_bytes": 1024,
        "reason": "",
    }
    assert found["wanted"] == {"masters": 1, "workers": 2}
    assert found["verify"] is None
    assert found["version"] == "2.9.6"


GOOD_PROOF: Json = {
    "run_tests": {"passed": 24, "total": 24, "failed": []},
    "write_read": {
        "writer": "n1",
        "reader": "n2",
        "digest_equal": True,
        "size_bytes": 100,
        "bytes_remote": 100,
        "bytes_ufs": 100,
        "persisted": True,
    },
    "consistency": {"path": "/", "inconsistent": []},
    "endpoints": ["/metrics/json/", "/api/v1/master/info"],
}


def test_good_proofs_are_no_problem() -> None:
    assert verify_problems(GOOD_PROOF) == []
    assert verify_problems(None) == []


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("run_tests", {"passed": 23}, "23 of 24"),
        ("write_read", {"digest_equal": False}, "read something else"),
        ("write_read", {"bytes_remote": 0}, "served 0"),
        ("write_read", {"bytes_ufs": 0}, "0 of 100 bytes from the under store"),
        (
            "consistency",
            {"inconsistent": ["/a"]},
            "1 path under / differs from the under store (/a)",
        ),
    ],
)
def test_a_proof_that_came_out_wrong_makes_the_cache_unhealthy(
    part: str, change: Json, said: str
) -> None:
    proof = {**GOOD_PROOF, part: {**GOOD_PROOF[part], **change}}
    found = report(identity(), seen(who=ALL_KNOWN), EXPECTED, [], proof)
    assert not found["healthy"]
    assert said in found["problems"][0]


def test_a_counter_that_misses_the_last_part_of_a_stream_is_believed() -> None:
    nearly = {
        **GOOD_PROOF["write_read"],
        "size_bytes": 4194304,
        "bytes_remote": 4129349,
        "bytes_ufs": 4128781,
    }
    assert verify_problems({**GOOD_PROOF, "write_read": nearly}) == []


def test_paths_that_differ_may_be_reported_only() -> None:
    consistency = {"path": "/", "inconsistent": ["/a"], "required": False}
    assert verify_problems({**GOOD_PROOF, "consistency": consistency}) == []


@pytest.mark.parametrize(
    ("answering", "silent"),
    [
        (["/api/v1/master/info"], "/metrics/json/"),
        (["/", "/metrics/json/"], "/api/v1/master/info"),
        ([], "/api/v1/master/info /metrics/json/"),
    ],
)
def test_a_web_port_that_does_not_answer_is_a_problem(answering: list[str], silent: str) -> None:
    proof = {**GOOD_PROOF, "endpoints": answering}
    assert verify_problems(proof) == [f"the leader's web port does not answer {silent}."]


def test_one_worker_alone_still_reads_from_the_under_store() -> None:
    alone = {**GOOD_PROOF["write_read"], "reader": "n1", "bytes_remote": 0}
    found = verify_problems({**GOOD_PROOF, "write_read": {**alone, "bytes_ufs": 0}})
    assert found == ["n1 read 0 of 100 bytes from the under store."]
    kept = {**alone, "bytes_ufs": 0, "persisted": False}
    assert verify_problems({**GOOD_PROOF, "write_read": kept}) == []


def test_one_worker_alone_needs_no_bytes_across_the_network() -> None:
    alone = {**GOOD_PROOF["write_read"], "reader": "n1", "bytes_remote": 0}
    assert verify_problems({**GOOD_PROOF, "write_read": alone}) == []
