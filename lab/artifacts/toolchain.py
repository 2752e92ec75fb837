"""A Go that can build the lab: the machine's own, or Debian's helped by a toolchain module."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from lab.artifacts import host
from lab.artifacts.command import Log, run
from lab.artifacts.store import remove_tree
from lab.errors import LabError
from lab.paths import cache_root
from lab.progress import Reporter

SWITCHES_SINCE = (1, 21)
"""From this version on Go fetches by itself the newer toolchain that a module asks for."""

TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64"
"""A whole Go as a module: what an older Go downloads to be replaced by."""

SYSTEM_GO = (
    "/usr/local/go/bin/go",
    *sorted((str(path) for path in Path("/usr/lib").glob("go-1.*/bin/go")), reverse=True),
)
"""Where Go's own archive and Debian's packages put it, whether or not that is on PATH."""


def find_go() -> str | None:
    """A go command that can switch toolchains, or None."""
    places = [shutil.which("go"), *SYSTEM_GO, str(_fetched())]
    return next((place for place in places if place and go_version(place) >= SWITCHES_SINCE), None)


def ensure_go(log: Log, reporter: Reporter) -> None:
    """Get a usable Go when the machine has none: Debian's package, then a toolchain through it."""
    if find_go() is not None:
        return
    with reporter.step("getting Go") as step:
        step.update("installing golang-go")
        host.ensure_packages(["golang-go"], log)
        if find_go() is None:
            step.update(f"downloading {TOOLCHAIN}")
            _fetch(log)
    if find_go() is None:
        raise LabError(
            "there is no Go 1.21 or newer on this machine",
            cause="the lab builds Kubernetes and the tools around it from their Go modules",
            fix="put a Go 1.21 or newer on PATH, then run this again",
        )


def go_version(path: str) -> tuple[int, int]:
    """Major and minor version of a go command; (0, 0) when it is not there or does not run."""
    try:
        said = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    except OSError:
        return (0, 0)
    found = re.search(r"\bgo(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetched() -> Path:
    return cache_root() / "go" / "bin" / "go"


def _fetch(log: Log) -> None:
    # Go before 1.21 downloads a toolchain like any module, without marking its programs executable.
    old = next((place for place in [shutil.which("go"), *SYSTEM_GO] if place), None)
    if old is None:
        raise LabError("golang-go is installed, but there is no `go`", fix="put Go on PATH")
    told = run([old, "mod", "download", "-json", TOOLCHAIN], log, cwd=Path("/"))
    found = re.search(r'"Dir": "([^"]+)"', told)
    if found is None:
        raise LabError(f"`go mod download {TOOLCHAIN}` names no directory", cause=told.strip())
    place = _fetched().parent.parent
    draft = place.with_name("go.new")
    for leftover in (draft, place):
        if leftover.exists():
            remove_tree(leftover)
    shutil.copytree(found[1], draft, copy_function=shutil.copyfile)
    for program in [*draft.glob("bin/*"), *draft.glob("pkg/tool/*/*")]:
        program.chmod(0o755)
    for renamed in draft.rglob("_go.mod"):
        renamed.rename(renamed.with_name("go.mod"))
    draft.rename(place)
