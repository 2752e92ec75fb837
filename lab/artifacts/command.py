"""Running the programs that build things: output to a log, progress by line, a clear error."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

SHOWN_LINES = 12


@dataclass(frozen=True)
class Log:
    """A file that gets the output of every command of one build."""

    path: Path

    def begin(self, title: str) -> None:
        """Start the log anew."""
        self.path.write_text(f"# {title}\n", encoding="utf-8")


def run(
    argv: Sequence[str | Path],
    log: Log,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a command to its end and return what it printed, standard output and error together.

    `env` is added to the environment. `on_line` gets each line as it comes. Raises LabError with the
    last lines and the log's place when the command fails.
    """
    command = [str(part) for part in argv]
    lines: list[str] = []
    with log.path.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n")
        file.flush()
        with _started(command, cwd, env) as process:
            for line in process.stdout or ():
                file.write(line)
                lines.append(line)
                if on_line is not None:
                    on_line(line.rstrip())
    if process.returncode != 0:
        raise LabError(
            f"`{shown(command)}` ended with {process.returncode}",
            cause="".join(deque(lines, SHOWN_LINES)).strip() or "it printed nothing",
            fix=f"its whole output is in {log.path}",
        )
    return "".join(lines)


def shown(command: Sequence[str]) -> str:
    """A command as one readable line, cut where it would fill the screen."""
    line = " ".join(command)
    return line if len(line) <= 200 else f"{line[:197]}..."


def stop_all() -> None:
    """End every command that is running; the threads that wait for them then fail and clean up."""
    for process in list(_RUNNING):
        process.kill()


_RUNNING: set[subprocess.Popen[str]] = set()


@contextmanager
def _started(
    command: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[str]]:
    if shutil.which(command[0]) is None:
        raise LabError(f"{command[0]} is not installed", fix=f"install {command[0]}")
    process = subprocess.Popen(
        [*_dies_with_us(), *command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    _RUNNING.add(process)
    try:
        with process:
            yield process
    finally:
        _RUNNING.discard(process)


def _dies_with_us() -> list[str]:
    """What makes a command, all that it starts and all that it mounts end with this process.

    A builder that is killed must not leave compilers behind, nor something that still writes. Death of
    the parent kills `unshare`, that kills the first process of the namespace, and the kernel the rest.
    """
    if os.geteuid() != 0 or not (shutil.which("setpriv") and shutil.which("unshare")):
        return []
    namespace = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    return ["setpriv", "--pdeathsig", "KILL", *namespace, "--"]
