"""Credentials reach pods as a file, and nobody else."""

from __future__ import annotations

import configparser

import pytest

from ansible_collections.alluxops.cache.plugins.action import namespace_objects
from ansible_collections.alluxops.cache.plugins.action.persistent_volumes import merged


def test_the_file_is_one_that_the_aws_sdk_reads() -> None:
    text = namespace_objects._shared_credentials({"accessKeyId": "AKIA", "secretKey": "se/c=ret+"})
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    assert dict(parsed["default"]) == {
        "aws_access_key_id": "AKIA",
        "aws_secret_access_key": "se/c=ret+",
    }


def test_a_diff_tells_that_a_secret_changed_and_not_what_it_is() -> None:
    before = namespace_objects._redacted("s3", {"secretKey": "b2xk"})
    after = namespace_objects._redacted("s3", {"secretKey": "bmV3"})
    assert before != after
    assert before == namespace_objects._redacted("s3", {"secretKey": "b2xk"})
    assert "b2xk" not in str(before)


def test_the_version_of_a_secret_changes_with_it() -> None:
    first = {"metadata": {"uid": "aaaaaaaa-bbbb", "resourceVersion": "1"}}
    second = {"metadata": {"uid": "aaaaaaaa-bbbb", "resourceVersion": "2"}}
    assert namespace_objects._version(first) != namespace_objects._version(second)


def test_the_cluster_is_told_for_the_backups_of_the_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(namespace_objects, "ensure_namespace", lambda *_, **__: (True, None))
    monkeypatch.setattr(namespace_objects, "cluster_uid", lambda _: "uid-1")
    monkeypatch.setattr(namespace_objects.ActionModule, "check_mode", False)
    module = namespace_objects.ActionModule.__new__(namespace_objects.ActionModule)
    options = {"namespace": "a", "release": "b", "secret_name": "", "state": "present"}
    told = module.act(None, {**options, "wait_timeout_s": 1})  # type: ignore[arg-type]
    assert (told["changed"], told["cluster"]) == (False, "uid-1")


def test_credentials_are_never_shown() -> None:
    assert "credentials" in namespace_objects.ActionModule.SECRET_OPTIONS


def test_a_merge_patch_is_applied_as_the_api_does() -> None:
    item = {"spec": {"claimRef": {"name": "a", "uid": "u"}, "size": 1}, "kind": "x"}
    patch = {"spec": {"claimRef": {"uid": None}, "size": 2}}
    assert merged(item, patch) == {"spec": {"claimRef": {"name": "a"}, "size": 2}, "kind": "x"}
    assert item["spec"] == {"claimRef": {"name": "a", "uid": "u"}, "size": 1}
