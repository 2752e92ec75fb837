"""Properties that decide how long a cache with several masters is silent after its leader died.

What each costs is said in docs/runbooks/high-availability.md; how long it takes with them, `make bench` says.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings

_CLIENTS: Final = {
    # A client asks the masters in turn which of them leads, and waits for each that does not answer: 30 s by default
    # for the address of a pod that is gone, longer than all the rest. So: all at once, and not for long.
    "alluxio.user.master.polling.concurrent": "true",
    "alluxio.user.master.polling.timeout": "2sec",
    "alluxio.user.rpc.retry.max.sleep": "500ms",
    # A node that dies closes no connection: a call under way would be waited for for 60 s.
    "alluxio.user.network.rpc.keepalive.time": "10sec",
    "alluxio.user.network.rpc.keepalive.timeout": "5sec",
    # Servers cut off clients that ask for signs of life more often than this.
    "alluxio.master.network.permit.keepalive.time": "5sec",
    "alluxio.job.master.network.permit.keepalive.time": "5sec",
    "alluxio.worker.network.permit.keepalive.time": "5sec",
}
_EMBEDDED: Final = {
    # A standby that heard nothing of the leader for a random time between the two stands for election.
    "alluxio.master.embedded.journal.election.timeout.min": "2s",
    "alluxio.master.embedded.journal.election.timeout.max": "4s",
    "alluxio.master.embedded.journal.catchup.retry.wait": "200ms",
}
_ZOOKEEPER: Final = {
    # Not less than two ticks of the ensemble, which are 2 s each in ours.
    "alluxio.zookeeper.session.timeout": "5s",
    "alluxio.zookeeper.connection.timeout": "3s",
    # A leader that lost the ensemble notices it up to two thirds of a session after the ensemble gave its place away;
    # the new one must see the journal quiet for longer than that.
    "alluxio.master.journal.tailer.shutdown.quiet.wait.time": "4s",
}
_BY_MODE: Final = {"embedded": _EMBEDDED, "zookeeper": _ZOOKEEPER}


def properties(settings: Settings) -> dict[str, str]:
    """The properties for this number of masters and this HA mode; the user's values win over them."""
    if settings.masters == 1:
        return {}
    return {**_CLIENTS, **_BY_MODE.get(settings.ha, {})}
