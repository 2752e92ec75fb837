"""Running host commands: argument lists only, output kept for the error message."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab.errors import LabError


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> str:
    """Run a command to its end and return its standard output.

    The command dies with this process, even when that is killed: nothing goes on changing a lab that
    somebody else by then removes.

    Raises LabError with the last lines of its output when it fails or takes longer than timeout_s.
    """
    command = [str(part) for part in argv]
    if shutil.which(command[0]) is None:
        fix = f"install the package that has {command[0]}"
        raise LabError(f"{command[0]} is not installed", fix=fix)
    try:
        done = subprocess.run(
            ["setpriv", "--pdeathsig=KILL", *command],
            input=stdin,
            env=None if env is None else dict(env),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{shown(command)}` did not end within {timeout_s:.0f} s") from error
    if done.returncode != 0:
        raise LabError(
            f"`{shown(command)}` ended with {done.returncode}",
            cause=last_lines(done.stderr or done.stdout, 12),
        )
    return done.stdout


def shown(command: Sequence[str]) -> str:
    """A command as one readable line, cut where it would fill the screen."""
    line = " ".join(command)
    return line if len(line) <= 200 else f"{line[:197]}..."


def last_lines(text: str, count: int) -> str:
    """The last lines of a program's output: where it says why it failed."""
    return "\n".join(text.strip().splitlines()[-count:])


def wait_for(
    what: str,
    is_true: Callable[[], bool],
    *,
    timeout_s: float,
    every_s: float = 0.05,
    why_not: Callable[[], str] = lambda: "",
) -> None:
    """Wait until is_true() holds. Raises LabError naming what was awaited, with why_not() as its cause."""
    end = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout_s:.0f} s", cause=why_not())
        time.sleep(every_s)
