"""Settings that work, to be spoilt one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.settings import Node, Settings

NODES = tuple(Node(f"h{number}", f"n{number}") for number in (1, 2, 3))

GOOD = Settings(
    namespace="alluxio",
    release="alluxio",
    version="2.9.6",
    masters=1,
    ha="none",
    zookeeper_address=(),
    journal_format="if_empty",
    confirm_format="",
    root_ufs="s3://datasets/",
    root_ufs_secret="",
    root_ufs_options={},
    root_ufs_credentials_given=False,
    worker_quota=2**30,
    chart_ref="/charts/alluxio",
    chart_version="",
    chart_repo_url="",
    chart_is_local=True,
    values_files=(),
    values={},
    storage_root="/mnt/fuse3",
    kubeconfig="/home/user/.kube/config",
    wait_timeout_s=600,
    kube_control=("h1",),
    cache_masters=NODES,
    cache_workers=NODES,
)


def with_(**changes: Any) -> Settings:
    """GOOD with some fields changed."""
    return replace(GOOD, **changes)
