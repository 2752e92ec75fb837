"""The examples, as they are, on the lab: each reads what lies in S3, by its own way, and sees what its mount says."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.access_under_test import (
    EXAMPLES,
    Applied,
    Ended,
    Json,
    data_set,
    example,
    fingerprint,
    pod_spec,
)
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab, run_lab
from tests.integration.store_under_test import empty

pytestmark = pytest.mark.long

ROOT_PREFIX = "access-under-test"
BUCKETS = {name: f"{name}-access-under-test" for name in ("images", "shards", "other", "private")}
FUSE_POINT = "/mnt/alluxio-fuse"
CLOSED = "closed-under-test"
"""A namespace whose pods may not use hostPath."""
SMALL = {
    "jvmOptions": ["-Xmx192m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=256m"],
    "resources": {
        "requests": {"cpu": "50m", "memory": "256Mi"},
        "limits": {"cpu": "4", "memory": "1Gi"},
    },
}


@dataclass(frozen=True)
class Access:
    """A cache with four data sets of which every worker holds all, and the examples on it."""

    applied: Applied
    contents: dict[str, dict[str, bytes]]

    @property
    def images(self) -> dict[str, bytes]:
        return self.contents["images"]

    @property
    def size(self) -> int:
        """Bytes of the images."""
        return sum(map(len, self.images.values()))

    def read(self, name: str) -> tuple[Ended, dict[str, int]]:
        """Run an example, which must succeed; what it printed, and what workers handed out meanwhile."""
        with self.applied.served() as served:
            ended = self.applied.run(name)
        assert ended.succeeded, ended.output
        return ended, served

    def is_right(self, ended: Ended) -> bool:
        """Whether a sample pod read all images, and each as it lies in S3."""
        wanted = {name: hashlib.sha256(body).hexdigest() for name, body in self.images.items()}
        return ended.digests == wanted

    def trained(self, ended: Ended) -> bool:
        """Whether each epoch of a training Job read all images, and each as it lies in S3."""
        seen = {
            (one["samples"], one["bytes"], one["fingerprint"], one["seconds"] > 0)
            for one in ended.epochs
        }
        whole = (len(self.images), self.size, fingerprint(self.images), True)
        return seen == {whole} and len(ended.epochs) == 3


def settings(lab: RunningLab) -> dict[str, Any]:
    """FUSE and the proxy turned on, with heaps for one machine."""
    shown = lab.values
    on = {"enabled": True, **SMALL}
    store = {"load": True, "pin": True, "shared": True}
    sets = [{"name": name, "ufs": f"s3://{bucket}/", **store} for name, bucket in BUCKETS.items()]
    sets[-1] |= {"shared": False}
    return {
        "verify_tests": False,
        "alluxio_root_ufs": f"s3://datasets/{ROOT_PREFIX}/",
        "alluxio_worker_quota": 128 * 1024**2,
        "alluxio_datasets": sets,
        "alluxio_values": {
            **shown,
            "fuse": on,
            "proxy": on,
        },
    }


@pytest.fixture(scope="module")
def access(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    run_lab("images", "images-trainer", "--name", lab.name)
    cache = Cache(lab, tmp_path_factory.mktemp("access"))
    cache.remove()
    for bucket in BUCKETS.values():
        empty(lab, bucket, ROOT_PREFIX)
    contents = data_set()
    client = lab.s3()
    client.put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/")  # else proxies cannot make theirs
    for name, bucket in BUCKETS.items():
        client.create_bucket(Bucket=bucket)
        for key, body in contents[name].items():
            client.put_object(Bucket=bucket, Key=key, Body=body)
    wanted = settings(lab)
    cache.apply("site", **wanted)
    cache.apply("datasets", **wanted)
    blocks = sum(map(len, contents.values()))
    applied = Applied(lab, cache)
    cache.directory.joinpath("running.log").touch()
    applied.load_everywhere()
    cache.wait_for("every worker to count them", lambda: applied.blocks() == [blocks] * 3)
    yield Access(applied, contents)
    lab.run("kubectl", "delete", "namespace", CLOSED, "--ignore-not-found", timeout_s=180)
    cache.remove()
    for bucket in BUCKETS.values():
        empty(lab, bucket, ROOT_PREFIX)


def test_fuse_reads_files_as_they_lie_in_s3_through_the_socket(access: Access) -> None:
    ended, served = access.read("fuse/pod.yaml")
    assert access.is_right(ended), ended.output
    # The daemon is a client of its node's worker, and every worker has all: nothing comes from another.
    assert served["BytesReadDomain"] >= access.size
    assert served["BytesReadRemote"] == 0


def test_short_circuit_reads_through_the_socket_only(access: Access) -> None:
    ended, served = access.read("short-circuit/pod.yaml")
    assert access.is_right(ended), ended.output
    assert served["BytesReadDomain"] >= access.size
    assert served["BytesReadRemote"] == 0


def test_s3_reads_through_the_proxies(access: Access) -> None:
    before = access.applied.looked_up()
    ended, served = access.read("s3/pod.yaml")
    assert access.is_right(ended), ended.output
    assert access.applied.looked_up() - before >= len(access.images)
    # And each proxy from its node's worker.
    assert served["BytesReadDomain"] >= access.size
    assert served["BytesReadRemote"] == 0


def test_rest_answers_get_status_and_reads(access: Access) -> None:
    before = access.applied.looked_up()
    ended, _ = access.read("rest/pod.yaml")
    status = json.loads(ended.output.splitlines()[0])["status"]
    assert (status["path"], status["folder"], status["mountPoint"]) == ("/images", True, True)
    assert status["ufsPath"] == f"s3://{BUCKETS['images']}/"
    assert access.is_right(ended), ended.output
    assert access.applied.looked_up() - before >= len(access.images)


@pytest.mark.parametrize("way", ["fuse", "short-circuit", "s3", "rest"])
def test_a_training_job_reads_all_of_it_in_every_epoch(access: Access, way: str) -> None:
    before = access.applied.looked_up()
    ended, served = access.read(f"{way}/training-job.yaml")
    assert access.trained(ended), ended.output
    epochs = 1 if way == "short-circuit" else 3  # of the copy only the making passes the worker
    # Workers miss the end of some streams when they count; a whole epoch less would be seen.
    assert served["BytesReadDomain"] > (epochs - 0.5) * access.size
    assert served["BytesReadRemote"] == 0
    passed_proxies = access.applied.looked_up() - before >= len(access.images)
    assert passed_proxies == (way in {"s3", "rest"})


def test_a_training_job_reads_shards(access: Access) -> None:
    [job] = example("fuse/training-job.yaml")
    [volume] = [each for each in pod_spec(job)["volumes"] if "hostPath" in each]
    volume["hostPath"]["path"] = f"{FUSE_POINT}/shards"
    ended = access.applied.run(job)
    assert ended.succeeded, ended.output
    # The same images, packed.
    assert access.trained(ended), ended.output


LOOK = """
ls /data
find / -name 'other-*' -not -path '/proc/*' 2>/dev/null | wc -l
ls /data/../other /data/../../other 2>&1 | head -n 1
"""


def looking(volume: Json, **mount: str) -> Json:
    """The sample pod, looking around in place of reading."""
    [pod] = example("fuse/pod.yaml")
    spec = pod_spec(pod)
    spec["containers"][0]["args"] = [LOOK]
    spec["containers"][0]["volumeMounts"][0] |= mount
    spec["volumes"][0] = {"name": "images", **volume}
    return copy.deepcopy(pod)


WHOLE = {"hostPath": {"path": FUSE_POINT, "type": "Directory"}}
ONE = {"hostPath": {"path": f"{FUSE_POINT}/images", "type": "Directory"}}


def test_a_pod_sees_the_data_set_that_its_mount_names_and_no_other(access: Access) -> None:
    everything = access.applied.run(looking(WHOLE)).output
    assert "images" in everything.split()
    assert "other" in everything.split()
    assert f"\n{len(access.contents['other'])}\n" in everything
    for pod in (looking(ONE), looking(WHOLE, subPath="images")):
        ended = access.applied.run(pod)
        assert "class-000" in ended.output.split()
        assert "\n0\n" in ended.output
        assert "No such file" in ended.output


def test_a_data_set_that_is_not_shared_is_closed_to_fuse_and_to_other_names_in_s3(
    access: Access,
) -> None:
    [pod] = example("fuse/pod.yaml")
    pod_spec(pod)["volumes"][0] = {"name": "images", **WHOLE}
    pod_spec(pod)["containers"][0]["args"] = ["ls /data/other && ls /data/private"]
    ended = access.applied.run(pod)
    assert not ended.succeeded
    assert "other-0" in ended.output
    assert "private-0" not in ended.output

    [pod] = example("s3/pod.yaml")
    [script] = pod_spec(pod)["containers"][0]["args"]
    pod_spec(pod)["containers"][0]["args"] = [script.replace('"images"', '"private"')]
    ended = access.applied.run(pod)
    assert not ended.succeeded
    assert "AccessDenied" in ended.output
    # Who takes the name of the masters' own user is let in: a name is no proof.
    for entry in pod_spec(pod)["containers"][0]["env"]:
        if entry["name"] == "AWS_ACCESS_KEY_ID":
            entry["value"] = "alluxio"
    ended = access.applied.run(pod)
    assert ended.succeeded, ended.output
    assert set(ended.digests) == set(access.contents["private"])


def test_the_sockets_are_open_to_their_user_and_group_only(access: Access) -> None:
    [pod] = example("short-circuit/pod.yaml")
    spec = pod_spec(pod)
    spec["containers"][0]["args"] = ["ls /opt/domain | wc -l"]
    spec["securityContext"] |= {"runAsUser": 2000, "runAsGroup": 2000}
    assert "Permission denied" in access.applied.run(pod).output
    spec["securityContext"]["supplementalGroups"] = [1000]
    ended = access.applied.run(pod)
    assert ended.succeeded, ended.output
    assert int(ended.output) >= 1


def test_a_namespace_without_hostpath_reads_its_volume_and_nothing_else(access: Access) -> None:
    lab = access.applied.lab
    closed = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": CLOSED,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    lab.run("kubectl", "apply", "-f", "-", stdin=json.dumps(closed))
    [pod] = example("fuse/pod.yaml")
    applied = Applied(lab, access.applied.cache, CLOSED)
    refused = subprocess.run(
        ["kubectl", "apply", "-n", CLOSED, "-f", str(EXAMPLES / "fuse/pod.yaml")],
        env=lab.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "hostPath" in refused.stderr

    volume, claim = example("fuse/volume.yaml")
    volume["spec"]["claimRef"]["namespace"] = claim["metadata"]["namespace"] = CLOSED
    for each in (volume, claim):
        lab.run("kubectl", "apply", "-f", "-", stdin=json.dumps(each))
    try:
        spec = pod_spec(pod)
        claimed = {"claimName": claim["metadata"]["name"], "readOnly": True}
        spec["volumes"][0] = {"name": "images", "persistentVolumeClaim": claimed}
        del spec["nodeSelector"]  # the volume brings it where it is
        ended = applied.run(pod)
        assert ended.succeeded, ended.output
        assert access.is_right(ended), ended.output
    finally:
        applied.remove("pvc", claim["metadata"]["name"])
        lab.run("kubectl", "delete", "pv", volume["metadata"]["name"], "--ignore-not-found")


def test_the_network_policy_is_one_that_kubernetes_takes(access: Access) -> None:
    told = access.applied.lab.kubectl(
        *("apply", "--dry-run=server", "-n", "alluxio"),
        *("-f", str(EXAMPLES / "network-policy.yaml")),
    )
    assert "networkpolicy.networking.k8s.io/alluxio-clients created" in told
