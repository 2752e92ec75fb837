"""Cleaning up always happens, and does not hide the error that came before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import Wanted
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import JournalJobs


def fails(what: str) -> Callable[[], None]:
    def clean() -> None:
        raise CacheError(what)

    return clean


def test_the_first_error_is_the_one_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    steps = (fails("the API is away"), lambda: done.append("second"))
    with pytest.raises(CacheError) as caught, at_the_end(*steps):
        raise CacheError("the volume is full")
    assert str(caught.value) == "Error: the volume is full"
    assert done == ["second"]
    assert "cleaning up failed too: the API is away" in capsys.readouterr().err


def test_an_error_while_cleaning_up_is_told_where_there_is_no_other() -> None:
    done: list[str] = []
    steps = (fails("the API is away"), fails("so is the pod"), lambda: done.append("third"))
    with pytest.raises(CacheError, match="the API is away"), at_the_end(*steps):
        done.append("body")
    assert done == ["body", "third"]


def test_all_is_well_and_cleaned_up() -> None:
    done: list[str] = []
    with at_the_end(lambda: done.append("cleaned")):
        done.append("body")
    assert done == ["body", "cleaned"]


def test_what_interrupts_a_run_is_not_hidden_either() -> None:
    with pytest.raises(KeyboardInterrupt), at_the_end(fails("the API is away")):
        raise KeyboardInterrupt


class AwayForDeletions:
    """A cluster that lets nothing be deleted."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def delete(self, path: str, **_: object) -> bool:
        self.asked.append(path.rpartition("/")[2])
        raise CacheError("the API is away")


def test_jobs_that_cannot_be_removed_do_not_hide_what_they_found() -> None:
    kube = AwayForDeletions()
    claims = [{"ordinal": ordinal, "name": f"journal-{ordinal}"} for ordinal in range(3)]
    with pytest.raises(CacheError, match="foreign"):  # noqa: SIM117 - the Jobs are what is tested
        with JournalJobs(kube, Wanted("cache", "alluxio"), claims, {}):  # type: ignore[arg-type]
            raise CacheError("the journal is foreign")
    assert len(kube.asked) == 3
