"""A proof that could not be finished is worth a warning, not a failed deployment."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.action.cache_verify import _warnings

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
