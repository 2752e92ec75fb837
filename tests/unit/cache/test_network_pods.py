"""The pods that measure are where they should be, may do little, and show no credentials."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import network_matrix, network_pods
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import (
    Pods,
    Store,
    store_of,
)

PODS = Pods("ns", "alluxio", "alluxops/toolbox:1", ("pull",), secret="lab-s3")


def env(pods: Pods) -> dict[str, Any]:
    return {each["name"]: each for each in pods.pod("n1")["spec"]["containers"][0]["env"]}


def test_a_pod_is_on_its_node_and_on_no_other_whatever_its_taints() -> None:
    spec = PODS.pod("n1")["spec"]
    affinity = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert affinity["nodeSelectorTerms"] == [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    ]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "pull"}]


def test_a_pod_may_do_little_and_ends_by_itself() -> None:
    spec = PODS.pod("n1")["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["activeDeadlineSeconds"] == network_pods.LIFETIME_S
    narrow = spec["containers"][0]["securityContext"]
    assert narrow["readOnlyRootFilesystem"] is True
    assert narrow["capabilities"] == {"drop": ["ALL"]}


def test_credentials_come_by_reference_and_only_where_there_are_some() -> None:
    reference = env(PODS)["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "lab-s3", "key": "secretKey"}
    bare = env(Pods("ns", "alluxio", "image"))
    assert set(bare) == {"PROBE", "AWS_RESPONSE_CHECKSUM_VALIDATION"}


def test_the_nodes_own_network_is_used_only_where_that_is_asked_for() -> None:
    assert "hostNetwork" not in PODS.pod("n1")["spec"]
    spec = Pods("ns", "alluxio", "image", host_network=True).pod("n1")["spec"]
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")


def test_names_are_the_same_in_each_run_and_short_whatever_the_node_is_called() -> None:
    long = "a-node-with-a-name-of-more-than-sixty-three-characters.example.internal.test"
    assert network_pods.pod_name("alluxio", long) == network_pods.pod_name("alluxio", long)
    assert len(network_pods.pod_name("alluxio", long)) < 63
    assert network_pods.pod_name("alluxio", "n1") != network_pods.pod_name("alluxio", "n2")


def test_the_store_is_read_as_the_cache_reads_it() -> None:
    options = {
        "alluxio.underfs.s3.endpoint": "http://10.0.0.1:9000",
        "alluxio.underfs.s3.region": "us-east-1",
        "alluxio.underfs.s3.disable.dns.buckets": "true",
    }
    assert store_of("s3://b/p/q/", options, "") == Store(
        "b", "p/q/", "http://10.0.0.1:9000", "us-east-1", path_style=True
    )
    assert store_of("s3a://b", {}, "key") == Store("b", key="key")


@pytest.mark.parametrize(
    ("secure", "endpoint"), [("true", "https://s3.example.com"), ("false", "http://s3.example.com")]
)
def test_an_endpoint_without_a_scheme_has_the_one_of_the_options(
    secure: str, endpoint: str
) -> None:
    options = {
        "alluxio.underfs.s3.endpoint": "s3.example.com",
        "alluxio.underfs.s3.secure.http.enabled": secure,
    }
    found = store_of("s3://b/", options, "")
    assert found is not None
    assert found.endpoint == endpoint


@pytest.mark.parametrize("root", ["", "ephemeral", "/mnt/data", "hdfs://namenode/data"])
def test_other_roots_are_not_read_by_s3(root: str) -> None:
    assert store_of(root, {}, "") is None


def test_both_ways_are_measured_from_one_side() -> None:
    there, back = (network_pods.sends("10.1.0.2", 2, 4, back=is_back) for is_back in (False, True))
    assert back == [*there, "--reverse"]
    assert there[:3] == ["iperf3", "--client", "10.1.0.2"]
    assert there[there.index("--time") + 1] == "2"


def test_what_a_pod_is_told_of_the_store_is_no_secret() -> None:
    told = network_pods.reads(Store("b", key="k"), 2, 4)
    assert json.loads(told[-3]) == {
        "bucket": "b",
        "prefix": "",
        "endpoint": "",
        "region": "",
        "path_style": False,
        "key": "k",
    }


def test_blocks_of_the_first_tier_that_has_any_are_read(tmp_path: Path) -> None:
    for name in ("empty", "small", "large"):
        (tmp_path / name / "alluxioworker").mkdir(parents=True)
    (tmp_path / "small/alluxioworker/1").write_bytes(b"x" * 1000)
    (tmp_path / "large/alluxioworker/2").write_bytes(b"x" * (20 * 1024**2))
    folders = [str(tmp_path / name) for name in ("none", "empty", "small", "large")]
    done = subprocess.run(
        network_pods.reads_tier(folders), capture_output=True, text=True, check=True
    )
    found = network_matrix.parse_tier("n1", done.stdout)
    assert (found.folder, found.bytes) == (folders[-1], 20 * 1024**2)
    assert found.bytes_per_s > 0
    nothing = subprocess.run(
        network_pods.reads_tier(folders[:3]), capture_output=True, text=True, check=True
    )
    assert nothing.stdout == ""
