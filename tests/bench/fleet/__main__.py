"""The inner part of the topic `fleet`, run in a sealed world by topic.py: python -m tests.bench.fleet PLAN ANSWER.

PLAN is JSON text: hosts, rounds, node_root, pyinfra, forks. The answer is JSON too: a list of takes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.fleet import ways
from tests.bench.fleet.hosts import Fleet
from tools.repository import ROOT

DIRECTORIES = ("domain", "tier0")
LEFT_BEHIND = (ways.STORAGE, "/root/.ansible", "/tmp")
CLOSING_S = 20


@dataclass(frozen=True)
class Take:
    """One run of a way over hosts that had nothing.

    processor_s: of the controller and of all hosts together. controller_s: of it alone.
    connections, sessions: at most, per host.
    """

    name: str
    seconds: float
    processor_s: float
    controller_s: float
    connections: int
    sessions: int


def take(fleet: Fleet, way: ways.Way) -> Take:
    """Run it over hosts as they were at first, over new connections, and see that the work was done.

    Raises:
        RuntimeError: it failed, or left a host without its directories.
    """
    fleet.renew(LEFT_BEHIND)
    with tempfile.TemporaryDirectory() as sockets:
        environment = {**os.environ, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, **way.environment}
        mine, theirs = _controller_s(), fleet.processor_s()
        began = time.monotonic()
        done = subprocess.run(
            way.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        mine = _controller_s() - mine
        _close(fleet, Path(sockets))
        theirs = fleet.processor_s() - theirs
    lacking = [host.name for host in fleet.hosts if way.works and not is_done(host.root)]
    if done.returncode or lacking:
        said = "\n".join(done.stdout.splitlines()[-40:])
        raise RuntimeError(f"{way.name}: exit {done.returncode}, not done on {lacking}:\n{said}")
    trips = fleet.trips()
    taken = Take(way.name, seconds, mine + theirs, mine, trips.connections, trips.sessions)
    print(
        f"{way.name}: {seconds:.1f} s, processors {mine:.1f} s here and {theirs:.1f} s on hosts,"
        f" {trips.connections} connections and {trips.sessions}"
        " commands a host",
        flush=True,
    )
    return taken


def _controller_s() -> float:
    """Seconds of processor time of what has been run here; the hosts are no children that have ended."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime


def _close(fleet: Fleet, sockets: Path) -> None:
    """End the connections that ControlPersist keeps, and wait until the hosts have noticed."""
    for path in sockets.iterdir():
        command = ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "host"]
        subprocess.run(command, capture_output=True, check=False)
    deadline = time.monotonic() + CLOSING_S
    while fleet.is_connected() and time.monotonic() < deadline:
        time.sleep(0.1)


def is_done(root: Path) -> bool:
    """Whether a host has the directories with owner and mode."""
    release = root / ways.STORAGE.lstrip("/") / "alluxio" / "alluxio"
    stats = [path.stat() for name in DIRECTORIES if (path := release / name).is_dir()]
    return [(one.st_uid, one.st_gid, one.st_mode & 0o7777) for one in stats] == [
        (1000, 1000, 0o750)
    ] * len(DIRECTORIES)


def main(plan: Mapping[str, Any], answer: Path) -> None:
    """Take all ways in turns, then ours with other settings."""
    folder = Path(tempfile.mkdtemp())
    place = folder / "fleet"
    place.mkdir()
    fleet = Fleet(place, Path(plan["node_root"]), int(plan["hosts"]))
    compared = ways.compared(folder, fleet, Path(plan["pyinfra"]))
    every = [*compared, *ways.settings_of(compared[0], plan["forks"])]
    takes = [take(fleet, way) for _ in range(int(plan["rounds"])) for way in every]
    answer.write_text(json.dumps([asdict(one) for one in takes]), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]), Path(sys.argv[2]))
    except RuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
