"""A reader sees the matrix, the narrowest, what is slow and what is missing; programs get all of it."""

from __future__ import annotations

import json
from dataclasses import replace

from ansible_collections.alluxops.cache.plugins.module_utils import network_report
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Link, Measured
from ansible_collections.alluxops.cache.plugins.module_utils.network_report import Asked
from tests.unit.cache.network_cases import MIB, NODES, links, measured

ASKED = Asked(
    limit=50,
    seconds=2,
    streams=4,
    seed=0,
    host_network=False,
    possible=3,
    pairs=3,
    rounds=3,
    nodes=3,
)

NARROWEST = (
    "  narrowest  the link from the store to 3 nodes: 25 MiB/s in all; wider: the tier on disk on 3 nodes"
    " 1.5 GiB/s, the network between nodes to 3 nodes 2.9 GiB/s"
)


def text(seen: Measured, asked: Asked = ASKED) -> str:
    return "\n".join(network_report.summary(seen, asked, "/tmp/report.json"))


def test_the_summary_has_the_matrix_and_the_narrowest() -> None:
    assert text(measured()).splitlines() == [
        "  measured   3 of 3 pairs of nodes, 2 s each way, 4 streams, on the pods' network",
        "  MiB/s      from \\ to         n1         n2         n3",
        "             n1                 -     1000.0     1000.0",
        "             n2            1000.0          -     1000.0",
        "             n3            1000.0     1000.0          -",
        "  ms         n1 - n2 0.1, n1 - n3 0.1, n2 - n3 0.1",
        "  store      http://s3:9000: n1 25 MiB/s, n2 25 MiB/s, n3 25 MiB/s alone, 25 MiB/s together; 0.5 ms",
        "  tiers      n1 500 MiB/s, n2 500 MiB/s, n3 500 MiB/s, on disk",
        NARROWEST,
        "  report     /tmp/report.json",
    ]


def test_a_slow_node_is_named() -> None:
    assert "  slow       n2: every link of it is slower than half of the fast ones" in text(
        replace(measured(), links=links(slow="n2"))
    )


def test_a_sample_is_told() -> None:
    asked = replace(ASKED, possible=4950, limit=3)
    assert "3 of 4950 pairs of nodes (network_pairs is 3), 2 s each way" in text(measured(), asked)


def test_many_nodes_are_a_summary() -> None:
    names = [f"n{number:02d}" for number in range(12)]
    many = [
        Link(a, b, MIB * (20 if (a, b) == ("n03", "n07") else 1000), 0.2)
        for a in names
        for b in names
        if a != b
    ]
    told = text(Measured(tuple(names), links=tuple(many)))
    assert "  links      20 MiB/s to 1000 MiB/s, median 1000 MiB/s" in told
    assert "  slowest    n03 -> n07 20 MiB/s, " in told
    assert "from \\ to" not in told
    assert "  slow       n03 -> n07 20 MiB/s, less than half of the fast ones" in told


def test_what_is_missing_is_told_with_its_reason() -> None:
    told = text(Measured(("n1",), not_measured=("the store: no S3",)), replace(ASKED, possible=0))
    assert "  measured   no pair of nodes" in told
    assert "  missing    the store: no S3" in told
    assert "  narrowest  unknown" in told


def test_a_check_says_what_would_be_measured_and_how_long_it_takes() -> None:
    lines = network_report.planned(ASKED, NODES, ["gpu1"], "s3://b/")
    assert lines == [
        "  workers    n1 n2 n3",
        "  compute    gpu1",
        "  would      measure 3 of 3 pairs of nodes, 2 s each way, 4 streams, on the pods' network",
        "  takes      about 32 s, and the start of 3 pods",
        "  store      s3://b/",
    ]
    one = replace(ASKED, possible=0, pairs=0, rounds=0, nodes=1)
    assert "n1 is the only one" in network_report.planned(one, ["n1"], [], "")[-1]


def test_the_document_has_all_of_it_as_json() -> None:
    seen = replace(measured(), links=links(slow="n2"))
    document = json.loads(
        json.dumps(network_report.document(seen, ASKED, "alluxio/alluxio", "2026-01-01"))
    )
    assert document["narrowest"]["resource"] == "store"
    assert document["slow"]["nodes"] == ["n2"]
    assert document["asked"]["pairs"] == 3
    assert Measured.from_dict(document) == seen


def test_figures_are_tables_with_gaps_where_nothing_was_measured() -> None:
    found = {figure["title"]: figure for figure in network_report.figures(measured())}
    matrix = found["Throughput between nodes, from row to column"]
    assert matrix["rows"] == matrix["columns"] == list(NODES)
    assert matrix["values"][0] == [None, 1000.0, 1000.0]
    assert found["From http://s3:9000"]["values"][-1] == [25.0]
    assert len(found) == 4
    assert network_report.figures(Measured(NODES)) == []
