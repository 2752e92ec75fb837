"""The quorum of an embedded journal: read, judged, put in order."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import quorum
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from tests.unit.cache.kube_objects import FIXTURES

INFO = (FIXTURES / "quorum_info.txt").read_text(encoding="utf-8")


def made(size: int, leading: int = 0, down: tuple[int, ...] = ()) -> quorum.Quorum:
    members = tuple(
        quorum.Member(f"alluxio-master-{number}:19200", number not in down, 1)
        for number in range(size)
    )
    leader = f"alluxio-master-{leading}:19200" if leading >= 0 else ""
    return quorum.Quorum(quorum.MASTER, leader, members)


def test_what_alluxio_prints_becomes_a_quorum() -> None:
    assert quorum.parse(INFO) == made(3, leading=1, down=(2,))


def test_a_line_of_the_jvm_before_it_is_passed_over() -> None:
    assert quorum.parse(f"Picked up JAVA_TOOL_OPTIONS: -Xmx256m\n{INFO}").leading == 1


def test_a_leader_that_is_not_known() -> None:
    found = quorum.parse(INFO.replace(": alluxio-master-1:19200", ": UNKNOWN"))
    assert (found.leading, found.is_healthy, found.decides) == (-1, False, False)


@pytest.mark.parametrize(
    "text", ["", "Error: Failed to connect to master", "Journal domain\t: MASTER\n"]
)
def test_what_is_no_quorum_is_an_error(text: str) -> None:
    with pytest.raises(CacheError, match="named no quorum"):
        quorum.parse(text)


def test_members_go_by_the_numbers_of_their_pods() -> None:
    found = quorum.parse(INFO)
    assert (found.ordinals, found.available, found.missing) == ((0, 1, 2), (0, 1), (2,))
    assert quorum.Member("10.0.0.1:19200", available=True).ordinal == -1
    assert quorum.Member("x-master-11.ns.svc:19200", available=True).ordinal == 11


@pytest.mark.parametrize(
    ("found", "healthy", "decides"),
    [
        (made(1), True, True),
        (made(3), True, True),
        (made(3, down=(2,)), False, True),
        (made(3, down=(1, 2)), False, False),
        (made(2, down=(1,)), False, False),
        (made(3, leading=-1), False, False),
    ],
)
def test_health_of_a_quorum(found: quorum.Quorum, *, healthy: bool, decides: bool) -> None:
    assert (found.is_healthy, found.decides) == (healthy, decides)


@pytest.mark.parametrize(
    ("found", "ordinal", "why"),
    [
        (made(3), 2, ""),
        (made(3), 0, ""),
        (made(1), 0, ""),
        (made(5, down=(3,)), 3, ""),
        (made(3, down=(1,)), 2, "master 1 of the quorum does not answer"),
        (made(5, down=(3, 4)), 2, "masters 3 and 4 of the quorum do not answer"),
        (made(2), 1, "1 of 2 would be left, and 2 must agree"),
        (made(3, leading=-1), 1, "no master leads"),
    ],
)
def test_a_member_may_be_stopped_only_where_the_others_are_a_majority(
    found: quorum.Quorum, ordinal: int, why: str
) -> None:
    assert quorum.may_lose(found, ordinal) == why


@pytest.mark.parametrize(
    ("found", "ordinal", "masters", "awaited"),
    [
        (made(3), 2, 1, ()),
        (made(3, down=(1,)), 2, 1, (1,)),  # of the two that are left both must agree
        (made(3, down=(2,)), 2, 1, ()),  # it runs no more itself
        (made(2, down=(1,)), 2, 1, ()),  # it has left
        (made(1), 0, 1, ()),
        (made(5, down=(3,)), 4, 3, ()),  # it is to leave next, and three of four are a majority
        (made(5, down=(3, 4)), 4, 3, ()),
        (made(5, down=(1,)), 4, 3, (1,)),  # it is to stay
        (made(5, down=(1, 3)), 4, 3, (1, 3)),
        (made(5, down=(3,)), 4, 4, (3,)),
    ],
)
def test_a_member_leaves_only_where_the_cache_can_do_without_it(
    found: quorum.Quorum, ordinal: int, masters: int, awaited: tuple[int, ...]
) -> None:
    assert quorum.hinders_leave(found, ordinal, masters) == awaited


@pytest.mark.parametrize(
    ("leading", "stale", "order"),
    [
        (0, {0, 1, 2}, (2, 1, 0)),
        (2, {0, 1, 2}, (1, 0, 2)),
        (1, {0, 1}, (0, 1)),
        (2, {0}, (0,)),
        (0, set(), ()),
    ],
)
def test_the_leader_is_restarted_last(
    leading: int, stale: set[int], order: tuple[int, ...]
) -> None:
    assert quorum.roll_order(leading, stale) == order


def test_the_line_in_status() -> None:
    assert quorum.shown(made(3, leading=1)) == "3/3 available, leader alluxio-master-1"
    assert (
        quorum.shown(made(3, down=(2,))) == "2/3 available, leader alluxio-master-0, master 2 not"
    )
    assert quorum.shown(made(1, leading=-1)) == "1/1 available, no leader"


def test_another_member_that_answers_succeeds_a_leader_that_misses_one() -> None:
    heir = quorum.successor(made(3, leading=2, down=(0,)))
    assert heir is not None
    assert heir.ordinal == 1


@pytest.mark.parametrize(
    "found", [made(3), made(3, down=(1, 2)), made(3, leading=-1, down=(1,)), made(1)]
)
def test_nobody_succeeds_where_nothing_is_missed_or_nothing_can_be_decided(
    found: quorum.Quorum,
) -> None:
    assert quorum.successor(found) is None
