"""A run ends with what it has to say: the note of a verb that makes something, whether or not there is a report."""

from __future__ import annotations

from alluxops.outcome import Outcome
from alluxops.request import RunRequest
from alluxops.verbs import closing_lines

MADE = "s3://datasets/alluxio_backups/a/b/x.gz (7 entries)"


def ended(**custom: object) -> list[str]:
    outcome = Outcome(0, "done", 3.0, {"n1": 1}, 5, custom=custom)
    return closing_lines(outcome, RunRequest(verb="backup"))


def test_a_note_stands_below_the_result() -> None:
    assert ended(alluxops_notes=[f"backup {MADE}"]) == [
        "backup: done in 3 s, 1 changed",
        f"  backup    {MADE}",
    ]


def test_without_a_note_there_is_the_result_alone() -> None:
    assert ended() == ["backup: done in 3 s, 1 changed"]
    assert ended(alluxops_notes="no list") == ["backup: done in 3 s, 1 changed"]
