"""The inner part of the topic `fleet`, run in a sealed world by topic.py: python -m tests.bench.fleet PLAN ANSWER.

PLAN is JSON text: hosts, rounds, node_root, pyinfra. The answer is JSON too: a list of takes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.fleet.hosts import Fleet
from tools.repository import ROOT

HERE = Path(__file__).parent
STORAGE = "/mnt/fuse3"
SETTINGS = {
    "node_storage_root": STORAGE,
    "alluxio_namespace": "alluxio",
    "alluxio_release": "alluxio",
    "min_memory_bytes": 1 << 30,
}
DIRECTORIES = ("domain", "tier0")
LEFT_BEHIND = (STORAGE, "/root/.ansible", "/tmp")

OURS, PLAIN, PLAIN_TUNED, PYINFRA = "ours", "plain", "plain, our ansible.cfg", "pyinfra"
CLOSING_S = 20
NO_PERSISTENCE = "-o ControlMaster=no"


@dataclass(frozen=True)
class Way:
    """One way to do the work. environment: over ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Take:
    """One run of a way over hosts that had nothing.

    processor_s: of the controller and of all hosts together. connections, sessions: at most, per host.
    """

    name: str
    seconds: float
    processor_s: float
    connections: int
    sessions: int


def tuned(forks: int, *, pipelining: bool, persistence: bool = True) -> tuple[str, dict[str, str]]:
    """A name and the environment for other settings than ansible.cfg has."""
    words = [f"forks {forks}", "pipelining" if pipelining else "no pipelining"]
    environment = {"ANSIBLE_FORKS": str(forks), "ANSIBLE_PIPELINING": str(pipelining)}
    if not persistence:
        words.append("no ControlPersist")
        environment["ANSIBLE_SSH_ARGS"] = NO_PERSISTENCE
    return ", ".join(words), environment


def ways(folder: Path, fleet: Fleet, pyinfra: Path) -> list[Way]:
    """Those that are compared, with their inventories written."""
    inventory = str(fleet.inventory(folder / "hosts.json", SETTINGS))
    hosts = str(fleet.pyinfra_inventory(folder / "hosts.py"))
    bare = folder / "bare.cfg"
    bare.write_text("[defaults]\nnocows = True\n", encoding="utf-8")
    ours = ["ansible-playbook", "-i", inventory, str(HERE / "ours.yml")]
    plain = ["ansible-playbook", "-i", inventory, str(HERE / "plain.yml")]
    deploy = [str(pyinfra / "bin" / "pyinfra"), "--yes", hosts, str(HERE / "with_pyinfra.py")]
    return [
        Way(OURS, ours, {}),
        Way(PYINFRA, deploy, {}),
        Way(PLAIN, plain, {"ANSIBLE_CONFIG": str(bare)}),
        Way(PLAIN_TUNED, plain, {}),
    ]


def settings_of(ours: Way) -> list[Way]:
    """Our way with other settings of ansible.cfg."""
    found = [tuned(forks, pipelining=on) for forks in (5, 20, 50) for on in (True, False)]
    found.append(tuned(20, pipelining=True, persistence=False))
    return [Way(name, ours.command, environment) for name, environment in found]


def take(fleet: Fleet, way: Way) -> Take:
    """Run it over hosts as they were at first, over new connections, and see that the work was done.

    Raises:
        RuntimeError: it failed, or left a host without its directories.
    """
    fleet.renew(LEFT_BEHIND)
    with tempfile.TemporaryDirectory() as sockets:
        environment = {**os.environ, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, **way.environment}
        used = _processor_s(fleet)
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
        _close(fleet, Path(sockets))
        used = _processor_s(fleet) - used
    lacking = [host.name for host in fleet.hosts if not is_done(host.root)]
    if done.returncode or lacking:
        said = "\n".join(done.stdout.splitlines()[-40:])
        raise RuntimeError(f"{way.name}: exit {done.returncode}, not done on {lacking}:\n{said}")
    trips = fleet.trips()
    taken = Take(way.name, seconds, used, trips.connections, trips.sessions)
    print(
        f"{way.name}: {seconds:.1f} s, {used:.1f} s of processors, {trips.connections} connections and {trips.sessions}"
        " commands a host",
        flush=True,
    )
    return taken


def _processor_s(fleet: Fleet) -> float:
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + fleet.processor_s()


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
    release = root / STORAGE.lstrip("/") / "alluxio" / "alluxio"
    stats = [path.stat() for name in DIRECTORIES if (path := release / name).is_dir()]
    return [(one.st_uid, one.st_gid, one.st_mode & 0o7777) for one in stats] == [
        (1000, 1000, 0o750)
    ] * len(DIRECTORIES)


def main(plan: Mapping[str, Any], answer: Path) -> None:
    """Take all ways in turns, then ours with other settings."""
    folder = Path(tempfile.mkdtemp(dir=answer.parent))
    place = folder / "fleet"
    place.mkdir()
    fleet = Fleet(place, Path(plan["node_root"]), int(plan["hosts"]))
    compared = ways(folder, fleet, Path(plan["pyinfra"]))
    every = [*compared, *(settings_of(compared[0]) if plan["tunes"] else [])]
    takes = [take(fleet, way) for _ in range(int(plan["rounds"])) for way in every]
    answer.write_text(json.dumps([asdict(one) for one in takes]), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]), Path(sys.argv[2]))
    except RuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
