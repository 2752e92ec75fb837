"""Fail-over as a client sees it: from the moment the leader is killed until a client's operation is answered again.

The client is a long-lived one (see tests/steady_client.py) that does two things side by side: it makes a directory,
which the journal must take, and asks for it (paths), and it writes a file, which takes a worker too (files). Kills by
turns: the leader's pod force-deleted, the leader's process killed with SIGKILL.
Before each kill all masters are Ready and in the quorum.

    python -m tests.bench.failover --lab NAME [--kills 5] [--as-found MODE] [--json FILE]   # alone, on a lab that is up
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab import versions
from tests.bench import by_hand, playbook_log
from tests.bench.by_hand import Lab, connect
from tests.bench.measures import Measure, as_json, table
from tests.masters_under_test import Masters
from tests.steady_client import Load, SteadyClient, served_again
from tools.lab_session import LabFailedError, lab_environment
from tools.lab_session import lab as lab_command
from tools.repository import ROOT

NAME = "failover"
SHARED = "/mnt/shared"
"""A directory that is the same on all nodes of the lab."""
MASTERS = 3
LIMITS_S = {"embedded": 10.0, "zookeeper": 15.0}
RECOVERY_LIMIT_S = 150
QUIET_S = 8
"""Answers must come for so long after an outage before it counts as over."""

PHASES = {
    "noticed": re.compile(
        r"from +FOLLOWER to CANDIDATE|zk.*leader has|is now the leader", re.IGNORECASE
    ),
    "elected": re.compile(r"from CANDIDATE to LEADER|is now the leader"),
    "caught up": re.compile(r"Caught up in|Gained leadership|gainPrimacy"),
    "serves RPC": re.compile(r"Primary started|[Ss]tarted Alluxio master gRPC server"),
}
"""What the new leader's log says, in the order in which it happens."""


@dataclass(frozen=True)
class Kill:
    """One kill, in seconds after it.

    Attributes:
        paths: until a directory was made and asked for.
        files: until a file was written, which takes a worker too.
        phases: when the new leader's log says what.
    """

    how: str
    paths: float
    files: float
    phases: Mapping[str, float]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.phases.items())
        return f"{self.how} killed: paths after {self.paths:.1f} s, files {self.files:.1f} ({told})"


def read_phases(lines: Iterable[str], killed: float) -> dict[str, float]:
    """The first line of each phase after the kill, in a log with Kubernetes' timestamps."""
    found: dict[str, float] = {}
    for line in lines:
        stamp, _, text = line.partition(" ")
        for name, pattern in PHASES.items():
            if name not in found and pattern.search(text):
                after = datetime.fromisoformat(stamp).timestamp() - killed
                if after >= 0:
                    found[name] = round(after, 1)
    return found


def wait_for(what: str, condition: Callable[[], bool], limit_s: float = RECOVERY_LIMIT_S) -> None:
    """Poll until a condition holds.

    Raises:
        RuntimeError: it does not within the limit.
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {limit_s:.0f} s for {what}")
        time.sleep(1)


def kill(masters: Masters, client: SteadyClient, how: str, run: str) -> Kill:
    """Kill the leader once and see when the client is answered again."""
    wait_for("all masters in the quorum", masters.are_whole)
    leader = masters.leader()
    if leader is None:
        raise RuntimeError("no master leads")
    with (
        client.load("dirs", run) as paths,
        client.load("files", run, pause_s=0.3) as files,
    ):
        client.wait_answered(paths, 10)
        client.wait_answered(files, 3)
        killed = masters.kill_pod(leader) if how == "pod" else masters.kill_process(leader)
        for load in (paths, files):
            wait_for("the client to be answered", lambda load=load: is_over(load, killed))  # type: ignore[misc]
        ends = [served_again(load.operations, killed) or killed for load in (paths, files)]
    follower = masters.leader()
    since = datetime.fromtimestamp(killed, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    phases = read_phases(masters.log(follower, since), killed) if follower else {}
    return Kill(how, ends[0] - killed, ends[1] - killed, phases)


def is_over(load: Load, killed: float) -> bool:
    """Whether a client has been answered for a while again."""
    end, now = served_again(load.operations, killed), time.time()
    lately = any(item.answered and item.ended > now - QUIET_S / 2 for item in load.operations[-5:])
    return end is not None and lately and now > max(end, killed) + QUIET_S


def deploy(lab: Lab, mode: str, extra: Sequence[str] = ()) -> None:
    """Deploy three masters in a namespace of their own with site.yml."""
    names = ["-e", f"alluxio_namespace={NAME}", "-e", f"alluxio_release={NAME}"]
    shape = ["-e", f"alluxio_masters={MASTERS}", "-e", f"alluxio_ha={mode}"]
    words = [word for item in extra for word in ("-e", item)]
    done = playbook_log.run(
        ["site.yml", *names, *shape, "-e", "verify_tests=false", *words], lab.environment
    )
    if done.exit_code:
        raise RuntimeError(f"site.yml ended with {done.exit_code}:\n{done.output[-3000:]}")


def measure_kills(lab: Lab, mode: str, kills: int) -> list[Measure]:
    """Kill so often each way, by turns."""
    masters = Masters(lab.run, NAME, NAME, MASTERS, has_quorum=mode == "embedded")
    client = SteadyClient(lab.run, lab.environment, masters.namespace, masters.release)
    client.start()
    done: list[Kill] = []
    for turn in range(kills):
        for how in ("pod", "process"):
            done.append(kill(masters, client, how, f"{how}{turn}-{int(time.time())}"))
            print(f"{mode}: {done[-1]}", flush=True)
    client.remove()
    return [item for how in ("pod", "process") for item in distributions(mode, how, done)]


def distributions(mode: str, how: str, done: Sequence[Kill]) -> list[Measure]:
    """What the kills of one way came to."""
    mine = [item for item in done if item.how == how]
    name = f"fail-over, {mode}, {how} killed"
    paths, files = tuple(item.paths for item in mine), tuple(item.files for item in mine)
    return [
        Measure(f"{name}: paths", "s", paths, limit=LIMITS_S[mode], worst_counts=True),
        Measure(f"{name}: files", "s", files, limit=LIMITS_S[mode], worst_counts=True),
    ]


def measure(lab: Lab, name: str, kills: int) -> list[Measure]:
    """Deploy each mode that can be deployed, kill its leaders, remove it."""
    measures: list[Measure] = []
    for mode, extra in modes(name).items():
        by_hand.remove(lab, NAME, f"{SHARED}/{NAME}")
        try:
            deploy(lab, mode, extra)
            measures += measure_kills(lab, mode, kills)
        finally:
            by_hand.remove(lab, NAME, f"{SHARED}/{NAME}")
    return measures


def modes(lab_name: str) -> dict[str, list[str]]:
    """The HA modes that this checkout deploys, with the variables that they need on the lab."""
    found: dict[str, list[str]] = {"embedded": []}
    if (ROOT / "roles" / "zookeeper").is_dir():
        lab_command("images", lab_name, "images-zookeeper")
        image = f"zookeeper:{getattr(versions.load(), 'zookeeper_debian', '')}"
        shared = f"alluxio_journal_shared_path={SHARED}"
        found["zookeeper"] = [shared, f"zookeeper_image={image}"]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure alone. Exit code 1 when something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lab", required=True, help="a lab that is up")
    parser.add_argument("--kills", type=int, default=5, help="each way")
    parser.add_argument("--as-found", metavar="MODE", help="kill in the release that is there")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    try:
        lab = connect(lab_environment(options.lab))
        if options.as_found:
            measures = measure_kills(lab, options.as_found, options.kills)
        else:
            measures = measure(lab, options.lab, options.kills)
    except (LabFailedError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(measures)}")
    if options.json:
        options.json.write_text(as_json(measures) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
