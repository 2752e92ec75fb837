"""A profile sets what clients do for a kind of data, where the user has not said otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_job,
    benchmark_variant,
    profiles,
    values,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_job import Way
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
    assert variant.properties == {**profiles.DEFAULTS.properties, **one.properties}
    assert variant.options == one.mount_options
    assert "allow_other" in one.mount_options


def test_upstream_is_measured_whatever_profile_is_deployed() -> None:
    [upstream] = benchmark_variant.read([{"name": "upstream"}], [])
    set_by_profiles = {name for one in profiles.PROFILES.values() for name in one.properties}
    assert set(upstream.properties) == set_by_profiles
    assert upstream.options == "allow_other"
    for name, one in profiles.PROFILES.items():
        assert all(upstream.properties[key] != value for key, value in one.properties.items())
        way = Way(fuse=True, properties=upstream.properties, options=upstream.options)
        options = benchmark_job.fuse_options(one.values(), way).split()
        for key, value in upstream.properties.items():
            assert [word for word in options if key in word] == [f"-D{key}={value}"], name


def test_without_a_profile_nothing_is_set() -> None:
    assert fuse_of("") == {}
