"""What bounds an arm follows from what it used, and how far it is from that; what is slow is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Link, Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_verdict import (
    Arm,
    Source,
    Verdict,
    bound,
    narrowest,
    slow,
)
from tests.unit.cache.network_cases import MIB, NODES, disks, links, measured, store


def verdict(name: str, mib: float, source: Source, seen: Measured | None = None) -> Verdict:
    [found] = bound([Arm(name, mib * MIB, NODES, {source: 1.0})], seen or measured())
    return found


def test_an_arm_that_fills_the_link_to_the_store_is_bound_by_it() -> None:
    found = verdict("direct", 24, "store")
    assert (found.resource, found.is_bound, found.percent) == ("store", True, 96)
    assert found.text == (
        "direct: 24 MiB/s, 96 % of what the link from the store to 3 nodes allows (25 MiB/s): bound by it"
    )


def test_what_all_get_together_counts_where_the_store_s_own_link_is_narrow() -> None:
    wide = replace(measured(), store=store(alone=25, together=75))
    assert verdict("direct", 72, "store", wide).percent == 96
    assert verdict("direct", 24, "store", wide).is_bound is False


def test_where_all_together_is_not_known_the_sum_counts() -> None:
    seen = replace(measured(), store=replace(store(), together=None))
    assert verdict("direct", 72, "store", seen).percent == 96


def test_one_reader_has_the_link_of_its_node() -> None:
    seen = replace(measured(), store=store(alone=25, together=10))
    [found] = bound([Arm("direct", 24 * MIB, ("n1",), {"store": 1.0})], seen)
    assert (found.percent, found.ceiling_bytes_per_s) == (96, 25 * MIB)


def test_local_reads_are_bound_by_the_tiers() -> None:
    found = verdict("warm", 1400, "local")
    assert (found.resource, found.ceiling_bytes_per_s, found.percent) == ("tiers", 1500 * MIB, 93)
    assert "the tier on disk on 3 nodes" in found.text


def test_tiers_that_were_not_measured_are_told_apart() -> None:
    seen = measured()
    found = verdict("warm", 1400, "local", replace(seen, disks=seen.disks[:1]))
    assert found.ceiling_bytes_per_s == 1500 * MIB
    assert "the tier on disk on 3 nodes (2 taken to be as the others)" in found.text


def test_remote_reads_are_bound_by_links_or_by_the_tiers_behind_them() -> None:
    assert verdict("remote", 1400, "remote").resource == "tiers"
    narrow = replace(measured(), links=links(100))
    found = verdict("remote", 290, "remote", narrow)
    assert (found.resource, found.percent) == ("links", 97)


def test_an_arm_far_from_every_ceiling_is_bound_by_neither_link_nor_disk() -> None:
    found = verdict("small files", 30, "local")
    assert (found.resource, found.is_bound, found.percent) == ("tiers", False, 2)
    assert "bound by no link and no disk" in found.text
    assert "CPU" in found.text


def test_a_mixture_is_bound_by_the_source_that_gives_out_first() -> None:
    """A tenth of the bytes from a store of 25 MiB a second allows 250 in all."""
    arm = Arm("cold", 240 * MIB, NODES, {"store": 0.1, "local": 0.9})
    [found] = bound([arm], measured())
    assert (found.resource, round(found.ceiling_bytes_per_s / MIB)) == ("store", 250)
    assert found.percent == 96


def test_a_source_that_gives_bytes_again_gives_out_sooner() -> None:
    [found] = bound([Arm("cold", 12 * MIB, NODES, {"store": 2.0})], measured())
    assert (found.resource, found.percent, found.ceiling_bytes_per_s) == ("store", 96, 12.5 * MIB)
    assert "(12.5 MiB/s, as each byte passes it 2.0 times)" in found.text


def test_what_is_far_exceeded_is_no_ceiling_and_the_next_one_counts() -> None:
    found = verdict("warm", 6750, "local")
    assert (found.resource, found.is_bound) == (None, False)
    assert found.text == (
        f"warm: 6.6 GiB/s; {found.beyond}, and nothing is known of what bounds it"
    )
    assert found.beyond.startswith("450 % of what the tier on disk on 3 nodes was measured to")
    found = verdict("warm", 2900, "remote")
    assert (found.resource, found.percent, found.is_bound) == ("links", 97, True)
    assert "193 % of what the tier" in found.beyond
    assert verdict("warm", 1700, "local").is_bound  # 113 %: measuring is no more exact


def test_a_source_of_next_to_nothing_does_not_count() -> None:
    arm = Arm("warm", 1400 * MIB, NODES, {"store": 0.01, "local": 0.99})
    [found] = bound([arm], measured())
    assert found.resource == "tiers"


def test_nothing_measured_is_nothing_known() -> None:
    found = verdict("direct", 24, "store", Measured(NODES))
    assert (found.resource, found.is_bound) == (None, False)
    assert "nothing is known" in found.text


def test_nodes_that_were_not_measured_are_taken_to_be_like_the_others() -> None:
    arm = Arm("warm", 2400 * MIB, (*NODES, "n4", "n5"), {"local": 1.0})
    [found] = bound([arm], measured())
    assert found.ceiling_bytes_per_s == 2500 * MIB


def test_the_narrowest_is_what_gives_all_nodes_the_least() -> None:
    found = narrowest(measured())
    assert found is not None
    assert found[0].resource == "store"
    assert [other.resource for other in found[1]] == ["tiers", "links"]
    near = replace(measured(), store=store(2000, 6000), disks=disks(3000, "memory"))
    found = narrowest(near)
    assert found is not None
    assert found[0].resource == "links"
    assert narrowest(Measured(NODES)) is None


@pytest.mark.parametrize("node", NODES)
def test_a_node_with_a_slow_link_is_named_although_most_links_are_slow_then(node: str) -> None:
    found = slow(Measured(NODES, links=links(slow=node)))
    assert (found.nodes, found.links) == ((node,), ())


def test_a_link_that_alone_is_slow_is_named_and_no_node() -> None:
    given = [
        replace(link, bytes_per_s=10.0 * MIB)
        if (link.source, link.target) == ("n1", "n2")
        else link
        for link in links()
    ]
    found = slow(Measured(NODES, links=tuple(given)))
    assert found.nodes == ()
    assert [(link.source, link.target) for link in found.links] == [("n1", "n2")]


def test_even_links_are_not_slow() -> None:
    assert slow(measured()) == slow(Measured(NODES))
    assert slow(measured()).nodes == ()
    pair = (Link("n1", "n2", 100.0), Link("n2", "n1", 60.0))
    assert slow(Measured(("n1", "n2"), links=pair)).links == ()


def test_a_node_that_is_far_from_the_store_is_named() -> None:
    far = store()
    seen = Measured(NODES, store=replace(far, alone={**far.alone, "n3": 5.0 * MIB}))
    assert slow(seen).from_store == ("n3",)
