"""A benchmark's Jobs: a reader beside each worker, begun together, heard, and removed whatever happened."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any, cast

import pytest
from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_job,
    benchmark_plan,
    benchmark_reader,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_job import Way
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import benchmark_jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_jobs import Jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube

Json = dict[str, Any]
NODES = ["n1", "n2"]
VALUES: Json = {
    "image": "registry/alluxio",
    "imageTag": "2.9.6",
    "imagePullSecrets": ["pull"],
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "worker": {"tolerations": [{"key": "b", "operator": "Exists"}]},
    "shortCircuit": {"hostPath": "/mnt/domain"},
    "fuse": {
        "mountOptions": "allow_other,max_read=131072",
        "properties": {"alluxio.user.metadata.cache.enabled": True},
        "resources": {"limits": {"memory": "2Gi"}},
    },
}


def job(way: Way = Way(), values: Json = VALUES, secret: str = "s3") -> Json:  # noqa: B008 - it is frozen
    body = benchmark_job.job(
        "ns", "r", values, image="toolbox", nodes=NODES, secret=secret, way=way
    )
    found: Json = json.loads(json.dumps(body))
    return found


def pod_of(body: Json) -> Json:
    pod: Json = body["spec"]["template"]["spec"]
    return pod


def test_each_node_has_one_reader() -> None:
    body = job()
    assert (body["spec"]["completions"], body["spec"]["parallelism"]) == (2, 2)
    affinity = pod_of(body)["affinity"]
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    names = [term["matchFields"][0]["values"] for term in terms["nodeSelectorTerms"]]
    assert names == [["n1"], ["n2"]]
    [apart] = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = body["spec"]["template"]["metadata"]["labels"]
    assert apart["labelSelector"]["matchLabels"] == labels
    assert [each["key"] for each in pod_of(body)["tolerations"]] == ["a", "b"]
    assert pod_of(body)["imagePullSecrets"] == [{"name": "pull"}]


def test_credentials_are_in_no_argument_and_no_config_map() -> None:
    [reader] = pod_of(job())["containers"]
    keys = {each["name"]: each.get("valueFrom") for each in reader["env"]}
    assert keys["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "s3", "key": "secretKey"}}
    assert keys["AWS_ACCESS_KEY_ID"] == {"secretKeyRef": {"name": "s3", "key": "accessKeyId"}}
    assert reader["command"][-1] == "/benchmark/task.json"
    assert not reader["securityContext"]["allowPrivilegeEscalation"]
    [without] = pod_of(job(secret=""))["containers"]
    assert not any(each["name"].startswith("AWS_SECRET") for each in without["env"])


def test_a_mount_is_the_pods_own_and_has_the_releases_options() -> None:
    pod = pod_of(job(Way(fuse=True, domain=True, user="alluxio")))
    reader, fuse = pod["containers"]
    assert fuse["securityContext"]["privileged"]
    assert fuse["image"] == "registry/alluxio:2.9.6"
    assert fuse["resources"] == {"limits": {"memory": "2Gi"}}
    environment = {each["name"]: each.get("value") for each in fuse["env"]}
    assert environment["FUSE_OPTIONS"] == "allow_other,max_read=131072"
    options = environment["ALLUXIO_FUSE_JAVA_OPTS"].split()
    for wanted in (
        "-Dalluxio.user.metadata.cache.enabled=True",
        "-Dalluxio.user.file.passive.cache.enabled=false",
        "-Dalluxio.user.short.circuit.enabled=true",
        "-Dalluxio.security.login.username=alluxio",
        "-Dalluxio.user.hostname=$(ALLUXIO_CLIENT_HOSTNAME)",
        "-XX:MaxRAMPercentage=40",
    ):
        assert wanted in options
    [shared] = [each for each in reader["volumeMounts"] if each["name"] == "shared"]
    assert shared["mountPropagation"] == "HostToContainer"
    assert {"name": "DONE_FILE", "value": benchmark_job.DONE} in reader["env"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert volumes["domain"]["hostPath"]["path"] == "/mnt/domain"


def test_without_short_circuit_the_socket_is_out_of_reach() -> None:
    pod = pod_of(job(Way(fuse=True)))
    assert [each["name"] for each in pod["volumes"]] == ["program", "shared"]
    options = benchmark_job.fuse_options({"fuse": {"jvmOptions": "-Xmx1g"}}, Way(fuse=True))
    assert "-Dalluxio.user.short.circuit.enabled=false" in options
    assert "login.username" not in options
    assert options.endswith(" -Xmx1g")


def test_a_reader_may_use_every_mount() -> None:
    assert benchmark_job._mount_options({}, Way()) == "allow_other"
    assert benchmark_job._mount_options({}, Way(options="max_read=1")) == "max_read=1,allow_other"
    assert (
        benchmark_job._mount_options({"mountOptions": "allow_other,ro"}, Way()) == "allow_other,ro"
    )


def test_a_claim_may_hold_the_socket() -> None:
    short = {"volumeType": "persistentVolumeClaim"}
    volume = benchmark_job._domain_volume({"shortCircuit": short}, "r")
    assert volume["persistentVolumeClaim"] == {"claimName": "r-worker-domain-socket"}


def test_the_script_that_mounts_is_bash() -> None:
    done = subprocess.run(["bash", "-n", "-c", benchmark_job.MOUNT_SCRIPT], check=False)
    assert done.returncode == 0


class Cluster:
    """A Kubernetes whose pods say what a test has them say."""

    def __init__(self, *logs: str, pods: int = 2) -> None:
        self.logs = {f"p{number}": log for number, log in enumerate(logs or ("", ""))}
        self.objects: dict[str, Json] = {}
        self.told: dict[str, float] = {}
        self.ends = True
        self.runs = pods

    def create(self, path: str, body: Json) -> None:
        assert body["metadata"]["name"] == "r-benchmark"
        self.objects[path] = body

    def delete(self, path: str, **_: Any) -> None:
        folder, name = path.rsplit("/", 1)
        assert name == "r-benchmark" or name in self.logs
        self.objects.pop(folder, None)

    def list_objects(self, path: str, _: str = "") -> list[Json]:
        if path.endswith("/jobs"):
            return [self.objects[path]] if path in self.objects else []
        if path.endswith("/events") or not any(key.endswith("/jobs") for key in self.objects):
            return []
        has_ended = self.ends and (not self.told or len(self.told) == len(self.logs))
        state: Json = {"terminated": {}} if has_ended else {"running": {}}
        return [
            {
                "metadata": {"name": name},
                "spec": {},
                "status": {"containerStatuses": [{"name": "read", "state": state}]},
            }
            for name in list(self.logs)[: self.runs]
        ]

    def pod_log(self, _: str, pod: str, container: str, *, lines: int) -> str:
        assert lines > 0
        return self.logs[pod] if container == "read" else "mount: it says why"

    def exec(self, _: str, pod: str, *args: Any, **__: Any) -> ExecResult:
        self.told[pod] = time.monotonic() + float(args[1][-1])
        return ExecResult(0, "", "")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display, "display", lambda *_: None)
    monkeypatch.setattr(benchmark_jobs, "LEAD_S", 0.2)


def jobs(cluster: Cluster, timeout_s: int = 5) -> Jobs:
    return Jobs(cast("Kube", cluster), "ns", "r", VALUES, "toolbox", "s3", timeout_s)


def said(**what: Any) -> str:
    return f"{benchmark_reader.ready_line(1)}\n{benchmark_reader.RESULT}{json.dumps(what)}\n"


def test_readers_begin_together_and_are_heard() -> None:
    cluster = Cluster(said(node="n2", files=1), said(node="n1", files=2))
    found = jobs(cluster).do({"task": "read"}, NODES, "a run", epochs=1)
    assert [one["node"] for one in found] == ["n1", "n2"]
    moments = list(cluster.told.values())
    assert abs(moments[0] - moments[1]) < 0.1
    assert cluster.objects == {}


def test_an_epoch_begins_when_all_have_ended_the_one_before() -> None:
    first = benchmark_reader.ready_line(1)
    cluster = Cluster(first, f"{first}\n{benchmark_reader.ready_line(2)}")
    cluster.ends = False
    told: list[str] = []

    def begun(_: str, pod: str, *args: Any, **__: Any) -> ExecResult:
        told.append(f"{pod}: {args[1][2].rpartition('go-')[2]}")
        if len(told) == 3:  # both have been told of the first
            cluster.logs["p0"] += f"\n{benchmark_reader.ready_line(2)}"
        if len(told) == 6:
            cluster.logs = dict.fromkeys(cluster.logs, said(node="n1"))
            cluster.ends = True
        return ExecResult(0, "", "")

    cluster.exec = begun  # type: ignore[method-assign]
    jobs(cluster).do(
        {"task": "read"}, NODES, "a run", epochs=2, all_ready=lambda: told.append("all ready")
    )
    assert told[0] == told[3] == "all ready"
    assert sorted(told[1:3]) == ["p0: 1", "p1: 1"]
    assert sorted(told[4:]) == ["p0: 2", "p1: 2"]


def test_what_a_reader_could_not_do_is_told_with_its_mounts_log() -> None:
    cluster = Cluster(said(node="n1", files=1), said(node="n2", fault="no files after 180 s"))
    with pytest.raises(
        CacheError, match=r"a run: a reader failed \(p1 on n2\): no files"
    ) as caught:
        jobs(cluster).do({"task": "read"}, NODES, "a run")
    assert "it says why" in str(caught.value)
    assert cluster.objects == {}


def test_a_reader_that_fails_before_it_is_ready_is_not_waited_for() -> None:
    failed = f"{benchmark_reader.RESULT}{json.dumps({'node': 'n1', 'fault': 'no credentials'})}"
    cluster = Cluster(failed, benchmark_reader.ready_line(1))
    with pytest.raises(CacheError, match="no credentials"):
        jobs(cluster, 60).do({"task": "read"}, NODES, "a run", epochs=1)


def test_a_reader_that_is_killed_before_it_is_ready_is_not_waited_for() -> None:
    cluster = Cluster(benchmark_reader.ready_line(1), "it was about to")
    with pytest.raises(CacheError, match=r"\(p1 on its node\): it was about to"):
        jobs(cluster, 60).do({"task": "read"}, NODES, "a run", epochs=1)


def test_a_reader_that_ends_without_a_word_is_told() -> None:
    with pytest.raises(CacheError, match="MemoryError"):
        jobs(Cluster("Traceback\nMemoryError\n", "")).do({"task": "make"}, NODES, "a run")


def test_pods_that_do_not_start_are_not_waited_for_longer_than_asked() -> None:
    with pytest.raises(CacheError, match="the benchmark: 1 of 2 pods run after 1 s"):
        jobs(Cluster(pods=1), 1).do({"task": "read"}, NODES, "a run")


def test_readers_that_stand_still_are_given_up() -> None:
    cluster = Cluster("", "")
    cluster.ends = False
    with pytest.raises(CacheError, match="2 of 2 readers have not ended after 1 s"):
        jobs(cluster, 1).do({"task": "read"}, NODES, "a run")


def test_a_line_that_was_cut_short_is_no_result() -> None:
    assert benchmark_jobs.result_in([benchmark_reader.RESULT + '{"no']) is None
    assert benchmark_jobs.result_in([]) is None
    assert benchmark_jobs.result_in([benchmark_reader.RESULT + '{"a": 1}', "more"]) == {"a": 1}


def test_the_task_file_holds_what_readers_need() -> None:
    task = {"task": "look", "marker": benchmark_plan.MARKER}
    body = benchmark_job.config_map("ns", "r", task)
    assert json.loads(body["data"]["task.json"]) == task
    assert set(body["data"]) == {"benchmark_reader.py", "benchmark_store.py", "task.json"}
