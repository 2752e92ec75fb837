"""Run stages of the test suite in order, stop at the first that fails, and end with one count.

    python -m tools.run_tests lint unit molecule integration
    python -m tools.run_tests molecule-long integration-long

molecule and integration share a lab named `test`, booted for them and removed at the end.
Settings from the environment: ROLE and CHANGED choose scenarios, TESTS holds more pytest arguments,
KEEP=1 leaves the lab up, ALLUXOPS_TEST_LAB names another.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tools import lint, scenarios
from tools.lab_session import LabFailedError, booted
from tools.repository import ROOT, base_commit, changed_files, tool_environment

TEST_LAB = os.environ.get("ALLUXOPS_TEST_LAB", "test")  # as tests/integration/conftest.py has it


@dataclass(frozen=True)
class Tally:
    """Counts of one stage."""

    passed: int
    failed: int
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def lint_stage(_environment: Mapping[str, str]) -> Tally:
    """Every static check counts as one."""
    outcomes = lint.run_all()
    failed = sum(1 for outcome in outcomes if outcome.exit_code)
    return Tally(len(outcomes) - failed, failed)


def read_junit(path: Path, exit_code: int) -> Tally:
    """Counts from a JUnit file; a run that failed without a failed test counts as one failure."""
    tally = Tally(0, 0)
    if path.is_file():
        for suite in ET.parse(path).getroot().iter("testsuite"):  # noqa: S314 pytest wrote it
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            tally += Tally(int(suite.get("tests", 0)) - bad - skipped, bad, skipped)
    return tally if not exit_code or tally.failed else tally + Tally(0, 1)


def pytest_stage(folder: str, environment: Mapping[str, str], *arguments: str) -> Tally:
    """Run one folder of tests; their output goes where ours goes."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "junit.xml"
        command = [sys.executable, "-m", "pytest", folder, f"--junitxml={report}", *arguments]
        command += shlex.split(environment.get("TESTS", ""))
        done = subprocess.run(command, cwd=ROOT, env=dict(environment), check=False)
        return read_junit(report, done.returncode)


def unit_stage(environment: Mapping[str, str]) -> Tally:
    """Pure code; stops at the tenth failure."""
    return pytest_stage("tests/unit", environment, "--maxfail=10", "--quiet")


def integration_stage(environment: Mapping[str, str], marked: str = "not long") -> Tally:
    """The promises, kept on the lab; durations tell where the minutes go."""
    return pytest_stage(
        "tests/integration",
        environment,
        f"-m={marked}",
        "--maxfail=3",
        "--verbose",
        "--durations=10",
        "--timeout=1200",
    )


def integration_long_stage(environment: Mapping[str, str]) -> Tally:
    """Tests that take longer than a change can wait for."""
    return integration_stage(environment, "long")


def chosen_scenarios(environment: Mapping[str, str]) -> list[str]:
    """The scenarios that ROLE and CHANGED ask for, long ones too; all but the long ones without either."""
    found = scenarios.all_scenarios()
    if role := environment.get("ROLE"):
        return scenarios.scenarios_of_role(found, role)
    if environment.get("CHANGED") and (base := base_commit()):
        return scenarios.scenarios_of_change(found, changed_files(base))
    return scenarios.short(found)


def molecule_stage(environment: Mapping[str, str]) -> Tally:
    """The scenarios of a change."""
    return run_scenarios(chosen_scenarios(environment), environment)


def molecule_long_stage(environment: Mapping[str, str]) -> Tally:
    """The scenarios that `make test` leaves out."""
    return run_scenarios(sorted(scenarios.LONG), environment)


def run_scenarios(names: Sequence[str], environment: Mapping[str, str]) -> Tally:
    """Every scenario counts as one; the log of one that failed is printed whole."""
    tally = Tally(0, 0)
    for name in names:
        outcome = scenarios.run(name, environment)
        word = "ok" if outcome.passed else "FAILED"
        print(f"molecule: {name:<28} {word:<7} {outcome.seconds:5.1f} s", flush=True)
        if not outcome.passed:
            print(outcome.log, flush=True)
        tally += Tally(int(outcome.passed), int(not outcome.passed))
    return tally


STAGES: dict[str, Callable[[Mapping[str, str]], Tally]] = {
    "lint": lint_stage,
    "unit": unit_stage,
    "molecule": molecule_stage,
    "integration": integration_stage,
    "molecule-long": molecule_long_stage,
    "integration-long": integration_long_stage,
}
ON_THE_LAB = ("molecule", "integration", "molecule-long", "integration-long")


Results = dict[str, tuple[Tally, float]]


def run_stages(names: Sequence[str], results: Results) -> None:
    """Run stages until one fails; put counts and seconds of those that ran into `results`.

    Raises:
        LabFailedError: the lab could not be booted or removed.
        ValueError: ROLE names a role without scenarios, or the change touches one.
    """
    environment = tool_environment()
    with ExitStack() as stack:
        for name in names:
            print(f"\n== {name}", flush=True)
            began = time.monotonic()
            if name in ON_THE_LAB and not any(done in ON_THE_LAB for done in results):
                environment = stack.enter_context(booted(TEST_LAB))
            tally = STAGES[name](environment)
            results[name] = (tally, time.monotonic() - began)
            if tally.failed:
                break


def summary(wanted: Sequence[str], results: Results) -> str:
    """The closing lines: one a stage, and the total in the form that CI systems read."""
    lines = []
    total = Tally(0, 0)
    for name in wanted:
        if name in results:
            tally, seconds = results[name]
            lines.append(f"{name:<12} {tally}  ({seconds:.0f} s)")
            total += tally
        else:
            lines.append(f"{name:<12} did not run")
    return "\n".join([*lines, str(total)])


def main(names: Sequence[str]) -> int:
    """Exit code 0 when every stage passed, 1 when one failed, 2 for a name that is no stage."""
    if not names or (unknown := set(names) - set(STAGES)):
        print(
            f"Error: no such stage: {sorted(unknown) if names else 'none given'}", file=sys.stderr
        )
        print(f"Fix: name some of {', '.join(STAGES)}.", file=sys.stderr)
        return 2
    results: Results = {}
    exit_code = 0
    try:
        run_stages(names, results)
    except (LabFailedError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        exit_code = 1
    print("\n" + summary(names, results), flush=True)
    whole = len(results) == len(names) and not any(tally.failed for tally, _ in results.values())
    return exit_code if whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
