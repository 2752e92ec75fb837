"""The pure parts of tests/bench: reading Ansible's output, ratios, the table."""

from __future__ import annotations

import json

from tests.bench import by_hand
from tests.bench.measures import Measure, as_json, table
from tests.bench.playbook_log import read

LOG = [
    (1.0, "PLAY [Refuse what cannot work] *****"),
    (1.5, "TASK [preflight : Check every setting] ****"),
    (4.0, "PLAY [Deploy the cache] *****"),
    (4.1, "TASK [helm : Install Helm] ****"),
    (9.0, "TASK [alluxio : Wait [x]] ****"),
    (30.0, "PLAY [Prove that it serves] ****"),
    (30.1, "TASK [verify : Summary] ***"),
    (33.0, "PLAY RECAP ****"),
    (33.0, "n1                         : ok=9    changed=2    unreachable=0    failed=0"),
    (33.0, "n2                         : ok=3    changed=1    unreachable=0    failed=0"),
]


def test_a_run_is_read_from_its_output() -> None:
    run = read(LOG, 0, 33.5)
    assert (run.tasks, run.changed) == (4, 3)
    assert run.seconds_before_last_play == 30.0
    assert list(run.began) == [
        "Refuse what cannot work",
        "Deploy the cache",
        "Prove that it serves",
    ]


def test_a_run_without_plays_is_all_of_it() -> None:
    assert read([], 2, 1.5).seconds_before_last_play == 1.5


def test_a_measure_is_compared_by_medians() -> None:
    measure = Measure("deploy", "s", (30.0, 20.0, 40.0), "by hand", (40.0, 20.0), ratio_limit=1.0)
    assert measure.ratio == 1.0
    assert measure.is_within
    assert not Measure("deploy", "s", (31.0,), "by hand", (30.0,), ratio_limit=1.0).is_within
    assert not Measure("no-op", "s", (15.1,), limit=15).is_within


def test_the_table_says_what_is_over() -> None:
    text = table([Measure("no-op", "s", (15.14,), limit=15), Measure("tasks", "tasks", (31.0,))])
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["no-op", "15.1", "s", "15", "OVER"],
        ["tasks", "31", "tasks"],
    ]


def test_a_limit_for_each_sample_is_told_with_the_range() -> None:
    kills = Measure("fail-over", "s", (6.0, 11.0, 7.0), limit=10, worst_counts=True)
    assert not kills.is_within
    row = table([kills]).splitlines()[1].split()
    assert row == ["fail-over", "7", "s", "6", "to", "11", "10", "OVER"]


def test_json_keeps_every_sample() -> None:
    found = json.loads(as_json([Measure("d", "s", (1.234, 2.0), "by hand", (4.0,))]))[0]
    assert (found["samples"], found["baseline"], found["ratio"]) == ([1.23, 2.0], [4.0], 0.404)


def test_a_manifest_is_free_of_what_the_server_wrote() -> None:
    found = {
        "kind": "PersistentVolume",
        "metadata": {"name": "v", "uid": "1", "resourceVersion": "2"},
        "spec": {"claimRef": {"name": "c", "uid": "3"}},
        "status": {"phase": "Bound"},
    }
    assert by_hand.as_manifest(found) == {
        "kind": "PersistentVolume",
        "metadata": {"name": "v"},
        "spec": {"claimRef": {"name": "c"}},
    }
    assert found["spec"] == {"claimRef": {"name": "c", "uid": "3"}}
