"""Properties that decide how long a cache with several masters is silent after its leader died.

What each costs is said in docs/runbooks/high-availability.md; how long it takes with them, `make bench` says.
"""

from __future__ import annotations

from typing import Final

SESSION: Final = "alluxio.zookeeper.session.timeout"
QUIET: Final = "alluxio.master.journal.tailer.shutdown.quiet.wait.time"
ELECTION_MIN: Final = "alluxio.master.embedded.journal.election.timeout.min"
ELECTION_MAX: Final = "alluxio.master.embedded.journal.election.timeout.max"

_CLIENTS: Final = {
    # A client asks the masters in turn which of them leads, and waits for each that does not answer: 30 s by default
    # for one on a node that is gone, longer than all the rest. So: all at once, not for long. While nobody leads, it
    # asks again only when each has answered or its time is up. (The address of a pod that is gone refuses; the master
    # that is made anew in its place takes connections seconds before its Java machine answers them.)
    "alluxio.user.master.polling.concurrent": "true",
    "alluxio.user.master.polling.timeout": "1sec",
    "alluxio.user.rpc.retry.max.sleep": "500ms",
    # A node that dies closes no connection: a call under way would be waited for for 60 s. gRPC takes no time below
    # 10 s. The timeout counts twice: after that time, and, as TCP's user timeout, for a request that the node has not
    # taken. Only the kernel's answer counts for the latter, so a long pause of the leader's JVM does not end it.
    "alluxio.user.network.rpc.keepalive.time": "10sec",
    "alluxio.user.network.rpc.keepalive.timeout": "3sec",
    # Servers cut off clients that ask for signs of life more often than this.
    "alluxio.master.network.permit.keepalive.time": "5sec",
    "alluxio.job.master.network.permit.keepalive.time": "5sec",
    "alluxio.worker.network.permit.keepalive.time": "5sec",
}
_MASTERS: Final = {
    # So long a new leader serves paths but no files, for its workers to come: 5 s by default. A worker that lost its
    # leader looks for the new one twice a second (see the retry above) and registers at once.
    "alluxio.master.worker.connect.wait.time": "2sec",
    # A leader that is told to end writes what its threads do to a file first, which its pod takes along: half a second
    # and more in which it still leads, and no other stands for election.
    "alluxio.exit.collect.info": "false",
}
_EMBEDDED: Final = {
    # A standby sleeps for a random time between the two, then looks: if it heard nothing of the leader for so long, it
    # stands for election, else it sleeps anew. So it takes up to twice the longer one. The shorter one is what a leader
    # may stall, and is not touched; the difference keeps two standbys apart, for which a second is plenty: the moments
    # at which they look differ anyway, and a round of votes takes milliseconds.
    ELECTION_MIN: "1500ms",
    ELECTION_MAX: "2500ms",
    # A standby that woke up later than this, 300 ms by default, takes its own JVM for the one that stalled and sleeps
    # once more, for seconds, as on a busy node. Standing for election in error costs nothing: the others still hear the
    # leader and deny the vote that comes before the election. (2.8 may not know it and passes over it.)
    "alluxio.master.embedded.journal.ratis.config.raft.server.sleep.deviation.threshold": "1s",
    # A master that joins and is not spoken to by the leader for so long asks for votes, is told that it belongs to no
    # quorum, and shuts its journal down. On a busy machine the leader needs seconds. It counts once after a start, so
    # a fail-over does not take longer by it; the start of all masters at once does.
    "alluxio.master.embedded.journal.ratis.config.raft.server.rpc.first-election.timeout.min": "10s",
    "alluxio.master.embedded.journal.ratis.config.raft.server.rpc.first-election.timeout.max": "12s",
    "alluxio.master.embedded.journal.catchup.retry.wait": "200ms",
}
_ZOOKEEPER: Final = {
    # Not less than two ticks of the ensemble, which are 2 s each in ours.
    SESSION: "4s",
    "alluxio.zookeeper.connection.timeout": "3s",
    # A leader that lost the ensemble notices it up to two thirds of a session after the ensemble gave its place away,
    # and has to stop writing then; the new one must see the journal quiet for longer than that.
    QUIET: "3500ms",
}
_BY_MODE: Final = {"embedded": _EMBEDDED, "zookeeper": _ZOOKEEPER}


def properties(masters: int, ha: str) -> dict[str, str]:
    """The properties for this number of masters and this alluxio_ha; the user's values win over them."""
    if masters == 1:
        return {}
    return {**_CLIENTS, **_MASTERS, **_BY_MODE.get(ha, {})}
