"""Labs side by side never share an address."""

from __future__ import annotations

from itertools import combinations

import pytest

from lab.addresses import MAX_NODES, SLOTS, Addresses, overlaps, slot_order


def test_no_two_slots_share_an_address() -> None:
    for one, other in combinations(range(SLOTS), 2):
        assert not overlaps(Addresses(one).ranges, list(Addresses(other).ranges))
        assert Addresses(one).bridge != Addresses(other).bridge


def test_nodes_and_their_pods_lie_in_the_labs_ranges_and_apart() -> None:
    lab = Addresses(SLOTS - 1)
    pods = [lab.node_pods(index) for index in range(1, MAX_NODES + 1)]
    for index, own in enumerate(pods, 1):
        assert overlaps((lab.pods,), [own])
        assert overlaps((lab.nodes,), [f"{lab.node(index)}/32"])
        assert not overlaps((own,), [text for text in pods if text != own])
    assert not overlaps((lab.services,), pods)


def test_addresses_are_what_the_documentation_says() -> None:
    lab = Addresses(5)
    assert (lab.bridge, lab.host, lab.node(1)) == ("alx5", "10.77.5.1", "10.77.5.11")
    assert (lab.node_pods(2), lab.services) == ("10.78.82.0/24", "10.79.80.0/20")


@pytest.mark.parametrize("index", [0, MAX_NODES + 1])
def test_a_node_beyond_the_range_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=str(index)):
        Addresses(0).node(index)
    with pytest.raises(ValueError, match=str(index)):
        Addresses(0).node_pods(index)


def test_a_name_tries_all_slots_in_an_order_of_its_own_that_never_changes() -> None:
    assert slot_order("demo")[:3] == [0, 1, 2]
    assert slot_order("dev")[0] == 5
    assert sorted(slot_order("test")) == list(range(SLOTS))


def test_overlap_is_seen_with_a_wider_a_narrower_and_no_network() -> None:
    ranges = Addresses(0).ranges
    assert overlaps(ranges, ["10.0.0.0/8"])
    assert overlaps(ranges, ["10.77.0.200"])
    assert not overlaps(ranges, ["192.168.0.0/16", "fe80::/64"])
