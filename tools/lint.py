"""The static checks, each a command whose silence and exit code 0 mean that all is well.

A check whose files do not exist yet is left out. `python -m tools.lint [NAME ...]` runs some of them by name.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.repository import COLLECTION, ROOT, files, relative, tool_environment


@dataclass(frozen=True)
class Check:
    """One static check.

    Attributes:
        command: argument list, run from the repository's root with .venv/bin first on PATH.
    """

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a check ended: its exit code is 0 where it found nothing."""

    check: Check
    exit_code: int
    output: str
    seconds: float


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module with this Python."""
    return (sys.executable, "-m", name, *arguments)


def _python_roots() -> list[str]:
    """The folders that mypy reads, as far as they hold Python files."""
    wanted = ("src", "lab", "tools", "tests", relative(COLLECTION))
    return [folder for folder in wanted if files(f"{folder}/*.py")]


def all_checks() -> Iterator[Check]:
    """The checks that apply to the tree as it is."""
    yield Check("mypy", ("mypy", *_python_roots()))
    if files("roles/*.yml", "playbooks/*.yml"):
        yield Check("ansible-lint", ("ansible-lint", "--offline", "-q", "--nocolor"))
    yield Check("ruff", ("ruff", "check", "--output-format=concise", "--quiet", "."))
    yield Check("ruff-format", ("ruff", "format", "--check", "--quiet", "."))
    yield Check("yamllint", ("yamllint", "--strict", "-f", "parsable", "."))
    yield Check("role-readmes", module("tools.role_readme", "--check"))
    yield Check("role-defaults", module("tools.role_defaults"))
    if (COLLECTION / "galaxy.yml").is_file():
        yield Check("module-docs", module("tools.docs", "lint-modules"))
    yield Check("changelog-lint", ("antsibull-changelog", "lint"))
    yield Check("changelog-fragment", module("tools.changelog"))
    if scripts := _bash_scripts():
        yield Check("bash", ("bash", "-n", *scripts))
    yield Check("docs", module("tools.docs", "build", "--quiet"))


def _bash_scripts() -> list[str]:
    return [
        relative(path)
        for path in files(".ci", "tools", "lab", "*.sh")
        if path.read_bytes().startswith((b"#!/usr/bin/env bash", b"#!/bin/bash"))
    ]


def run(check: Check) -> Outcome:
    """Run one check to its end and keep what it printed."""
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=tool_environment(NO_COLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(check, done.returncode, done.stdout.strip(), time.monotonic() - began)


def run_all(names: Sequence[str] = ()) -> list[Outcome]:
    """Run the checks (all, or those named), as many at once as there are cores; print each result.

    Raises:
        ValueError: a name is no check's.
    """
    checks = [check for check in all_checks() if not names or check.name in names]
    if unknown := set(names) - {check.name for check in checks}:
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}")
    outcomes = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for outcome in pool.map(run, checks):
            outcomes.append(outcome)
            word = "FAILED" if outcome.exit_code else "ok"
            print(f"lint: {outcome.check.name:<20} {word:<7} {outcome.seconds:5.1f} s", flush=True)
            if outcome.exit_code:
                print(outcome.output, flush=True)
    return outcomes


def main() -> int:
    """Exit code 1 when a check failed, 2 when one was asked for that does not exist."""
    try:
        outcomes = run_all(sys.argv[1:])
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return int(any(outcome.exit_code for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
