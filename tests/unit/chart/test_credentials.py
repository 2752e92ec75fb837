"""Credentials come from mounted Secrets and stand nowhere else."""

from __future__ import annotations

import pytest

from tests.unit.chart.refused_cases import NO_SECRETS, SECRET_PROPERTIES, SECRET_VARIABLES
from tests.unit.chart.rendering import Chart, Values

SECRETS: Values = {
    "secrets": {"master": {"s3-of-alluxio": "ufs"}, "worker": {"s3-of-alluxio": "ufs"}},
    "master": {"env": {"AWS_CREDENTIAL_PROFILES_FILE": "/secrets/ufs/credentials"}},
    "worker": {"env": {"AWS_CREDENTIAL_PROFILES_FILE": "/secrets/ufs/credentials"}},
}


@pytest.mark.parametrize("name", SECRET_PROPERTIES)
def test_a_credential_among_the_properties_is_refused_and_not_repeated(
    chart: Chart, name: str
) -> None:
    error = chart.refused({"worker": {"properties": {name: "hunter2"}}})
    assert f"worker.properties.{name}" in error
    assert "secrets.master" in error
    assert "hunter2" not in error


@pytest.mark.parametrize("name", NO_SECRETS)
def test_what_only_names_a_credential_is_taken(chart: Chart, name: str) -> None:
    chart.render({"worker": {"properties": {name: "x"}, "jvmOptions": [f"-D{name}=password"]}})


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_a_credential_in_any_environment_is_refused(chart: Chart, name: str) -> None:
    assert f"fuse.env.{name}" in chart.refused({"fuse": {"env": {name: "hunter2"}}})


def test_a_credential_among_the_jvm_options_is_refused(chart: Chart) -> None:
    error = chart.refused({"master": {"jvmOptions": ["-Xmx1g  -Ds3a.secretKey=hunter2"]}})
    assert "master.jvmOptions: -Ds3a.secretKey would" in error
    assert "hunter2" not in error


def test_a_credential_in_the_environment_is_refused(chart: Chart) -> None:
    error = chart.refused({"jobWorker": {"env": {"AWS_SECRET_ACCESS_KEY": "hunter2"}}})
    assert "jobWorker.env.AWS_SECRET_ACCESS_KEY" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("kind", "name", "container"),
    [
        ("StatefulSet", "alluxio-master", "alluxio-master"),
        ("StatefulSet", "alluxio-master", "alluxio-job-master"),
        ("DaemonSet", "alluxio-worker", "alluxio-worker"),
        ("DaemonSet", "alluxio-worker", "alluxio-job-worker"),
    ],
)
def test_both_containers_of_a_pod_read_the_secret_and_cannot_write_it(
    chart: Chart, kind: str, name: str, container: str
) -> None:
    rendered = chart.render(SECRETS)
    found = rendered.container(kind, name, container)
    [mount] = [each for each in found["volumeMounts"] if each["mountPath"] == "/secrets/ufs"]
    assert mount["readOnly"] is True
    assert {
        "name": "AWS_CREDENTIAL_PROFILES_FILE",
        "value": "/secrets/ufs/credentials",
    } in found["env"]
    [volume] = [
        each
        for each in rendered.pod(kind, name)["spec"]["volumes"]
        if each["name"] == mount["name"]
    ]
    assert volume["secret"] == {"secretName": "s3-of-alluxio", "defaultMode": 0o440}


def test_a_component_of_a_pod_may_have_its_own_environment(chart: Chart) -> None:
    values = {"master": {"env": {"A": "1", "B": "1"}}, "jobMaster": {"env": {"B": 2}}}
    rendered = chart.render(values)
    env = rendered.container("StatefulSet", "alluxio-master", "alluxio-job-master")["env"]
    assert {"name": "A", "value": "1"} in env
    assert {"name": "B", "value": "2"} in env
    assert {"name": "B", "value": "1"} not in env


def test_a_configmap_is_mounted_like_a_secret(chart: Chart) -> None:
    rendered = chart.render({"configmaps": {"worker": {"hadoop": "hdfs"}}})
    worker = rendered.container("DaemonSet", "alluxio-worker", "alluxio-worker")
    mounts = {each["mountPath"]: each["name"] for each in worker["volumeMounts"]}
    volumes = rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    assert {"name": mounts["/configmaps/hdfs"], "configMap": {"name": "hadoop"}} in volumes
