"""A lab for the length of a test or bench run, and the environment that leads to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lab.state import load
from tools.repository import ROOT, tool_environment


class LabFailedError(Exception):
    """`python -m lab` ended with an error, which it has printed itself."""


def lab(verb: str, name: str, *arguments: str) -> None:
    """Run one verb of the lab; its progress and errors go where ours go.

    Raises:
        LabFailedError: it did not end well.
    """
    command = [sys.executable, "-m", "lab", verb, "--name", name, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=tool_environment(), check=False)
    if done.returncode:
        raise LabFailedError(f"lab {verb} --name {name} ended with exit code {done.returncode}")


def lab_environment(name: str) -> dict[str, str]:
    """The whole environment for commands against a running lab: ours, and what `lab env` exports.

    Raises:
        LabFailedError: there is no such lab.
    """
    command = [sys.executable, "-m", "lab", "env", "--name", name]
    environment = tool_environment()
    exports = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if exports.returncode:
        raise LabFailedError(f"lab env --name {name} ended with exit code {exports.returncode}")
    shown = subprocess.run(
        ["bash", "-c", 'eval "$1" && env -0', "lab-env", exports.stdout],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return dict(line.split("=", 1) for line in shown.split("\0") if "=" in line)


@contextmanager
def booted(name: str, *arguments: str) -> Iterator[dict[str, str]]:
    """Boot a lab, yield its environment, and remove it at the end.

    One that was up already belongs to whoever booted it, and stays; so does one with KEEP=1 set.
    """
    found = load(name)
    stays = os.environ.get("KEEP") == "1" or (found is not None and found.ready)
    try:
        lab("up", name, *arguments)
        yield lab_environment(name)
    finally:
        if not stays:
            lab("down", name)
