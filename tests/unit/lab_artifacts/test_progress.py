"""Progress is told in a pipe without flooding it, and on a terminal while it happens."""

from __future__ import annotations

import io
import re

import pytest

from lab.progress import PlainView, Reporter, Step


def test_a_pipe_gets_a_line_when_a_step_starts_and_one_when_it_ends() -> None:
    out = io.StringIO()
    with Reporter(out).step("build etcd") as step:
        step.update("3 of 9 packages")
    assert re.fullmatch(r"build etcd \.\.\.\nbuild etcd: done in \d+\.\d s\n", out.getvalue())


def test_a_failed_step_says_so_and_lets_the_error_through() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="why"), Reporter(out).step("build etcd"):
        raise ValueError("why")
    assert "build etcd: failed in" in out.getvalue()


def test_updates_in_a_pipe_come_at_most_once_an_interval() -> None:
    out = io.StringIO()
    view = PlainView(out, interval_s=3600)
    step = Step("build etcd", view)
    view.began(step)
    for number in range(100):
        step.update(f"{number} of 100")
    assert out.getvalue() == "build etcd ...\n"
    patient, eager = out.getvalue(), io.StringIO()
    view = PlainView(eager, interval_s=0)
    step = Step("build etcd", view)
    view.began(step)
    step.update("1 of 2")
    assert eager.getvalue().startswith(f"{patient}build etcd: 1 of 2 (0 s)")


def test_a_terminal_sees_running_and_finished_steps() -> None:
    out = io.StringIO()
    reporter = Reporter(out, live=True)
    with reporter.step("outer") as outer:
        with reporter.step("inner"):
            outer.update("half")
        reporter.note("a line")
    text = out.getvalue()
    assert "ok inner" in text
    assert "ok outer" in text
    assert "a line" in text
