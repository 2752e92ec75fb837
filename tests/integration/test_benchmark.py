"""What `benchmark` promises: every arm proven, warm ahead of a slow link, and nothing of others touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab
from tests.integration.slow_link import WARM_UP_S, slow_link
from tests.integration.store_under_test import empty, keys

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

NAME = "benchmark"
ROOT_PREFIX = "benchmark-under-test"
TOP = f"{ROOT_PREFIX}/alluxops-benchmark/"
SMALL: dict[str, Any] = {"name": "small-files", "files": 300, "bytes": 50_000}
LARGE: dict[str, Any] = {"name": "large-files", "files": 6, "bytes": 16 * 1024**2}
SETTINGS: dict[str, Any] = {
    "verify_tests": False,
    "alluxio_root_ufs": f"s3://datasets/{ROOT_PREFIX}/",
    "alluxio_worker_quota": 256 * 1024**2,
    "benchmark_workloads": [SMALL, LARGE],
    "benchmark_runs": 1,
    "benchmark_parallelism": 2,
}
ARMS = ["direct", "direct-slow", "cold", "warm-fuse", "warm-short-circuit", "warm-s3"]


@dataclass(frozen=True)
class Measured:
    """A cache with a proxy beside each worker, and a slow link to its store."""

    cache: Cache
    reports: Path
    far: str

    def run(self, *argv: str, code: int = 0, **more: Any) -> Outcome:
        """`alluxops benchmark`."""
        given = {"benchmark_report": str(self.reports), "benchmark_slow_endpoint": self.far}
        outcome = self.cache.verb("benchmark", *argv, **{**SETTINGS, **given, **more})
        assert outcome.code == code, outcome.output
        return outcome

    @property
    def files(self) -> list[Path]:
        """The reports for programs, oldest first."""
        return sorted(self.reports.glob("*.json"))

    @property
    def report(self) -> dict[str, Any]:
        """The newest."""
        found: dict[str, Any] = json.loads(self.files[-1].read_text())
        return found

    @property
    def stored(self) -> list[str]:
        """The files in the store below the benchmark's directory.

        Alluxio itself makes an object, whose key ends with a slash, for each directory that it lists.
        """
        found = keys(self.cache.lab, "datasets")
        return [key for key in found if key.startswith(TOP) and not key.endswith("/")]

    def leftovers(self) -> str:
        """What of it is in the cluster."""
        where = ("-n", NAME, "-l", "alluxops/task=benchmark", "--no-headers")
        return self.cache.lab.kubectl("get", "jobs,configmaps,pods", *where)


def values_file(folder: Path, name: str, values: dict[str, Any]) -> list[str]:
    """Beside the lab's own alluxio_values, which these settings would take the place of."""
    path = folder / name
    path.write_text(yaml.safe_dump(values))
    return [str(path)]


@pytest.fixture(scope="module")
def measured(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """A deployed cache, whose root has something of somebody else's in it."""
    folder = tmp_path_factory.mktemp(NAME)
    cache = Cache(lab, folder, NAME)
    cache.remove()
    empty(lab, "no-such-bucket", ROOT_PREFIX)
    lab.s3().put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/file", Body=b"a" * 1000)
    proxy = {"proxy": {"enabled": True, "jvmOptions": ["-Xmx256m"]}}
    SETTINGS["alluxio_values_files"] = values_file(folder, "proxy.yml", proxy)
    cache.apply("site", **SETTINGS)
    with slow_link(lab) as far:
        yield Measured(cache, folder / "reports", far)
    cache.remove()
    empty(lab, "no-such-bucket", ROOT_PREFIX)


def test_what_cannot_be_measured_is_refused(measured: Measured) -> None:
    huge = {"name": "huge", "files": 3, "bytes": 300 * 1024**2}
    text = measured.run(code=2, benchmark_workloads=[{**SMALL, "files": 1}, huge]).output
    assert "small-files has 1 file for 3 workers" in text
    assert "huge (900 MiB) takes 300 MiB of each worker" in text
    assert "There is no such arm" in measured.run(code=2, benchmark_arms=["warm"]).output
    text = measured.run(code=2, benchmark_arms=["direct-slow"], benchmark_slow_endpoint="").output
    assert "benchmark_slow_endpoint is not set" in text
    assert "cannot be read" in measured.run(code=2, benchmark_baseline="/nowhere.json").output
    assert measured.stored == []


def test_a_check_says_what_would_be_measured(measured: Measured) -> None:
    text = measured.run("--check").output
    assert "small-files: 300 files of 48.8 KiB, 3 readers" in text
    assert "warm-s3, 1 run: the own node's proxy" in text
    assert "make      small-files: 300 files of 48.8 KiB" in text
    assert "1 would change" in text
    assert measured.stored == []
    assert measured.files == []


def test_every_arm_is_proven_and_warm_is_ahead_of_the_slow_link(measured: Measured) -> None:
    text = measured.run(benchmark_warm_up_s=WARM_UP_S).output
    report = measured.report
    assert report["wrong"] == []
    assert report["network"] is None
    assert "without   ceilings of network and disks: `alluxops network` measures them" in text
    for workload in report["workloads"]:
        by_name = {arm["arm"]: arm for arm in workload["arms"]}
        assert list(by_name) == ARMS
        assert all(arm["p50_ms"] <= arm["p95_ms"] <= arm["p99_ms"] for arm in by_name.values())
        assert by_name["direct"]["moved"] is None
        assert by_name["warm-s3"]["moved"] <= 1.3
        again = [arm["finding"] for arm in by_name.values() if (arm["moved"] or 0) > 1.3]
        assert all(one in workload["verdict"] and one in text for one in again)
        best = max(by_name[name]["mib_s"] for name in ARMS if name.startswith("warm"))
        # How far is what `make bench` tells, on a machine with nothing else to do.
        assert best > by_name["direct-slow"]["mib_s"], text
        assert "bound by" in workload["verdict"][-1]
        assert workload["verdict"][-1] in text
    page = measured.files[-1].with_suffix(".html")
    assert page.read_text().count("<svg") >= 4
    assert page.stat().st_mode & 0o777 == 0o600


def test_it_leaves_its_files_and_nothing_else(measured: Measured) -> None:
    assert "No resources found" in measured.leftovers()
    listed = measured.cache.script("alluxio fs ls -R /alluxops-benchmark")
    assert "100%" not in listed
    assert len(measured.stored) == SMALL["files"] + LARGE["files"] + 2


def test_profiles_are_measured_against_upstream_in_one_run(measured: Measured) -> None:
    names = ["upstream", "small-files", "large-files"]
    text = measured.run(
        benchmark_workloads=[SMALL],
        benchmark_arms=["warm-short-circuit"],
        benchmark_variants=[{"name": name} for name in names],
        benchmark_epochs=2,
    ).output
    report = measured.report
    assert report["wrong"] == []
    variants = {one["name"]: one for one in report["settings"]["variants"]}
    cached, chunk = (
        {name: one["properties"][key] for name, one in variants.items()}
        for key in (
            "alluxio.user.metadata.cache.enabled",
            "alluxio.user.streaming.reader.chunk.size.bytes",
        )
    )
    assert cached == {"upstream": "false", "small-files": "true", "large-files": "false"}
    assert chunk == {"upstream": "1MB", "small-files": "1MB", "large-files": "2MB"}
    assert "attr_timeout" in variants["small-files"]["options"]
    assert variants["upstream"]["options"] == "allow_other"
    assert variants["large-files"]["options"] == "allow_other,sync_read"
    [workload] = report["workloads"]
    arms = {arm["arm"]: arm for arm in workload["arms"]}
    assert list(arms) == ["warm-short-circuit", *(f"warm-short-circuit/{name}" for name in names)]
    for arm in arms.values():
        [second] = arm["later"]
        for epoch in (arm, second):
            [run] = epoch["runs"]
            assert (run["files"], run["wrong"]) == (SMALL["files"], [])
            assert run["counted"]["domain"] >= 0.75 * run["bytes"]
    for name in names[1:]:
        ratio = arms[f"warm-short-circuit/{name}"]["later"][0]["files_s"]
        ratio /= arms["warm-short-circuit/upstream"]["later"][0]["files_s"]
        assert f"{ratio:.2f} times as fast as upstream" in text
    page = measured.files[-1].with_suffix(".html").read_text()
    assert "alluxio.user.metadata.cache.enabled=true" in page


def test_the_second_run_makes_nothing(measured: Measured) -> None:
    client = measured.cache.lab.s3()
    key = next(key for key in measured.stored if key.endswith("f00000001"))
    before = client.head_object(Bucket="datasets", Key=key)["LastModified"]
    text = measured.run(benchmark_workloads=[SMALL], benchmark_arms=["direct", "warm-fuse"]).output
    assert "0 changed" in text
    assert client.head_object(Bucket="datasets", Key=key)["LastModified"] == before


def test_an_arm_that_has_become_slower_is_named(measured: Measured, tmp_path: Path) -> None:
    some: dict[str, Any] = {
        "benchmark_workloads": [SMALL],
        "benchmark_arms": ["direct", "warm-fuse"],
    }
    measured.run(**some, benchmark_baseline=str(measured.files[-1]), benchmark_tolerance_percent=95)
    report = measured.report
    report["workloads"][0]["arms"][1]["mib_s"] *= 1000
    baseline = tmp_path / "baseline.json"
    baseline.write_text(json.dumps(report))
    text = measured.run(
        code=1, **some, benchmark_baseline=str(baseline), benchmark_tolerance_percent=95
    ).output
    assert "slower: small-files, warm-fuse:" in text
    assert "small-files, direct:" not in text
    other = {**some, "benchmark_parallelism": 3}
    text = measured.run(code=2, **other, benchmark_baseline=str(baseline)).output
    assert "was measured otherwise: parallelism 2 there, 3 here" in text


def test_an_arm_that_takes_another_path_fails(measured: Measured, tmp_path: Path) -> None:
    # Mounts that cannot use domain sockets, whatever is asked for: they read over the network.
    channel = {"alluxio.user.network.streaming.netty.channel": "NIO"}
    more = values_file(tmp_path, "fuse.yml", {"fuse": {"properties": channel}})
    files = SETTINGS["alluxio_values_files"]
    measured.cache.apply("site", **{**SETTINGS, "alluxio_values_files": files + more})
    try:
        text = measured.run(
            code=1, benchmark_workloads=[SMALL], benchmark_arms=["warm-short-circuit"]
        ).output
        assert "not proven: small-files, warm-short-circuit" in text
        assert "over the network" in text
        assert "NOT PROVEN" in text
    finally:
        measured.cache.apply("site", **SETTINGS)


def test_a_killed_run_is_cleared_away_by_the_next(measured: Measured) -> None:
    lab = measured.cache.lab
    given = {**SETTINGS, "benchmark_report": str(measured.reports), "benchmark_workloads": [SMALL]}
    with measured.cache.running(
        "alluxops", "benchmark", "-i", str(lab.inventory), **given
    ) as process:
        measured.cache.wait_for(
            "a cold run", lambda: "cold, run 1 of 1" in measured.cache.running_log
        )
        measured.cache.kill(process)
    assert "benchmark-benchmark" in measured.leftovers()
    measured.run(benchmark_workloads=[SMALL], benchmark_arms=["direct", "warm-fuse"])
    assert "No resources found" in measured.leftovers()
    assert "100%" not in measured.cache.script("alluxio fs ls -R /alluxops-benchmark")


def test_credentials_are_in_no_log_config_map_or_report(measured: Measured) -> None:
    lab = measured.cache.lab
    secret = lab.s3()._request_signer._credentials.secret_key
    told = measured.run("-vvv", benchmark_workloads=[SMALL], benchmark_arms=["direct"]).output
    maps = lab.kubectl("-n", NAME, "get", "configmaps", "-o", "yaml")
    reports = [path.read_text() for path in measured.reports.iterdir()]
    assert not any(secret in text for text in (told, maps, *reports))


def test_what_others_have_put_stays(measured: Measured) -> None:
    client = measured.cache.lab.s3()
    theirs = f"{TOP}mine-3x1000/file"
    client.put_object(Bucket="datasets", Key=theirs, Body=b"x")
    mine = {"name": "mine", "files": 3, "bytes": 1000}
    given: dict[str, Any] = {"benchmark_workloads": [mine], "benchmark_arms": ["direct"]}
    assert "no benchmark has made it" in measured.run(code=2, **given).output
    assert "no benchmark has made it" in measured.run("--check", code=2, **given).output
    files = SMALL["files"] + LARGE["files"]
    text = measured.run("--check", benchmark_state="absent").output
    assert f"remove    {files} files" in text
    assert "1 would change" in text
    text = measured.run(benchmark_state="absent").output
    assert f"removed   {files} files" in text
    assert measured.stored == [theirs]
    assert "0 would change" in measured.run("--check", benchmark_state="absent").output
    assert "0 changed" in measured.run(benchmark_state="absent").output
    assert measured.cache.script("alluxio fs ls -R /alluxops-benchmark").count("f0000") == 0
    assert f"{ROOT_PREFIX}/own/file" in keys(measured.cache.lab, "datasets")
