"""Buckets and Secrets of a test, made and taken away."""

from __future__ import annotations

import base64
import json
import subprocess

from tests.integration.lab_under_test import RunningLab


def make_secret(lab: RunningLab, namespace: str, name: str, **data: str) -> None:
    """A Secret in a cache's namespace; by its input, as its values are secret."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
    subprocess.run(
        ["kubectl", "apply", "-f", "-"],
        input=json.dumps(body),
        env=lab.environment,
        text=True,
        check=True,
        capture_output=True,
    )


def keys(lab: RunningLab, bucket: str) -> list[str]:
    """All that is in a bucket."""
    pages = lab.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def empty(lab: RunningLab, bucket: str, root_prefix: str) -> None:
    """Take away what an earlier run left: a bucket, and a prefix of the root's."""
    client = lab.s3()
    if bucket in [item["Name"] for item in client.list_buckets()["Buckets"]]:
        for key in keys(lab, bucket):
            client.delete_object(Bucket=bucket, Key=key)
        client.delete_bucket(Bucket=bucket)
    found = client.list_objects_v2(Bucket="datasets", Prefix=f"{root_prefix}/")
    for item in found.get("Contents", []):
        client.delete_object(Bucket="datasets", Key=item["Key"])
