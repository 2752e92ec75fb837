from __future__ import annotations

from typing import Any

import pytest

from alluxops.events import (
    DiffShown,
    Event,
    HostEnded,
    HostStarted,
    Message,
    NoHosts,
    Output,
    PlayStarted,
    Stats,
    Status,
    TaskStarted,
    Waiting,
    parse_event,
)


def raw(event: str, stdout: str = "", **data: Any) -> dict[str, Any]:
    return {"event": event, "stdout": stdout, "event_data": data}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (raw("playbook_on_play_start", "\r\nPLAY [x] ***", name="Deploy"), [PlayStarted("Deploy")]),
        (raw("playbook_on_play_start", pattern="all"), [PlayStarted("all")]),
        (
            raw(
                "playbook_on_task_start",
                task="Make it",
                role="alluxops.cache.volumes",
                task_path="f:3",
            ),
            [TaskStarted("Make it", "volumes", "f:3")],
        ),
        (raw("runner_on_start", host="n1"), [HostStarted("n1")]),
        (raw("verbose", "waiting: worker x (5 s)\r\n"), [Waiting("worker x (5 s)")]),
        (raw("verbose", "Using /a/ansible.cfg"), [Message("Using /a/ansible.cfg")]),
        (raw("warning", "[WARNING]: odd"), [Message("[WARNING]: odd", is_warning=True)]),
        (raw("verbose", "[WARNING]: early"), [Message("[WARNING]: early", is_warning=True)]),
        (
            raw("runner_on_file_diff", "--- a\r\n+++ b", host="n1"),
            [DiffShown("n1", "--- a\n+++ b")],
        ),
        (raw("runner_on_file_diff", "", host="n1"), []),
        (raw("playbook_on_no_hosts_matched", play="Deploy"), [NoHosts("Deploy")]),
        (
            raw(
                "playbook_on_stats",
                processed={"n2": 1, "n1": 1},
                changed={"n1": 2, "n2": 0},
                artifact_data={"a": 1},
            ),
            [Stats(("n1", "n2"), {"n1": 2}, {"a": 1})],
        ),
        ({"event": "EOF"}, []),
        ({}, []),
    ],
)
def test_an_event_of_ansible_runner_becomes(given: dict[str, Any], expected: list[Event]) -> None:
    assert parse_event(given) == expected


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("runner_on_ok", {"res": {"changed": False}}, Status.OK),
        ("runner_on_ok", {"res": {"changed": True}}, Status.CHANGED),
        ("runner_on_ok", {"res": None}, Status.OK),
        ("runner_on_skipped", {}, Status.SKIPPED),
        ("runner_on_failed", {"res": {"msg": "x"}}, Status.FAILED),
        ("runner_on_failed", {"res": {"msg": "x"}, "ignore_errors": True}, Status.IGNORED),
        ("runner_on_unreachable", {"res": {"unreachable": True}}, Status.UNREACHABLE),
    ],
)
def test_a_host_ends_a_task_as(kind: str, data: dict[str, Any], status: Status) -> None:
    ended, output = parse_event(raw(kind, "ok: [n1]", host="n1", task="T", **data))
    assert isinstance(ended, HostEnded)
    assert (ended.host, ended.task, ended.status) == ("n1", "T", status)
    assert output == Output("ok: [n1]")
