"""The lone master that turns a journal into one of another type."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import conversion

Json = dict[str, Any]

VALUES = {"journal": {"folder": "/journal"}, "master": {"ports": {"embedded": 1920}}}


def masters_set() -> Json:
    container = {
        "name": "alluxio-master",
        "image": "alluxio/alluxio:2.9.6",
        "command": ["tini", "--", "/entrypoint.sh"],
        "args": ["master-only", "--no-format"],
        "env": [
            {
                "name": "ALLUXIO_MASTER_HOSTNAME",
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
            },
            {"name": "TZ", "value": "UTC"},
        ],
        "envFrom": [{"configMapRef": {"name": "tryme-config"}}],
        "readinessProbe": {"tcpSocket": {"port": 19998}},
        "volumeMounts": [{"name": "alluxio-journal", "mountPath": "/journal"}],
    }
    pod = {
        "containers": [container, {"name": "alluxio-job-master"}],
        "initContainers": [{"name": "journal-format"}],
        "affinity": {"podAntiAffinity": {}},
        "securityContext": {"runAsUser": 1000},
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["namenode"]}],
        "volumes": [{"name": "ufs", "secret": {"secretName": "s3"}}],
    }
    return {
        "metadata": {"name": "tryme-master", "namespace": "cache"},
        "spec": {
            "template": {
                "metadata": {"labels": {"role": "alluxio-master", "release": "tryme"}},
                "spec": pod,
            },
            "volumeClaimTemplates": [
                {"metadata": {"name": "alluxio-journal"}},
                {"metadata": {"name": "alluxio-metastore"}},
            ],
        },
    }


@pytest.fixture
def pod() -> Json:
    return conversion.pod(masters_set(), "tryme", 60)


def test_it_has_the_volumes_of_master_0(pod: Json) -> None:
    claims = {
        item["name"]: item["persistentVolumeClaim"]["claimName"]
        for item in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in item
    }
    assert claims == {
        "alluxio-journal": "alluxio-journal-tryme-master-0",
        "alluxio-metastore": "alluxio-metastore-tryme-master-0",
    }
    assert {"name": "ufs", "secret": {"secretName": "s3"}} in pod["spec"]["volumes"]


def test_nobody_reaches_it_by_the_masters_name(pod: Json) -> None:
    labels = pod["metadata"]["labels"]
    assert "role" not in labels
    assert "release" not in labels
    assert {"ip": "127.0.0.1", "hostnames": ["tryme-master-0"]} in pod["spec"]["hostAliases"]
    assert {"ip": "192.0.2.1", "hostnames": ["namenode"]} in pod["spec"]["hostAliases"]


def test_it_is_the_master_alone_and_starts_nothing(pod: Json) -> None:
    [container] = pod["spec"]["containers"]
    assert container["name"] == "alluxio-master"
    assert container["command"] == ["/bin/bash", "-c"]
    assert "readinessProbe" not in container
    assert "initContainers" not in pod["spec"]
    assert container["envFrom"] == [{"configMapRef": {"name": "tryme-config"}}]
    assert container["env"] == [
        {"name": "ALLUXIO_MASTER_HOSTNAME", "value": "tryme-master-0"},
        {"name": "TZ", "value": "UTC"},
    ]


def test_an_embedded_journal_of_one_knows_itself_only() -> None:
    assert conversion.properties("EMBEDDED", "tryme", VALUES) == {
        **conversion.QUIET,
        "alluxio.master.journal.type": "EMBEDDED",
        "alluxio.master.embedded.journal.addresses": "tryme-master-0:1920",
        "alluxio.master.embedded.journal.port": "1920",
    }
    plain = conversion.properties("UFS", "tryme", VALUES)
    assert plain == {**conversion.QUIET, "alluxio.master.journal.type": "UFS"}


@pytest.mark.parametrize("journal_type", ["UFS", "EMBEDDED"])
def test_no_ttl_runs_out_while_two_journals_are_compared(journal_type: str) -> None:
    given = conversion.properties(journal_type, "tryme", VALUES)
    days = int(given["alluxio.master.ttl.checker.interval"].removesuffix("day"))
    # A bucket of TTLs is acted on when its start is an interval ago; the first one starts at the epoch.
    first_bucket_ends = datetime.fromtimestamp(0, UTC) + timedelta(days=days)
    assert first_bucket_ends.year > 2060
    assert days * 24 * 3600 * 1000 < 2**63


def test_making_an_embedded_journal_leaves_the_other_one_and_the_backup(tmp_path: Path) -> None:
    for name in ("raft/group/log", "FileSystemMaster/log", "alluxops-backups/one.gz"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    values = {"journal": {"folder": str(tmp_path)}}
    subprocess.run(["sh", "-c", conversion.empty_journal("EMBEDDED", {}, values)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "FileSystemMaster",
        "alluxops-backups",
    ]


def test_scripts_are_bash_and_our_properties_come_last() -> None:
    given = {"alluxio.master.journal.type": "EMBEDDED"}
    script = conversion.start(given)
    subprocess.run(["bash", "-n", "-c", script], check=True)
    subprocess.run(["bash", "-n", "-c", conversion.STOP], check=True)
    subprocess.run(["bash", "-n", "-c", conversion.take_backup(given, VALUES)], check=True)
    shown = subprocess.run(
        ["bash", "-c", script.split("nohup")[0] + 'echo "$ALLUXIO_MASTER_JAVA_OPTS"'],
        env={"PATH": "/usr/bin:/bin", "ALLUXIO_MASTER_JAVA_OPTS": "-Da=${ALLUXIO_MASTER_HOSTNAME}"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "-Da=${ALLUXIO_MASTER_HOSTNAME} -Dalluxio.master.journal.type=EMBEDDED\n"
    assert shown.stdout == expected
