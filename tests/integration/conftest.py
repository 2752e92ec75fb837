"""The lab that integration tests run on: booted once a session, or used as found when it is up."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from lab.state import load
from tests.integration.lab_under_test import RunningLab, run_lab

DUMPS = 3
"""How many failed tests get the cluster's state printed; more would bury the first."""


@pytest.fixture(scope="session")
def lab() -> Iterator[RunningLab]:
    """The lab named by ALLUXOPS_TEST_LAB (default `test`).

    A lab that is up already belongs to whoever booted it and is left up; so is one with KEEP=1.
    """
    name = os.environ.get("ALLUXOPS_TEST_LAB", "test")
    found = load(name)
    was_up = found is not None and found.ready
    try:
        run_lab("up", "--name", name)
        yield RunningLab(name)
    finally:
        if not was_up and os.environ.get("KEEP") != "1":
            run_lab("down", "--name", name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    running = getattr(item, "funcargs", {}).get("lab")
    seen = item.session.stash.get(_DUMPED, 0)
    if report.failed and isinstance(running, RunningLab) and seen < DUMPS:
        item.session.stash[_DUMPED] = seen + 1
        try:
            report.sections.append((f"lab {running.name}", running.dump()))
        except Exception as error:  # noqa: BLE001 - the test's own failure is what must be seen
            report.sections.append((f"lab {running.name}", f"no dump: {error}"))
    return report


_DUMPED = pytest.StashKey[int]()
