"""Starting programs that outlive the command that started them, each in its cgroup from its first moment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import cgroups
from lab.errors import LabError


def start(
    argv: Sequence[str | Path], *, group: str, log: Path, env: Mapping[str, str] | None = None
) -> None:
    """Start a program in its own session and cgroup, its output going to `log`, and return at once.

    env is added to a minimal environment: neither the caller's secrets nor its proxies reach the lab.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **(env or {})}
    shell = ["sh", "-c", cgroups.entry_script(group), "sh", *map(str, argv)]
    with log.open("ab") as output:
        done = subprocess.run(
            ["setsid", "--fork", *shell],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=own,
            cwd="/",
            check=False,
        )
    if done.returncode != 0:
        raise LabError(f"{argv[0]} could not be started", cause=f"see {log}")
