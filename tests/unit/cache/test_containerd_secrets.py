"""Credentials of a registry are refused in the settings of containerd, without being repeated."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import containerd_secrets
from ansible_collections.alluxops.cache.plugins.module_utils.host_variables import Value


def of_registry(**settings: Any) -> dict[str, Any]:
    return {"registry": {"configs": {"r.example.com": settings}}}


@pytest.mark.parametrize(
    ("tree", "key"),
    [
        (of_registry(auth={"username": "u", "password": "hunter2"}), "r.example.com.auth"),
        (of_registry(auth={"auth": "hunter2"}), "r.example.com.auth"),
        (of_registry(identitytoken="hunter2"), "r.example.com.identitytoken"),
        (of_registry(password="hunter2"), "r.example.com.password"),
        ({"registry": {"headers": {"Authorization": ["hunter2"]}}}, "headers.Authorization"),
        ({"any": [{"password": "hunter2"}]}, "any.password"),
    ],
)
def test_what_carries_a_secret_is_refused(tree: dict[str, Any], key: str) -> None:
    (fault,) = containerd_secrets.faults([Value({}), Value(tree, "all.yml:3"), Value(tree, "")])
    assert f"{key} (all.yml:3)." in fault.what
    assert "registry.config_path" in fault.fix
    assert "hunter2" not in str(fault)


def test_other_settings_are_not() -> None:
    tree = {"sandbox_image": "r/pause:3.10", "registry": {"config_path": "/etc/containerd/certs.d"}}
    assert containerd_secrets.faults([Value(tree), Value(None), Value("text")]) == []
