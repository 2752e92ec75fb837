"""The properties that make a cache with several masters serve again soon after its leader died."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import (
    failover,
    failover_check,
    values,
)
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_seconds
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from tests.unit.cache.settings_cases import with_
from tools.repository import ROOT

ELECTION = failover.ELECTION_MAX
SESSION = failover.SESSION
RESERVE_S = 0.5
"""For a leader that has just noticed, to stop writing."""
OURS = values.Chart("alluxio", "0.1.0", "ours")


def test_one_master_has_nobody_to_hand_over_to() -> None:
    assert failover.properties(1, "none") == {}


@pytest.mark.parametrize(
    ("ha", "has", "has_not"), [("embedded", ELECTION, SESSION), ("zookeeper", SESSION, ELECTION)]
)
def test_each_mode_has_timeouts_of_its_own(ha: str, has: str, has_not: str) -> None:
    found = failover.properties(3, ha)
    assert has in found
    assert has_not not in found
    assert found["alluxio.user.master.polling.concurrent"] == "true"


def seconds(text: str) -> float:
    """A property's time, which must be one to Alluxio."""
    found = alluxio_seconds(text)
    assert found is not None, text
    return found


def test_servers_permit_the_signs_of_life_that_clients_ask_for() -> None:
    found = failover.properties(3, "embedded")
    asked = seconds(found["alluxio.user.network.rpc.keepalive.time"])
    for server in ("master", "job.master", "worker"):
        assert seconds(found[f"alluxio.{server}.network.permit.keepalive.time"]) < asked


@pytest.mark.parametrize("ha", ["embedded", "zookeeper"])
def test_a_new_leader_waits_for_its_workers_for_several_of_their_tries(ha: str) -> None:
    found = failover.properties(3, ha)
    between = seconds(found["alluxio.user.rpc.retry.max.sleep"])
    assert 4 * between <= seconds(found["alluxio.master.worker.connect.wait.time"]) < 5


def test_grpc_takes_no_signs_of_life_more_often_than_every_ten_seconds() -> None:
    found = failover.properties(3, "embedded")
    assert seconds(found["alluxio.user.network.rpc.keepalive.time"]) >= 10


def test_a_standby_stands_for_election_in_time_though_its_node_is_busy() -> None:
    found = failover.properties(3, "embedded")
    shortest = seconds(found[ELECTION.replace("max", "min")])
    longest = seconds(found[ELECTION])
    late = seconds(
        found["alluxio.master.embedded.journal.ratis.config.raft.server.sleep.deviation.threshold"]
    )
    assert shortest < longest
    # It may just have looked when the leader died; the rest of the 10 s is for the new leader and its clients.
    assert 2 * longest + late <= 6


def test_a_master_that_joins_gives_a_busy_leader_time_to_speak_to_it() -> None:
    found = failover.properties(3, "embedded")
    first = "alluxio.master.embedded.journal.ratis.config.raft.server.rpc.first-election.timeout."
    assert 10 <= seconds(found[f"{first}min"]) < seconds(found[f"{first}max"])


def test_a_new_leader_outwaits_one_that_has_lost_the_ensemble() -> None:
    found = failover.properties(3, "zookeeper")
    quiet = seconds(found[failover.QUIET])
    assert quiet >= 2 / 3 * seconds(found[SESSION]) + RESERVE_S
    assert seconds(found["alluxio.zookeeper.connection.timeout"]) < seconds(found[SESSION])


def test_our_ensemble_grants_the_session_that_masters_ask_for() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "zookeeper" / "values.yaml").read_text())
    assert chart["tickTime"] == failover_check.TICK_MS
    session = seconds(failover.properties(3, "zookeeper")[SESSION])
    assert session >= 2 * failover_check.TICK_MS / 1000


def cut_off(session: int, writes: str) -> str:
    """How long a leader without its place may write, in seconds, with a session of so many."""
    return (
        f"With the {session} s that the ensemble grants for a session,"
        f" a leader that is cut off may write for {writes} s"
    )


@pytest.mark.parametrize(
    ("ha", "properties", "changes", "what"),
    [
        (
            "zookeeper",
            {SESSION: "20s"},
            {},
            cut_off(20, "13.3"),
        ),
        (
            "zookeeper",
            {failover.QUIET: "2s"},
            {},
            cut_off(4, "2.7"),
        ),
        (
            "zookeeper",
            {SESSION: "4s"},
            {"tickTime": 3000},
            cut_off(6, "4.0"),
        ),
        (
            "zookeeper",
            {SESSION: "4s"},
            {"config": {"minSessionTimeout": 20000}},
            cut_off(20, "13.3"),
        ),
        (
            "zookeeper",
            {SESSION: "90s"},
            {},
            cut_off(40, "26.7"),
        ),
        (
            "zookeeper",
            {SESSION: "90s"},
            {"config": {"maxSessionTimeout": 60000}},
            cut_off(60, "40.0"),
        ),
        ("zookeeper", {failover.QUIET: "2s"}, {"tickTime": "3s"}, "With the 4 s that"),
        ("embedded", {failover.ELECTION_MIN: "5s"}, {}, "a random time between the two"),
    ],
)
def test_times_that_do_not_fit_one_another_are_refused(
    ha: str, properties: dict[str, str], changes: dict[str, Any], what: str
) -> None:
    [fault] = fit(ha, properties, changes)
    assert what in fault
    assert f"{next(iter(properties))} is '{next(iter(properties.values()))}' (mine" in fault


@pytest.mark.parametrize(
    ("ha", "properties"),
    [
        ("zookeeper", {}),
        ("zookeeper", {SESSION: "20s", failover.QUIET: "14s"}),
        ("embedded", {}),
        ("embedded", {failover.ELECTION_MIN: "5s", ELECTION: "6s"}),
        ("none", {failover.ELECTION_MIN: "5s"}),
    ],
)
def test_times_that_fit_pass(ha: str, properties: dict[str, str]) -> None:
    assert fit(ha, properties) == []


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (
            {"master": {"properties": {SESSION: "20s"}}},
            f"master.properties.{SESSION} is '20s' (mine",
        ),
        (
            {"master": {"jvmOptions": ["-Xmx1g", f"-D{SESSION}=20s"]}},
            f"master.jvmOptions: -D{SESSION} is '20s' (mine",
        ),
        ({"jvmOptions": f"-D{SESSION}=20s -ea"}, f"jvmOptions: -D{SESSION} is '20s' (mine"),
        (
            {"properties": {SESSION: "4s"}, "master": {"properties": {SESSION: "20s"}}},
            f"master.properties.{SESSION} is '20s' (mine",
        ),
    ],
)
def test_a_time_is_read_wherever_masters_read_it(given: dict[str, Any], what: str) -> None:
    [fault] = of_values("zookeeper", given)
    assert what in fault
    assert f"set {failover.QUIET} to 14s or more in alluxio_values." in fault


@pytest.mark.parametrize(
    ("ha", "given", "told"),
    [
        ("zookeeper", {SESSION: None}, f"{SESSION} is null (mine), which leaves Alluxio's 60 s"),
        (
            "zookeeper",
            {SESSION: "20s", failover.QUIET: None},
            f"{failover.QUIET} is null (mine), which leaves Alluxio's 5 s",
        ),
        (
            "embedded",
            {failover.ELECTION_MIN: None},
            f"{failover.ELECTION_MIN} is null (mine), which leaves Alluxio's 10 s",
        ),
    ],
)
def test_a_null_leaves_alluxios_own_time(ha: str, given: dict[str, Any], told: str) -> None:
    [fault] = of_values(ha, {"properties": given})
    assert told in fault
    assert "remove the null (" in fault


def test_what_masters_do_not_read_counts_for_nothing() -> None:
    assert of_values("zookeeper", {"worker": {"properties": {SESSION: "20s"}}}) == []
    own = {"properties": {SESSION: "20s"}, "master": {"properties": {SESSION: "4s"}}}
    assert of_values("zookeeper", own) == []


def fit(ha: str, properties: dict[str, str], changes: dict[str, Any] | None = None) -> list[str]:
    """What is told of these properties, with these values of the ensemble."""
    return of_values(ha, {"properties": properties}, changes)


def of_values(ha: str, data: dict[str, Any], changes: dict[str, Any] | None = None) -> list[str]:
    """What is told of these values, with these of the ensemble."""
    masters = 1 if ha == "none" else 3
    settings = with_(masters=masters, ha=ha, zookeeper_values=changes or {})
    sources = [Source("mine", data)]
    found = values.compose(settings, OURS, sources).effective
    return [str(fault) for fault in failover_check.faults(settings, sources, found)]


def test_the_user_has_the_last_word() -> None:
    mine = Source("mine", {"properties": {ELECTION: "20s"}})
    given = values.compose(with_(masters=3, ha="embedded"), OURS, [mine]).given
    assert given["properties"][ELECTION] == "20s"
    assert given["properties"]["alluxio.user.master.polling.timeout"] == "1sec"
