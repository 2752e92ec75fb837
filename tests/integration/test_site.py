"""What `site` promises, on a real cluster: first run, no-op, change, refusal, interruption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cache_under_test import NAMESPACE, Cache, Outcome
from tests.integration.lab_under_test import RunningLab

TASKS_OF_A_NO_OP = 60


@pytest.fixture(scope="module")
def fresh(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A lab without the release; what an earlier test module left of it is removed."""
    cache = Cache(lab, tmp_path_factory.mktemp("site"))
    cache.remove()
    return cache


@pytest.fixture(scope="module")
def check_mode(fresh: Cache) -> Outcome:
    """`--check --diff` before anything was deployed, which must leave no trace."""
    before = fresh.fingerprint()
    outcome = fresh.verb("site", "--check", "--diff")
    assert fresh.fingerprint() == before
    return outcome


@pytest.fixture(scope="module")
def first(fresh: Cache, check_mode: Outcome) -> Outcome:
    """The first real run."""
    return fresh.verb("site")


@pytest.fixture(scope="module")
def cache(fresh: Cache, first: Outcome) -> Cache:
    """The deployed cache."""
    assert first.code == 0, first.output
    return fresh


def test_check_mode_before_the_first_run_predicts_and_changes_nothing(
    fresh: Cache, check_mode: Outcome
) -> None:
    assert check_mode.code == 0, check_mode.output
    assert "/mnt/fuse3/alluxio/alluxio/journal" in check_mode.output
    assert (
        "alluxio-journal-alluxio-master-0: formatted unless it holds a journal" in check_mode.output
    )


def test_the_first_run_ends_with_a_serving_cache(cache: Cache, first: Outcome) -> None:
    assert set(cache.ready().values()) == {"2/2"}
    assert len(cache.ready()) == 1 + 3
    assert "runTests 24/24" in first.output
    assert "same digest" in first.output


def test_a_second_run_changes_nothing_and_is_short(cache: Cache) -> None:
    before = cache.releases()
    outcome = cache.playbook("site.yml")
    assert set(outcome.changed.values()) == {0}, outcome.output
    assert outcome.tasks <= TASKS_OF_A_NO_OP
    assert cache.releases() == before


def test_check_mode_after_a_run_shows_no_difference(cache: Cache) -> None:
    outcome = cache.playbook("site.yml", "--check", "--diff")
    assert set(outcome.changed.values()) == {0}, outcome.output
    assert "+++" not in outcome.output


def test_a_changed_setting_is_shown_then_applied_and_restarts_what_reads_it(cache: Cache) -> None:
    changed = {
        "alluxio_worker_quota": 402653184,
        "alluxio_values": {
            **cache.lab.values,
            "properties": {"alluxio.user.metrics.heartbeat.interval": "3sec"},
        },
    }
    workers = cache.starts("alluxio-worker")
    shown = cache.playbook("site.yml", "--check", "--diff", **changed)
    assert "402653184" in shown.output
    assert "alluxio.user.metrics.heartbeat.interval=3sec" in shown.output
    assert cache.starts("alluxio-worker") == workers

    cache.apply("site", **changed)
    assert not set(cache.starts("alluxio-worker")) & set(workers)
    report = json.loads(cache.apply("status", "--json", **changed).output)
    assert {worker["capacity_bytes"] for worker in report["workers"]} == {402653184}
    assert "3sec" in cache.shell("getConf", "alluxio.user.metrics.heartbeat.interval")

    cache.apply("site")
    assert set(cache.playbook("site.yml").changed.values()) == {0}


def test_a_change_whose_proof_failed_is_proven_by_the_next_run(cache: Cache) -> None:
    bad = {"alluxio_root_ufs_credentials": {"accessKeyId": "BAD", "secretKey": "BAD"}}
    for outcome in (cache.verb("site", **bad), cache.verb("site", **bad)):
        assert outcome.code == 1, outcome.output
    changed = cache.starts("alluxio-master")
    shown = cache.verb(
        "site", "--check", **bad
    )  # whose notes a plain ansible-playbook does not print
    assert "nothing has proven yet that revision" in shown.output

    good = cache.apply("site")
    assert "runTests 24/24" in good.output
    assert cache.starts("alluxio-master") != changed
    assert "runTests" not in cache.apply("site").output


def test_a_revision_that_nobody_has_proven_is_proven_without_a_change(cache: Cache) -> None:
    newest = cache.releases()[-1].split()[0]
    record = f"secret/sh.helm.release.v1.{cache.name}.v{newest}"
    cache.lab.kubectl("annotate", "-n", cache.name, record, "alluxops.io/proven-")
    outcome = cache.playbook("site.yml")
    assert "runTests 24/24" in outcome.output
    assert set(outcome.changed.values()) == {0}, outcome.output
    assert outcome.tasks <= TASKS_OF_A_NO_OP
    assert "runTests" not in cache.playbook("site.yml").output


def test_what_is_written_lands_in_the_bucket_and_is_read_on_another_node(cache: Cache) -> None:
    report = json.loads(cache.apply("verify", "--json").output)
    proof = report["verify"]["write_read"]
    assert proof["digest_equal"]
    assert proof["writer"] != proof["reader"]
    assert proof["bytes_remote"] > 0
    assert report["verify"]["run_tests"] == {"passed": 24, "total": 24, "failed": [], "cause": ""}
    assert report["verify"]["consistency"]["inconsistent"] == []

    cache.shell(
        "fs",
        "-Dalluxio.user.file.writetype.default=CACHE_THROUGH",
        "cp",
        "file:///opt/alluxio/conf/log4j.properties",
        "/landed",
    )
    body = cache.lab.s3().get_object(Bucket="datasets", Key="landed")["Body"].read()
    assert b"log4j" in body
    cache.shell("fs", "rm", "/landed")
    leftovers = cache.lab.s3().list_objects_v2(Bucket="datasets").get("Contents", [])
    assert [item["Key"] for item in leftovers] == ["README.txt"]  # the lab puts it there


def test_no_secret_is_in_configmaps_logs_or_the_helm_record(cache: Cache, first: Outcome) -> None:
    secret = json.loads(cache.lab.paths.s3_credentials.read_text())["secretKey"]
    maps = cache.lab.kubectl("get", "configmaps", "-A", "-o", "yaml")
    pods = cache.lab.kubectl("get", "pods", "-A", "-o", "yaml")
    record = cache.lab.run("helm", "get", "all", "alluxio", "-n", NAMESPACE)
    verbose = cache.playbook("site.yml", "-vvv").output
    for text in (maps, pods, record, first.output, verbose):
        assert secret not in text


BAD = [
    pytest.param({"alluxio_mastres": 3}, "alluxio_masters", id="unknown variable"),
    pytest.param({"alluxio_masters": "three"}, "alluxio_masters", id="wrong type"),
    pytest.param({"alluxio_masters": 2}, "alluxio_masters is 2", id="two masters"),
    pytest.param(
        {"alluxio_values_files": ["/nowhere/values.yaml"]}, "/nowhere/values.yaml", id="no file"
    ),
    pytest.param(
        {"alluxio_values": {"alluxio.zookeeper.enabled": True}}, "properties", id="set-style key"
    ),
    pytest.param({"alluxio_root_ufs": ""}, "alluxio_root_ufs", id="no root UFS"),
    pytest.param({"alluxio_worker_quota": 1 << 40}, "quota", id="quota over the memory limit"),
    pytest.param(
        {"alluxops_kubeconfig": "/nowhere/kubeconfig"}, "/nowhere/kubeconfig", id="no kubeconfig"
    ),
]


def test_what_someone_deleted_is_told_then_made_anew(cache: Cache) -> None:
    cache.lab.kubectl("delete", "daemonset", "-n", NAMESPACE, "alluxio-worker")
    told = cache.playbook("site.yml", "--check", "--diff")
    assert told.code == 0, told.output
    assert cache.lab.kubectl("get", "daemonset", "-n", NAMESPACE, "-o", "name") == ""
    assert sum(told.changed.values()) == 1, told.output
    cache.apply("site")
    assert set(cache.ready().values()) == {"2/2"}
    assert len(cache.ready()) == 1 + 3


def test_masters_that_someone_scaled_away_are_not_waited_for(cache: Cache) -> None:
    scale = ("scale", "statefulset", "-n", NAMESPACE, "alluxio-master", "--replicas")
    cache.lab.kubectl(*scale, "0")
    try:
        refused = cache.verb("site")
        assert refused.code == 1, refused.output
        assert "alluxio-master is scaled to 0 of 1 masters" in refused.output
        assert "--replicas=1" in refused.output
    finally:
        cache.lab.kubectl(*scale, "1")
    assert ", 0 changed" in cache.apply("site").output


@pytest.fixture
def untouched(cache: Cache) -> Iterator[None]:
    """Fails the test that uses it if anything that `site` makes is another one after it."""
    before = cache.fingerprint()
    yield
    assert cache.fingerprint() == before


@pytest.mark.parametrize(("settings", "named"), BAD)
@pytest.mark.usefixtures("untouched")
def test_bad_settings_are_refused_before_anything_changes(
    cache: Cache, settings: dict[str, Any], named: str
) -> None:
    outcome = cache.verb("site", **settings)
    assert outcome.code == 2, outcome.output
    assert "Error: " in outcome.output
    assert "Fix: " in outcome.output
    assert named in outcome.output


@pytest.mark.usefixtures("untouched")
def test_a_manifest_given_as_values_is_refused(cache: Cache, tmp_path: Path) -> None:
    manifest = tmp_path / "alluxio-configmap.yaml"
    manifest.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n")
    outcome = cache.verb("site", alluxio_values_files=[str(manifest)])
    assert outcome.code == 2, outcome.output
    assert "ConfigMap" in outcome.output


@pytest.mark.usefixtures("untouched")
def test_an_unreachable_api_is_refused(cache: Cache, tmp_path: Path) -> None:
    dead = tmp_path / "kubeconfig"
    dead.write_text(cache.lab.kubeconfig.read_text().replace(":6443", ":9"))
    outcome = cache.verb("site", alluxops_kubeconfig=str(dead))
    assert outcome.code == 2, outcome.output
    assert ":9" in outcome.output


@pytest.mark.usefixtures("untouched")
def test_one_unreachable_node_of_three_is_refused(cache: Cache, tmp_path: Path) -> None:
    dead = tmp_path / "dead.yml"
    nowhere = {"ansible_host": cache.lab.state.addresses.host, "ansible_port": 9}
    dead.write_text(json.dumps({"all": {"hosts": {"n3": nowhere}}}))
    outcome = cache.verb("site", "-i", str(dead))
    assert outcome.code == 2, outcome.output
    assert "n3" in outcome.output


def test_a_revision_that_a_dead_helm_left_pending_does_not_block(cache: Cache) -> None:
    number = cache.leave_pending()
    outcome = cache.playbook("site.yml")
    assert f"recovered: revision {number} was left pending-upgrade" in outcome.output
    assert cache.releases()[-1].endswith("deployed")
    assert set(cache.playbook("site.yml").changed.values()) == {0}


@pytest.mark.parametrize("first_run", [False, True], ids=["upgrade", "install"])
def test_a_run_killed_while_helm_works_is_made_good_by_the_next(
    cache: Cache, *, first_run: bool
) -> None:
    settings: dict[str, Any] = {"alluxio_worker_quota": 419430400}
    if first_run:
        cache.remove()
    inventory = str(cache.lab.inventory)
    with cache.running("alluxops", "site", "-i", inventory, **settings) as process:
        cache.wait_for("Helm", lambda: "Install or upgrade the release" in cache.running_log)
        cache.kill(process)
    cache.apply("site", **settings)
    assert cache.releases()[-1].endswith("deployed")
    assert set(cache.ready().values()) == {"2/2"}
    assert set(cache.playbook("site.yml", **settings).changed.values()) == {0}


def test_a_run_beside_a_living_one_is_refused_and_a_dead_one_does_not_block(cache: Cache) -> None:
    inventory = str(cache.lab.inventory)
    with cache.running("alluxops", "site", "-i", inventory) as process:
        cache.wait_for(
            "the lease",
            lambda: "node_storage" in cache.running_log or "Prepare" in cache.running_log,
        )
        second = cache.verb("site")
        assert process.poll() is None, cache.running_log
        cache.kill(process)
    assert second.code == 2, second.output
    assert "another run" in second.output
    cache.apply("site")
