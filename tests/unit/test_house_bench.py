"""The pure parts of tests/bench: reading Ansible's output, ratios, the table, topics, what commands by hand get."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import __main__ as main_module
from tests.bench import backup, by_hand, upgrade, verb
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


def test_seconds_without_a_way_by_hand_are_told_as_such() -> None:
    bare = Measure("scale-masters, 1 to 3", "s", (61.0, 63.0), verb.NO_WAY_BY_HAND)
    assert "61 to 63  no way by hand" in table([bare])
    assert json.loads(as_json([bare]))[0]["ratio"] is None


@pytest.mark.parametrize(
    ("only", "topics"),
    [
        ("", list(main_module.TOPICS)),
        ("failover, site", ["site", "failover"]),
        ("rollback,upgrade", ["upgrade"]),
        ("restore", ["backup"]),
    ],
)
def test_topics_are_chosen_by_name_and_keep_their_order(only: str, topics: list[str]) -> None:
    assert main_module.chosen(only) == topics


def test_an_unknown_topic_is_refused_before_a_lab_is_booted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main_module.main(["--only", "site,sight"]) == 2
    assert "--only sight: not among site, backup" in capsys.readouterr().err


def test_a_topic_that_fails_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[Measure]:
        raise RuntimeError("no master serves")

    good = Measure("uninstall", "s", (9.0,))
    monkeypatch.setattr(verb, "clear", lambda *_: None)
    monkeypatch.setitem(main_module.TOPICS, "backup", broken)
    monkeypatch.setitem(main_module.TOPICS, "uninstall", lambda *_: [good])
    options = verb.Options("bench", 1, 1, Path())
    found = main_module.measure(by_hand.Lab({}, {}), options, ["backup", "uninstall"])
    assert found == ([good], ["backup"])


def test_the_address_of_a_backup_is_read_from_what_alluxio_says() -> None:
    said = " Backup state: Running\r Backup state: Completed\rBackup Host        : m\n"
    assert backup.backup_uri(f"{said}Backup URI         : s3://b/x.gz\n") == "s3://b/x.gz"
    with pytest.raises(RuntimeError, match="named no backup"):
        backup.backup_uri(said)


def test_a_recipe_is_told_to_start_from_a_backup() -> None:
    values = {"imageTag": "2.9.6", "master": {"count": 1, "properties": {"a": "b"}}}
    recipe = by_hand.Recipe("{}", json.dumps(values), Path("chart"))
    told = backup.from_backup(recipe, "s3://b/x.gz")
    assert json.loads(told.values) == {
        "imageTag": "2.9.6",
        "master": {"count": 1, "properties": {"a": "b", backup.INIT_PROPERTY: "s3://b/x.gz"}},
    }
    assert json.loads(recipe.values) == values


def test_other_settings_keep_those_that_are_there() -> None:
    values = {"worker": {}, "properties": {"a": "b"}}
    assert upgrade.with_property(values, 7) == {
        "worker": {},
        "properties": {"a": "b", upgrade.PROPERTY: "7sec"},
    }
    assert values == {"worker": {}, "properties": {"a": "b"}}
