"""Whether a benchmark is slower than a stored one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_result
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

COMPARED: Final = ("runs", "parallelism", "readers", "warm_up_s")
"""Settings that must be the same; workloads and arms are compared where both have them."""


def parse(text: str, path: str) -> dict[str, Any]:
    """A stored report. Raises SettingsError where it is none."""
    try:
        found = json.loads(text)
        is_one = found["format"] == benchmark_result.FORMAT and bool(figures(found))
    except (ValueError, KeyError, TypeError):
        is_one = False
    if not is_one:
        raise SettingsError(
            f"benchmark_baseline is {path!r}, which is no report of a benchmark.",
            "",
            "name the .json that an earlier run has written.",
        )
    return dict(found)


def figures(report: Mapping[str, Any]) -> dict[tuple[str, int, int, str], float]:
    """MiB a second, by workload and arm."""
    return {
        (str(one["name"]), int(one["files"]), int(one["bytes"]), str(arm["arm"])): float(
            arm["mib_s"]
        )
        for one in report["workloads"]
        for arm in one["arms"]
    }


def differing(settings: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[SettingsError]:
    """Why a baseline cannot be compared with what is about to be measured."""
    before = baseline["settings"]
    other = [
        f"{name} {before.get(name)} there, {settings[name]} here"
        for name in COMPARED
        if before.get(name) != settings[name]
    ]
    if not other:
        known = {(name, files, size) for name, files, size, _ in figures(baseline)}
        asked = {(one["name"], one["files"], one["bytes"]) for one in settings["workloads"]}
        if not known & asked:
            other = ["no workload of this one"]
    if not other:
        return []
    return [
        SettingsError(
            f"benchmark_baseline was measured otherwise: {'; '.join(other)}.",
            "Its figures say nothing of these.",
            "set the same, or measure a new baseline.",
        )
    ]


def slower(
    report: Mapping[str, Any], baseline: Mapping[str, Any], tolerance_percent: int
) -> list[str]:
    """The arms that are slower than they were by more than that, a line each."""
    before = figures(baseline)
    found = []
    for key, now in figures(report).items():
        then = before.get(key)
        if then and now < then * (1 - tolerance_percent / 100):
            found.append(
                f"{key[0]}, {key[3]}: {now:.1f} MiB/s, {then:.1f} before ({now / then - 1:+.0%})"
            )
    return found
