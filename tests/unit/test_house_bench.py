"""The pure parts of tests/bench: reading Ansible's output, ratios, the table, topics, what commands by hand get."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import health
from tests.bench import __main__ as main_module
from tests.bench import backup, benchmark, by_hand, profiles, upgrade, verb
from tests.bench.fleet import hosts, ways
from tests.bench.fleet import topic as fleet
from tests.bench.measures import Measure, as_json, goals, table
from tests.bench.options import Options
from tests.bench.playbook_log import read
from tests.bench.simulated import cluster, release
from tests.bench.simulated import topic as simulated

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
    assert not Measure("deploy", "s", (31.0,), "by hand", ratio_limit=1.0).is_within


def test_the_table_says_what_is_over() -> None:
    text = table([Measure("no-op", "s", (15.14,), limit=15), Measure("tasks", "tasks", (31.0,))])
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["no-op", "15.1", "s", "15", "MISSED"],
        ["tasks", "31", "tasks"],
    ]


def test_a_limit_for_each_sample_is_told_with_the_range() -> None:
    kills = Measure("fail-over", "s", (6.0, 11.0, 7.0), limit=10, worst_counts=True)
    assert not kills.is_within
    row = table([kills]).splitlines()[1].split()
    assert row == ["fail-over", "7", "s", "6", "to", "11", "10", "MISSED"]


def test_goals_are_summed_up_by_name() -> None:
    hundredth = Measure("check", "s", (9.0,), "checksum", (1000.0,), ratio_limit=0.01)
    assert table([hundredth]).splitlines()[1].split()[-4:] == ["0.0090", "ratio", "0.01", "met"]
    slow = Measure("no-op", "s", (15.1,), limit=15)
    bare = Measure("repair", "s", (9.0,), verb.NO_WAY_BY_HAND)
    assert goals([hundredth, bare]) == "goals: 1 of 1 met"
    assert goals([hundredth, slow, bare]) == "goals: 1 of 2 met; MISSED: no-op"
    assert goals([bare]) == ""


def test_a_ratio_may_be_too_small() -> None:
    enough, short = (
        Measure("warm", "MiB/s", (each,), "direct-slow", (2.0,), ratio_least=5)
        for each in (10.0, 9.9)
    )
    assert table([enough]).splitlines()[1].endswith("5.00   ratio 5.00 or more  met")
    assert goals([enough, short]) == "goals: 1 of 2 met; MISSED: warm"
    assert not Measure("warm", "MiB/s", (10.0,), ratio_least=5).is_within


def test_the_fastest_warm_arm_of_each_workload_is_to_be_far_ahead_of_the_slow_link() -> None:
    def workload(name: str, **mib_s: float) -> dict[str, Any]:
        arms = [
            {"arm": arm.replace("_", "-"), "runs": [{"mib_s": each}, {"mib_s": each}]}
            for arm, each in mib_s.items()
        ]
        return {"name": name, "arms": arms}

    small = workload("small", direct=90.0, direct_slow=1.0, warm_fuse=4.0, warm_s3=4.9)
    large = workload("large", direct=90.0, direct_slow=1.0, warm_fuse=5.0, warm_s3=4.9)
    found = benchmark.measures_of({"workloads": [small, large]})
    assert [one.name for one in found if one.has_goal] == ["small, warm-s3", "large, warm-fuse"]
    assert goals(found) == "goals: 1 of 2 met; MISSED: small, warm-s3"


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
        ("", [*main_module.WITHOUT_LAB, *main_module.TOPICS]),
        ("failover, site", ["site", "failover"]),
        ("rollback,upgrade", ["upgrade"]),
        ("restore", ["backup"]),
        ("site,simulated", ["simulated", "site"]),
    ],
)
def test_topics_are_chosen_by_name_and_keep_their_order(only: str, topics: list[str]) -> None:
    assert main_module.chosen(only) == topics


def test_it_starts_outside_of_pytest() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--help"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--only" in done.stdout


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
    found = main_module.Findings()
    options = Options("bench", 1, 1, Path())
    main_module.measure(by_hand.Lab({}, {}), options, ["backup", "uninstall"], found)
    assert (found.measures, found.failed) == ([good], ["backup"])


def test_topics_with_hosts_of_their_own_boot_no_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Options] = []

    def measure(options: Options) -> list[Measure]:
        asked.append(options)
        return [Measure("bootstrap's node work", "s", (1.0,), "pyinfra", (2.0,))]

    monkeypatch.setitem(main_module.WITHOUT_LAB, "fleet", measure)
    monkeypatch.setattr(main_module, "booted", None)
    arguments = ["--only", "fleet", "--hosts", "7", "--forks", "5,50", "--nodes", "10,20"]
    assert main_module.main([*arguments, "--json", str(tmp_path / "bench.json")]) == 0
    assert (asked[0].hosts, asked[0].forks, asked[0].nodes) == (7, (5, 50), (10, 20))
    assert "0.50" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "more", "code"), [(2.0, [], 0), (2.0, ["--strict"], 1), (1.0, ["--strict"], 0)]
)
def test_a_missed_goal_is_told_and_fails_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float, more: list[str], code: int
) -> None:
    found = [Measure("node work", "s", (seconds,), limit=1)]
    monkeypatch.setitem(main_module.WITHOUT_LAB, "fleet", lambda _: found)
    place = tmp_path / "bench.json"
    assert main_module.main(["--only", "fleet", "--json", str(place), *more]) == code
    assert json.loads(place.read_text())[0]["within"] == (seconds == 1)


def test_an_sshd_s_log_tells_connections_and_commands() -> None:
    log = (
        "Server listening on 127.1.0.1 port 22.\n"
        "Accepted publickey for root from 127.0.0.1 port 4 ssh2: ED25519 SHA256:x\n"
        "Starting session: command for root from 127.0.0.1 port 4 id 0\n"
        "Starting session: subsystem 'sftp' for root from 127.0.0.1 port 4 id 1\n"
    )
    assert hosts.read_log(log) == hosts.Trips(connections=1, sessions=2)


def test_ours_is_tried_with_each_setting_and_a_table_has_them_all() -> None:
    ours = ways.Way("ours", ["ansible-playbook"], {})
    assert ways.settings_of(ours, ()) == []
    tried = ways.settings_of(ours, (5, 50))
    assert len({way.name for way in tried}) == len(tried) == 8
    last = tried[-1].environment
    assert (last["ANSIBLE_FORKS"], last["ANSIBLE_PIPELINING"]) == ("50", "False")
    assert last["ANSIBLE_SSH_ARGS"] == ways.NO_PERSISTENCE
    takes = [
        {"name": way.name, "seconds": float(number + more), "processor_s": 1.0}
        for number, way in enumerate(tried)
        for more in (0, 2)
    ]
    assert fleet.grid((5, 50), takes).splitlines() == [
        "| forks | both | no pipelining | no ControlPersist | neither |",
        "| --- | --- | --- | --- | --- |",
        "| 5 | 1.0 (1.0) | 2.0 (1.0) | 3.0 (1.0) | 4.0 (1.0) |",
        "| 50 | 5.0 (1.0) | 6.0 (1.0) | 7.0 (1.0) | 8.0 (1.0) |",
    ]


def test_hosts_have_loopback_addresses_of_their_own() -> None:
    found = {hosts.address(number) for number in range(1000)}
    assert len(found) == 1000
    assert all(re.fullmatch(r"127\.1\.\d\.(?!0$)\d{1,3}", one) for one in found)


def _take(verb_name: str, nodes: int, requests: int, pages: int) -> dict[str, Any]:
    used = {"seconds": 3.0, "processor_s": 2.0, "memory_bytes": 1 << 28}
    return {"verb": verb_name, "nodes": nodes, "requests": requests, "pages": pages, **used}


def test_discovery_is_told_from_lists() -> None:
    found = cluster.DISCOVERY.match
    assert all(map(found, ("/api", "/api/v1", "/apis", "/apis/apps/v1")))
    lists = ("/api/v1/nodes?limit=500", "/apis/storage.k8s.io/v1/storageclasses?limit=500")
    assert not any(map(found, lists))


def test_requests_are_over_where_they_grow_with_nodes() -> None:
    takes = [
        _take("status", 100, 16, 0),
        _take("status", 5000, 35, 19),
        _take("preflight of the cluster", 100, 17, 0),
        _take("preflight of the cluster", 5000, 5017, 0),
    ]
    counted = [one for one in simulated.told(takes) if one.name.endswith("requests")]
    assert [one.is_within for one in counted] == [True, True, True, False]


def test_the_leader_of_a_simulated_release_names_each_worker() -> None:
    body = release.master_info([("10.0.0.1", "10.1.0.1"), ("10.0.0.2", "10.1.0.2")]).decode()
    leader = health.parse_leader("alluxio-master-0", body)
    assert leader is not None
    assert [worker.host for worker in leader.workers] == ["10.0.0.1", "10.0.0.2"]
    assert set(leader.heard_of) == {"10.0.0.1", "10.1.0.1", "10.0.0.2", "10.1.0.2"}


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


def test_profiles_are_compared_with_upstream_epoch_by_epoch() -> None:
    def arm(name: str, first: float, second: float) -> dict[str, Any]:
        runs = [[{"files_s": value}] for value in (first, second)]
        return {"arm": name, "runs": runs[0], "later": [{"runs": runs[1]}]}

    arms = [
        arm("warm-fuse", 11.0, 20.0),
        arm("warm-fuse/upstream", 10.0, 20.0),
        arm("warm-fuse/small-files", 12.0, 60.0),
    ]
    report = {"workloads": [{"name": "small", "arms": arms}]}
    found = {measure.name: measure.ratio for measure in profiles.measures_of(report)}
    assert found == {
        "small, warm-fuse, epoch 1, no profile": 1.1,
        "small, warm-fuse, epoch 2, no profile": 1.0,
        "small, warm-fuse, epoch 1, small-files": 1.2,
        "small, warm-fuse, epoch 2, small-files": 3.0,
    }
