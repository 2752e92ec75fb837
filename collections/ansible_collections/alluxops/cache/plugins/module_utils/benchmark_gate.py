"""Whether a benchmark is slower than a stored one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_result
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import base
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

COMPARED: Final = ("runs", "parallelism", "readers", "warm_up_s")
"""Settings that must be the same. Workloads and arms are compared where both have them; what only the baseline has is
missing."""
LEAST_FILES: Final = 20
"""Of fewer, the slowest file alone is the 95th percentile, and tells of a moment."""

Key = tuple[str, int, int, str]
"""A workload's name, files and bytes of each, and an arm."""


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


def figures(report: Mapping[str, Any]) -> dict[Key, float]:
    """MiB a second, by workload and arm."""
    return {key: float(arm["mib_s"]) for key, arm in _arms(report).items()}


def _arms(report: Mapping[str, Any]) -> dict[Key, Mapping[str, Any]]:
    return {
        (str(one["name"]), int(one["files"]), int(one["bytes"]), str(arm["arm"])): arm
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
        other += _other_variants(settings, baseline)
    faults = [
        SettingsError(
            f"benchmark_baseline was measured otherwise: {'; '.join(other)}.",
            "Its figures say nothing of these.",
            "set the same, or measure a new baseline.",
        )
    ]
    return [*(faults if other else []), *_unproven(settings, baseline)]


def _other_variants(settings: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[str]:
    """The variants of the same name that are other settings there."""
    there = {one["name"]: one for one in baseline["settings"].get("variants") or []}
    found = []
    for one in settings.get("variants") or []:
        name = one["name"]
        before = there.get(name, {})
        was_measured = any(key[3].endswith(f"/{name}") for key in _arms(baseline))
        # What is empty may not be there: reports are older than settings that were added since.
        if was_measured and any(
            (one.get(key) or None) != (before.get(key) or None)
            for key in {*one, *before} - {"name"}
        ):
            said = {key: value for key, value in before.items() if value and key != "name"}
            found.append(f"the variant {name} is {said or 'not described'} there")
    return found


def _unproven(settings: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[SettingsError]:
    """The baseline's arms that were not proven there, of those that are to be compared."""
    asked = _asked(settings)
    return [
        SettingsError(
            f"benchmark_baseline has {key[0]}, {key[3]}, which is not proven there: {'; '.join(arm['wrong'])}.",
            "Its bytes came another way than its name says, so its figure is no yardstick.",
            "name a run all of whose arms are proven.",
        )
        for key, arm in _arms(baseline).items()
        if key in asked and arm.get("wrong")
    ]


def _asked(settings: Mapping[str, Any]) -> set[Key]:
    return {
        (str(one["name"]), int(one["files"]), int(one["bytes"]), str(arm))
        for one in settings["workloads"]
        for arm in settings["arms"]
    }


def missing(
    settings: Mapping[str, Any], left_out: Mapping[str, str], baseline: Mapping[str, Any]
) -> list[str]:
    """The baseline's arms that are not measured now, and why, a line each. left_out: why, by arm."""
    asked = _asked(settings)
    workloads = {key[:3] for key in asked}
    found: dict[str, None] = {}
    for key in _arms(baseline):
        name, files, size, arm = key
        if key[:3] not in workloads:
            found[
                f"{name} ({files} files of {size} bytes): benchmark_workloads does not have it"
            ] = None
        elif key not in asked:
            why = left_out.get(base(arm)) or _not_asked(arm, settings["arms"])
            found[f"{name}, {arm}: {why}"] = None
    return list(found)


def _not_asked(arm: str, arms: Sequence[str]) -> str:
    """Why an arm that the deployment has is not measured."""
    is_variant = base(arm) != arm and base(arm) in arms
    setting = "benchmark_variants" if is_variant else "benchmark_arms"
    return f"{setting} does not have it"


def slower(
    report: Mapping[str, Any], baseline: Mapping[str, Any], tolerance_percent: int
) -> list[str]:
    """The arms that are slower than they were by more than that, in throughput or 95th percentile, a line each."""
    before, left = _arms(baseline), 1 - tolerance_percent / 100
    found = []
    for key, arm in _arms(report).items():
        then = before.get(key)
        if then is None:
            continue
        where, rate, was = f"{key[0]}, {key[3]}", arm["mib_s"], then["mib_s"]
        if was and rate < was * left:
            found.append(f"{where}: {rate:.1f} MiB/s, {was:.1f} before ({rate / was - 1:+.0%})")
        late, was_late = arm.get("p95_ms"), then.get("p95_ms")
        files = key[1] * int(report["settings"]["runs"])
        if late and was_late and files >= LEAST_FILES and late * left > was_late:
            found.append(
                f"{where}: p95 {late:.1f} ms, {was_late:.1f} before ({late / was_late - 1:+.0%})"
            )
    return found
