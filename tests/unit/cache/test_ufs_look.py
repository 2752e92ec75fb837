"""A directory of the under store is listed by a Job that has the release's credentials and touches nothing."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import backup, ufs_look
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import ufs_look as looks
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from tests.unit.cache.test_backup import LISTED, NEW

Json = dict[str, Any]

VALUES: Json = {
    "image": "alluxio/alluxio",
    "imageTag": "2.9.6",
    "properties": {
        "alluxio.master.mount.table.root.ufs": "s3://b/",
        "alluxio.underfs.s3.endpoint": "http://s3",
        "alluxio.zookeeper.enabled": "true",
        "alluxio.metrics.conf.file": "/config/metrics/metrics.properties",
    },
    "master": {
        "env": {"AWS_CREDENTIAL_PROFILES_FILE": "/secrets/ufs/credentials"},
        "properties": {"alluxio.master.journal.init.from.backup": "s3://b/x"},
    },
    "secrets": {"master": {"alluxio-ufs-credentials": "ufs"}},
    "mounts": [{"name": "shared", "path": "/data"}],
    "tolerations": [{"operator": "Exists"}],
}


def test_its_master_has_the_store_and_nothing_else_of_the_release() -> None:
    options = ufs_look.java_options(VALUES)
    assert "-Dalluxio.master.mount.table.root.ufs=s3://b/" in options
    assert "-Dalluxio.underfs.s3.endpoint=http://s3" in options
    assert "-Dalluxio.master.journal.type=UFS" in options
    for absent in ("zookeeper", "metrics", "init.from.backup", "embedded"):
        assert absent not in options


def test_its_master_waits_for_no_workers_and_is_asked_again_in_safe_mode() -> None:
    assert "-Dalluxio.master.worker.connect.wait.time=10ms" in ufs_look.java_options({})
    assert re.search(r"grep -q .*'safe mode' listed \|\| break", ufs_look.script("/"))


def test_a_master_that_mounts_other_stores_has_a_root_of_its_own() -> None:
    options = ufs_look.java_options(VALUES, ufs_look.EMPTY_ROOT)
    assert f"-Dalluxio.master.mount.table.root.ufs={ufs_look.EMPTY_ROOT}" in options
    assert "s3://b/" not in options
    assert (
        f"mkdir -p {ufs_look.FOLDER}/journal {ufs_look.EMPTY_ROOT}" in ufs_look.MASTER_IN_BACKGROUND
    )


def test_its_pod_reaches_the_store_as_a_master_does() -> None:
    body = ufs_look.job("ns", "alluxio", VALUES)
    pod = body["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env["AWS_CREDENTIAL_PROFILES_FILE"] == "/secrets/ufs/credentials"
    assert [each["mountPath"] for each in container["volumeMounts"]] == [
        ufs_look.FOLDER,
        "/secrets/ufs",
        "/data",
    ]
    assert pod["volumes"][1]["secret"] == {
        "secretName": "alluxio-ufs-credentials",
        "defaultMode": 0o440,
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["tolerations"] == VALUES["tolerations"]
    own = {**VALUES, "master": {**VALUES.get("master", {}), "tolerations": [{"key": "gpu"}]}}
    spec = ufs_look.job("ns", "alluxio", own)["spec"]["template"]["spec"]
    assert spec["tolerations"] == [*VALUES["tolerations"], {"key": "gpu"}]
    assert body["spec"]["backoffLimit"] == 0


def test_what_its_master_journals_never_reaches_a_disk() -> None:
    """The credentials of the datasets that it mounts are among it."""
    pod = ufs_look.job("ns", "alluxio", VALUES)["spec"]["template"]["spec"]
    (volume,) = [each for each in pod["volumes"] if "emptyDir" in each]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": ufs_look.FOLDER_LIMIT}
    mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
    assert mounts[volume["name"]] == ufs_look.FOLDER
    options = ufs_look.java_options(VALUES)
    assert f"-Dalluxio.master.journal.folder={ufs_look.FOLDER}/journal" in options


class Cluster:
    """A cluster where the Job's pod runs at once."""

    def __init__(self, answer: ExecResult) -> None:
        self.answer = answer
        self.jobs: list[Json] = []
        self.script = ""

    def create(self, _path: str, body: Json) -> Json:
        self.jobs.append(body)
        return body

    def delete(self, *_: Any, **__: Any) -> bool:
        self.jobs.clear()
        return True

    def list_objects(self, path: str, _selector: str = "") -> list[Json]:
        if not path.endswith("/pods") or not self.jobs:
            return []
        state: Json = {"containerStatuses": [{"state": {"running": {}}}]}
        return [{"metadata": {"name": "look-x"}, "status": state}]

    def exec(self, *given: Any, **_: Any) -> ExecResult:
        self.script = given[3][-1]
        return self.answer


def files_in(cluster: Cluster) -> list[backup.File]:
    kube = cast("Kube", cluster)
    return looks.files_in(kube, "ns", "alluxio", VALUES, "/alluxio_backups/a b", Patience(5))


def test_the_files_are_told_and_the_job_is_gone() -> None:
    cluster = Cluster(ExecResult(0, LISTED, ""))
    assert files_in(cluster)[0] == backup.File(NEW, 382, "/alluxio_backups/a/b")
    assert "alluxio fs ls '/alluxio_backups/a b'" in cluster.script
    assert cluster.jobs == []


def test_directories_below_are_listed_where_that_is_asked_for() -> None:
    assert "alluxio fs ls -R /a > listed" in ufs_look.script("/a", deep=True)
    assert "alluxio fs ls /a > listed" in ufs_look.script("/a")


def test_no_directory_is_no_file() -> None:
    missing = 'Path "/alluxio_backups/a b" does not exist.\n'
    assert files_in(Cluster(ExecResult(255, missing, "INFO started"))) == []


def test_a_store_that_does_not_answer_is_an_error_with_its_words() -> None:
    cluster = Cluster(ExecResult(255, "", "ERROR AmazonS3Exception: Access Denied (403)\n"))
    with pytest.raises(CacheError, match="cannot be listed") as error:
        files_in(cluster)
    assert "Access Denied" in str(error.value)
    assert cluster.jobs == []


def test_a_job_that_reads_has_a_worker_of_its_own_and_a_client_of_the_release() -> None:
    values = {
        **VALUES,
        "properties": {**VALUES["properties"], "alluxio.worker.ramdisk.size": "1TB"},
    }
    options = ufs_look.java_options(values, ufs_look.EMPTY_ROOT, reads=True)
    assert "-Dalluxio.worker.hostname=localhost" in options
    assert "1TB" not in options
    job = ufs_look.job("ns", "cache", values, root=ufs_look.EMPTY_ROOT, reads=True)
    spec = job["spec"]["template"]["spec"]
    look, reader = spec["containers"]
    assert (look["name"], reader["name"]) == (ufs_look.CONTAINER, ufs_look.READER)
    assert reader["envFrom"] == [{"configMapRef": {"name": "cache-config"}}]
    # What opens the stores is the other container's; the client asks the workers.
    assert "volumeMounts" not in reader
    assert reader["securityContext"] == look["securityContext"]
    assert job["spec"]["activeDeadlineSeconds"] == ufs_look.READING_LIFETIME_S
    assert f"sleep {ufs_look.READING_LIFETIME_S}" in reader["command"][-1]


def test_a_job_that_only_lists_is_as_it_was() -> None:
    spec = ufs_look.job("ns", "cache", VALUES)["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["containers"]] == [ufs_look.CONTAINER]
