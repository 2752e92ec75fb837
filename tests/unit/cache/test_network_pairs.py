"""Every pair is measured once, and no node twice at a time."""

from __future__ import annotations

from itertools import combinations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.network_pairs import (
    schedule,
    tournament,
)


def names(count: int) -> list[str]:
    return [f"n{number:03d}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 13, 40])
def test_every_pair_meets_once_and_nobody_plays_twice_in_a_round(count: int) -> None:
    rounds = tournament(names(count))
    for pairs in rounds:
        playing = [node for pair in pairs for node in pair]
        assert len(playing) == len(set(playing))
    met = sorted(tuple(sorted(pair)) for pairs in rounds for pair in pairs)
    assert met == sorted(combinations(names(count), 2))


@pytest.mark.parametrize(("count", "rounds"), [(2, 1), (3, 3), (4, 3), (9, 9), (10, 9)])
def test_there_are_as_few_rounds_as_can_be(count: int, rounds: int) -> None:
    assert len(tournament(names(count))) == rounds


def test_all_pairs_are_taken_where_there_are_few() -> None:
    found = schedule(names(4), [], 50, 0)
    assert found.possible == len(found.pairs) == 6
    assert found.nodes == tuple(names(4))


def test_of_many_there_is_a_sample_in_which_all_take_part() -> None:
    found = schedule(names(100), [], 50, 0)
    assert found.possible == 4950
    assert len(found.pairs) == 50
    assert len(found.rounds) == 1
    assert len(found.nodes) == 100


def test_a_sample_is_never_larger_than_asked_for() -> None:
    found = schedule(names(100), [], 75, 0)
    assert [len(pairs) for pairs in found.rounds] == [50, 25]
    assert [len(pairs) for pairs in schedule(names(100), [], 7, 0).rounds] == [7]


def test_the_same_number_takes_the_same_sample_and_another_another() -> None:
    first, same, other = (schedule(names(30), [], 10, seed) for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_nodes_that_only_compute_are_not_measured_with_one_another() -> None:
    found = schedule(["w1", "w2"], ["c1", "c2", "c3"], 50, 0)
    assert sorted(found.pairs) == [
        ("c1", "w1"), ("c1", "w2"), ("c2", "w1"), ("c2", "w2"), ("c3", "w1"), ("c3", "w2"), ("w1", "w2"),
    ]  # fmt: skip
    assert found.possible == 7


def test_a_node_by_itself_has_no_pair() -> None:
    found = schedule(["n1"], [], 50, 0)
    assert (found.rounds, found.possible, found.nodes) == ((), 0, ())
