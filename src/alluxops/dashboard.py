"""`alluxops dashboard`: the leader's web pages on this machine, for as long as the command runs."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alluxops.errors import ClusterError
from alluxops.forward import LOOPBACK, Forwarder, LeaderWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from alluxops.cluster import Cluster, Master

DEFAULT_PORT = 19999
PAGES = ("/", "/overview", "/metrics")
DATA = ("/metrics/json/", "/metrics/prometheus/", "/api/v1/master/info")
PROBE_TIMEOUT_S = 15.0
WATCH_EVERY_S = 3.0


@dataclass(frozen=True)
class Answer:
    """What a URL path answered: HTTP status (0: nothing) and body."""

    path: str
    status: int
    body: bytes


def probe(port: int, path: str) -> Answer:
    """Ask for a path through the forward."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Accept": "*/*"})
        response = connection.getresponse()
        return Answer(path, response.status, response.read())
    except (OSError, http.client.HTTPException):
        return Answer(path, 0, b"")
    finally:
        connection.close()


def answering(answers: list[Answer]) -> list[str]:
    """The paths worth opening.

    Alluxio's pages are one page that shows what its path says; asked for such a path, the server sends that page with
    status 404, and the browser shows it all the same.
    """
    index = next(
        (answer.body for answer in answers if answer.path == "/" and answer.status == 200), b""
    )
    return [
        answer.path
        for answer in answers
        if answer.status == 200 or (index and answer.status == 404 and answer.body == index)
    ]


def describe(port: int, leader: Master, paths: list[str]) -> list[str]:
    """What is told once the forward stands."""
    base = f"http://{LOOPBACK}:{port}"
    where = f"{leader.pod} on {leader.node}"
    lines = [f"{base} leads to {where}, the leader; open on this machine only."]
    lines += [f"  {base}{path}" for path in paths]
    if not set(PAGES) & set(paths):
        lines.append(
            "The image has no web pages (the official one has): only these addresses answer."
        )
    if not paths:
        lines[-1] = "Nothing answers there yet."
    return [*lines, "Ctrl-C ends it."]


def serve(cluster: Cluster, port: int, say: Callable[[str], None], stop: threading.Event) -> None:
    """Forward until stop is set. Raises UsageError (port taken) or ClusterError (no leader)."""
    announced = threading.Event()

    def changed(leader: Master | None) -> None:
        if announced.is_set():
            say(
                f"The leader is now {leader.pod} on {leader.node}."
                if leader
                else "No master leads right now."
            )

    watch = LeaderWatch(cluster, changed)
    leader = watch.current()
    if leader is None:
        masters = ", ".join(
            f"{master.pod} on {master.node or 'no node'}" for master in cluster.masters()
        )
        raise ClusterError(
            "no master serves its web port.",
            cause=f"Masters found: {masters}; none answers as the leader.",
            fix="`alluxops status` says what is wrong with them; a master that has just started needs some seconds.",
        )
    with Forwarder(port, cluster, watch) as forwarder:
        threading.Thread(
            target=forwarder.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        ).start()
        try:
            answers = [probe(forwarder.port, path) for path in (*PAGES, *DATA)]
            for line in describe(forwarder.port, leader, answering(answers)):
                say(line)
            announced.set()
            while not stop.wait(WATCH_EVERY_S):
                watch.current()
        finally:
            forwarder.shutdown()
