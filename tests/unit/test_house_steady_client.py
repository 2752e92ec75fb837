"""The pure parts of what kills leaders and watches a client: reading its lines, the outage, the new leader's log."""

from __future__ import annotations

import pytest

from tests.bench.failover import read_phases
from tests.steady_client import Operation, parse, served_again

LOG = """\
2026-11-24T20:40:00.100000000Z INFO RaftServer - changes role from  FOLLOWER to CANDIDATE at term 1
2026-11-24T20:40:13.500000000Z INFO RaftServer - changes role from  FOLLOWER to CANDIDATE at term 2
2026-11-24T20:40:14.250000000Z INFO RaftServer - changes role from CANDIDATE to LEADER at term 2
2026-11-24T20:40:14.900000000Z INFO RaftJournalSystem - Caught up in 12ms. Last sequence number: 9.
2026-11-24T20:40:16.000000000Z INFO AlluxioMasterProcess - Primary started
"""
KILLED = 1795552810.0  # 20:40:10


def answers(*ended: float, failed: tuple[float, ...] = ()) -> list[Operation]:
    """Operations that ended at these times."""
    done = [Operation("d", True, moment - 0.1, moment) for moment in ended]
    done += [Operation("d", False, moment - 0.1, moment) for moment in failed]
    return sorted(done, key=lambda item: item.ended)


def test_a_line_of_the_loop_is_an_operation() -> None:
    found = parse('failed dirs-pod-7 100.25 101.5 500 {"message": "no master"}\n')
    assert found == Operation("dirs-pod-7", False, 100.25, 101.5, '500 {"message": "no master"}')
    assert parse("answered d 1.0 2.0").answered  # type: ignore[union-attr]


@pytest.mark.parametrize("line", ["", "bash: line 3: connect: Connection refused", "answered d"])
def test_other_lines_are_not(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    ("operations", "end"),
    [
        # A leader that is told to end answers for a while: its last answers are not the end.
        (answers(9.8, 9.9, 10.4, 10.8, 17.0, 17.1), 17.0),
        (answers(9.8, 9.9, 17.0, 17.1, failed=(12.0, 13.0)), 17.0),
        (answers(9.8, 9.9), None),
        # Two silences: the longer one.
        (answers(9.9, 12.0, 18.0, 18.1), 18.0),
    ],
)
def test_an_outage_ends_with_the_longest_silence(
    operations: list[Operation], end: float | None
) -> None:
    assert served_again(operations, 10.0) == end


def test_phases_are_counted_from_the_kill() -> None:
    found = read_phases(LOG.splitlines(), KILLED)
    assert found == {"noticed": 3.5, "elected": 4.2, "caught up": 4.9, "serves RPC": 6.0}
