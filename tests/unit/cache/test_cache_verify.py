"""A proof that could not be finished is worth a warning, not a failed deployment."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action.cache_verify import _warnings
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import look_at_installed

UNFINISHED: dict[str, Any] = {
    "path": "/",
    "inconsistent": [],
    "required": False,
    "finished": False,
    "timeout_s": 300,
}


def test_an_unfinished_comparison_is_explained() -> None:
    (said,) = _warnings(UNFINISHED)
    assert said.startswith("consistency not finished within 300 s (/): ")
    assert "alluxops verify" in said


def test_what_the_report_judges_needs_no_warning() -> None:
    assert _warnings({**UNFINISHED, "required": True}) == []
    assert _warnings({**UNFINISHED, "finished": True}) == []
    assert _warnings(None) == []


class Empty:
    """A cluster without the release."""

    def list_objects(self, *_: object, **__: object) -> list[Any]:
        return []

    def get(self, _path: str) -> None:
        return None


def test_a_cache_that_is_not_installed_is_said_to_be_so() -> None:
    kube: Any = Empty()
    with pytest.raises(SettingsError, match="ns/alluxio is not installed") as absent:
        look_at_installed(kube, "ns", "alluxio")
    assert absent.value.fix == "`alluxops site` installs it."
