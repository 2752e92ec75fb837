"""What the measures of the verbs share: a release as site.yml makes it, a verb's time, the time of commands by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import by_hand, playbook_log
from tests.bench.by_hand import Lab
from tests.bench.options import Options
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

NO_WAY_BY_HAND = "no way by hand"
"""Stands where a baseline would, for what nobody does with a handful of commands: its seconds are told bare."""
MASTER = f"{by_hand.RELEASE}-master-0"


def run(
    lab: Lab, playbook: str, *, must_change: bool = True, limit: str = "", **settings: Any
) -> playbook_log.PlaybookRun:
    """Run a playbook and see that it did what it is measured for. Health is proved, writing and reading is not.

    Raises:
        RuntimeError: it failed, or changed something where nothing was to change, or nothing.
    """
    given = json.dumps({"verify_tests": False, **settings})
    hosts = ["--limit", limit] if limit else []
    done = playbook_log.run([playbook, "-e", given, *hosts], lab.environment)
    if done.exit_code or bool(done.changed) != must_change:
        raise RuntimeError(
            f"{playbook} ended with {done.exit_code} and {done.changed} changes:\n{done.output}"
        )
    print(
        f"{playbook}: {done.seconds:.1f} s, {done.tasks} tasks, {done.changed} changed", flush=True
    )
    return done


def seconds_of(lab: Lab, name: str, **settings: Any) -> float:
    """Run a verb's playbook; seconds from start to end of the command."""
    return run(lab, f"playbooks/{name}.yml", **settings).seconds


def fresh(lab: Lab, **settings: Any) -> None:
    """Deploy the release with site.yml over nothing that was there."""
    by_hand.remove(lab)
    run(lab, "site.yml", **settings)


def hand(lab: Lab, name: str, *commands: Sequence[str], stdin: str = "") -> float:
    """Run commands in order, as a person would; seconds. stdin: for the first."""
    began = time.monotonic()
    for command in commands:
        lab.run(*command, stdin=stdin)
        stdin = ""
    return told(name, time.monotonic() - began)


def told(name: str, seconds: float) -> float:
    """The seconds, once they have been printed."""
    print(f"{name} by hand: {seconds:.1f} s", flush=True)
    return seconds


def in_master(script: str) -> list[str]:
    """The command that runs a shell script in the first master."""
    where = ["-n", by_hand.NAMESPACE, MASTER, "-c", "alluxio-master"]
    return ["kubectl", "exec", *where, "--", "bash", "-c", script]


def clear(lab: Lab, options: Options) -> None:
    """Take the release away, and its backups, which outlive it in the bucket."""
    by_hand.remove(lab)
    Cache(RunningLab(options.lab), Path()).forget(f"alluxio_backups/{by_hand.NAMESPACE}/")
