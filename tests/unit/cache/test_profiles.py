"""A profile sets what clients do for a kind of data, where the user has not said otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_variant,
    profiles,
    values,
)
from tests.unit.cache.settings_cases import GOOD

CHART = values.Chart("alluxio", "0.1.0", values.OURS)


def fuse_of(profile: str) -> dict[str, Any]:
    found = values.our_defaults(replace(GOOD, profile=profile), CHART)
    fuse: dict[str, Any] = found.get("fuse", {})
    return fuse


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_a_profile_is_deployed_beneath_the_users_values_and_measured_by_its_name(name: str) -> None:
    one = profiles.PROFILES[name]
    assert fuse_of(name) == {"properties": one.properties, "mountOptions": one.mount_options}
    [variant] = benchmark_variant.read([{"name": name}], [])
    assert (variant.properties, variant.options) == (one.properties, one.mount_options)
    assert "allow_other" in one.mount_options


def test_without_a_profile_nothing_is_set() -> None:
    assert fuse_of("") == {}
