"""The Debian packages that building takes on this machine, installed when they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable

from lab.artifacts.command import Log, run
from lab.errors import LabError


def ensure_packages(names: Iterable[str], log: Log) -> None:
    """Install the Debian packages that are missing. Raises LabError saying what to do when it cannot."""
    absent = missing_packages(names)
    if not absent:
        return
    wanted = " ".join(absent)
    if shutil.which("apt-get") is None:
        raise LabError(
            f"this machine lacks {wanted}, and it has no apt-get",
            cause="the lab builds its nodes and images with Debian's tools",
            fix="run the lab on Debian or Ubuntu, or point an inventory at your own cluster",
        )
    if os.geteuid() != 0:
        raise LabError(
            f"this machine lacks {wanted}, and only root may install packages",
            fix=f"run `sudo apt-get install {wanted}`, then this again",
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    patient = ["-o", "DPkg::Lock::Timeout=300"]
    try:
        run(["apt-get", "update", *patient], log, env=quiet)
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *patient, *absent]
        run(install, log, env=quiet)
    except LabError as error:
        raise LabError(
            f"the packages {wanted} could not be installed",
            cause=error.cause or error.what,
            fix=f"make `apt-get install {wanted}` work on this machine, then run this again",
        ) from error


def missing_packages(names: Iterable[str]) -> list[str]:
    """Those of the packages that are not installed, in alphabetical order, each once."""
    wanted = sorted(set(names))
    if not wanted or shutil.which("dpkg-query") is None:
        return wanted
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${binary:Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
        check=False,  # it fails when it does not know one of the names: that one is missing
    )
    return [name for name in wanted if name not in _installed(listed.stdout)]


def _installed(listing: str) -> set[str]:
    rows = (line.split() for line in listing.splitlines())
    return {row[0].partition(":")[0] for row in rows if len(row) == 2 and row[1] == "installed"}
