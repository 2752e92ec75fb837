"""The properties that make a cache with several masters serve again soon after its leader died."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import failover, values
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from tests.unit.cache.settings_cases import with_

ELECTION = "alluxio.master.embedded.journal.election.timeout.max"
SESSION = "alluxio.zookeeper.session.timeout"
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
    """A duration as Alluxio writes it, in seconds."""
    number = float(text.rstrip("mesc"))
    return number / 1000 if text.endswith("ms") else number


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
    quiet = seconds(found["alluxio.master.journal.tailer.shutdown.quiet.wait.time"])
    assert quiet > 2 / 3 * seconds(found[SESSION])


def test_the_user_has_the_last_word() -> None:
    mine = Source("mine", {"properties": {ELECTION: "20s"}})
    given = values.compose(with_(masters=3, ha="embedded"), OURS, [mine]).given
    assert given["properties"][ELECTION] == "20s"
    assert given["properties"]["alluxio.user.master.polling.timeout"] == "1sec"
