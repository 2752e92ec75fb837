"""Buckets, datasets and Secrets of a test, made and taken away."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integration.lab_under_test import RunningLab

WRONG = "wrong-secret-under-test"
"""A secret key that the lab's store does not accept."""


def small_cache(root_prefix: str) -> dict[str, Any]:
    """A small cache whose root is a prefix of the lab's bucket."""
    return {
        "verify_tests": False,
        "alluxio_root_ufs": f"s3://datasets/{root_prefix}/",
        "alluxio_worker_quota": 128 * 1024**2,
    }


def images(bucket: str) -> dict[str, Any]:
    """A dataset that is loaded and pinned, with a Secret of make_secrets()."""
    return {
        "name": "images",
        "path": "/sets/images",
        "ufs": f"s3://{bucket}/",
        "secret": "images-s3",
        "load": True,
        "pin": True,
    }


def make_secrets(lab: RunningLab, namespace: str) -> None:
    """One that opens the lab's store, one that does not, and one without a secret key."""
    good = lab.s3()._request_signer._credentials
    make_secret(lab, namespace, "images-s3", accessKeyId=good.access_key, secretKey=good.secret_key)
    make_secret(lab, namespace, "wrong-s3", accessKeyId=good.access_key, secretKey=WRONG)
    make_secret(lab, namespace, "half-s3", accessKeyId=good.access_key)


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
    return sorted(listing(lab, bucket))


def listing(lab: RunningLab, bucket: str) -> dict[str, tuple[int, str]]:
    """Size and ETag of every object of a bucket, by its key."""
    pages = lab.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = [item for page in pages for item in page.get("Contents", [])]
    return {item["Key"]: (item["Size"], item["ETag"]) for item in found}


def in_parallel[Item](act: Callable[[Item], Any], items: Iterable[Item]) -> None:
    """Do something for each of many items; a client of boto3 may be used by all of them."""
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(act, item) for item in items]:
            done.result()


def put_in_parts(client: Any, bucket: str, key: str, parts: Iterable[bytes]) -> None:
    """Write an object as most tools write a large one: its ETag is no digest of its content."""
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    where = {"Bucket": bucket, "Key": key, "UploadId": upload}
    sent = [
        {
            "PartNumber": number,
            "ETag": client.upload_part(**where, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(parts, 1)
    ]
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": sent})


def empty(lab: RunningLab, bucket: str, root_prefix: str) -> None:
    """Take away what an earlier run left: a bucket, and a prefix of the root's."""
    client = lab.s3()
    if bucket in [item["Name"] for item in client.list_buckets()["Buckets"]]:
        in_parallel(lambda key: client.delete_object(Bucket=bucket, Key=key), keys(lab, bucket))
        client.delete_bucket(Bucket=bucket)
    found = client.list_objects_v2(Bucket="datasets", Prefix=f"{root_prefix}/")
    for item in found.get("Contents", []):
        client.delete_object(Bucket="datasets", Key=item["Key"])
