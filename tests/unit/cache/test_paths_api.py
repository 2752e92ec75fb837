"""Requests to Alluxio's REST API carry credentials in their bodies alone, and its errors are told without them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError, Request

KEYS = {"s3a.accessKeyId": "AKID", "s3a.secretKey": "hunter2"}
MOUNT = paths_api.mount(
    "/data/a b",
    "s3://bucket/pre fix",
    read_only=True,
    shared=False,
    options={"o": "v"},
    credentials=KEYS,
)


def test_a_mount_carries_its_credentials_in_the_body() -> None:
    assert MOUNT.url == "/api/v1/paths//data/a%20b/mount?src=s3://bucket/pre%20fix/"
    assert json.loads(MOUNT.data)["properties"] == {"o": "v", **KEYS}
    assert not MOUNT.reads
    assert "hunter2" not in MOUNT.url


def test_only_what_reads_is_asked_twice() -> None:
    assert paths_api.list_files("/a", metadata="NEVER").reads
    assert paths_api.get_status("/a").reads
    assert not paths_api.unmount("/a").reads
    assert not paths_api.free("/a").reads
    assert not paths_api.evict("/a").reads


def test_a_store_is_asked_only_where_that_is_meant() -> None:
    """Whatever alluxio.user.file.metadata.sync.interval is in the cache."""
    never, anew = {"syncIntervalMs": -1}, {"syncIntervalMs": 0}
    assert paths_api.get_status("/a").body["commonOptions"] == never
    assert paths_api.list_files("/a", metadata="NEVER").body["commonOptions"] == never
    for metadata in ("ONCE", "ALWAYS"):
        body = paths_api.list_files("/a", metadata=metadata).body
        assert (body["commonOptions"], body["loadMetadataType"]) == (never, metadata)
    synced = paths_api.list_files("/a", metadata="ONCE", synced=True)
    assert synced.body["commonOptions"] == anew
    assert paths_api.get_status("/a", synced=True).body["commonOptions"] == anew
    one = paths_api.get_status("/a", metadata="NEVER").body
    assert one == {"commonOptions": never, "loadMetadataType": "NEVER"}


def test_of_a_list_is_kept_what_is_read() -> None:
    """Of blocks: how much of them workers hold, each counted once."""
    held = [{"workerId": 1, "workerAddress": {"host": "n1"}, "tierAlias": "MEM"}]
    blocks = [
        {"blockInfo": {"blockId": at, "length": 10, "locations": where}, "offset": 10 * at}
        for at, where in enumerate((held, [], held * 2))
    ]
    listed = [
        {"path": "/a", "length": 30, "fileBlockInfos": blocks, "acl": {"entries": []}},
        {"path": "/b", "length": 10, "fileBlockInfos": blocks[1:2]},
        {"path": "/d", "folder": True, "fileBlockInfos": []},
    ]
    request = paths_api.list_files("/", metadata="NEVER")
    found = paths_api.parse(request, 200, json.dumps(listed).encode())
    assert found == [
        {"path": "/a", "length": 30, "cachedBytes": 20},
        {"path": "/b", "length": 10, "cachedBytes": 0},
        {"path": "/d", "folder": True},
    ]


def test_bytes_are_those_of_blocks_where_they_are_told() -> None:
    status = {"length": 1000, "inAlluxioPercentage": 1}
    assert paths_api.cached_bytes(status) == 10
    assert paths_api.cached_bytes({**status, "cachedBytes": 19}) == 19
    assert paths_api.cached_bytes({"length": 1000}) == 0


def test_a_ttl_frees() -> None:
    """Alluxio's own default would delete in the under store."""
    assert paths_api.set_ttl("/a", 5).body["commonOptions"] == {"ttl": 5, "ttlAction": "FREE"}


def test_of_an_error_the_last_line_is_told_without_secrets() -> None:
    message = (
        'mount command: alluxio fs mount /ds option {value: "hunter2"}\nFailed: hunter2 is no key'
    )
    body = json.dumps({"message": message, "statusCode": "UNKNOWN"}).encode()
    with pytest.raises(PathError) as caught:
        paths_api.parse(MOUNT, 500, body)
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).endswith("failed: Failed: ******** is no key")


@pytest.mark.parametrize(
    ("message", "is_missing"),
    [
        ('Path "/nope" does not exist.', True),
        ("NoSuchBucket:The specified bucket does not exist.", False),
    ],
)
def test_a_path_that_is_not_there_is_told_from_a_store_that_is_not(
    message: str, *, is_missing: bool
) -> None:
    body = json.dumps({"message": message, "statusCode": "NOT_FOUND"}).encode()
    with pytest.raises(PathError) as caught:
        paths_api.parse(Request("/nope", "get-status"), 500, body)
    assert caught.value.is_missing is is_missing


def test_an_empty_answer_is_no_error() -> None:
    assert paths_api.parse(MOUNT, 200, b"") is None
    assert paths_api.parse(Request("/", "list-status"), 200, b"[]") == []
    with pytest.raises(PathError, match="502"):
        paths_api.parse(MOUNT, 200, b"<html>")


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("XAdminUserNotFound:No user exists with the provided access key ID.", "credentials"),
        ("SignatureDoesNotMatch:The request signature", "credentials"),
        ("NoSuchBucket:The specified bucket does not exist.", "no such bucket"),
        ("No Under File System Factory found for: foo://b/", "no client"),
        ("Ufs path /nonexist does not exist", "no such directory"),
        ("Unable to execute HTTP request: Connect to 10.0.0.1:1 failed", "does not answer"),
    ],
)
def test_why_a_store_cannot_be_listed(message: str, cause: str) -> None:
    assert cause in paths_api.why_refused(message)[0]
