"""What benchmarks leave on the machine that runs Ansible: reports, one a run, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_gate
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.plugin_utils import report_files

KEPT: Final = 50
"""Earlier reports that a page shows."""


def folder(given: str, namespace: str, release: str) -> Path:
    """Where the reports go. Raises SettingsError where they cannot be written."""
    own = report_files.folder("benchmarks") / f"{namespace}-{release}"
    path = Path(given).expanduser() if given else own
    if not path.is_absolute():
        raise SettingsError(
            f"benchmark_report is {given!r}.",
            "The reports go to a directory of the machine that runs Ansible.",
            "give an absolute path, or leave it out.",
        )
    report_files.refuse_unwritable(path, "benchmark_report", given)
    return path


def read_baseline(given: str) -> dict[str, Any] | None:
    """The stored report to compare with; None where none is asked for. Raises SettingsError."""
    if not given:
        return None
    try:
        text = Path(given).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"benchmark_baseline is {given!r}, which cannot be read: {error}.",
            "",
            "name the .json that an earlier run has written, on the machine that runs Ansible.",
        ) from error
    return benchmark_gate.parse(text, given)


def read_network(given: str, namespace: str, release: str) -> dict[str, Any] | None:
    """What `network` has written of this cache; None where it was not run, or of another cache."""
    path = report_files.report_path(given, namespace, release, "network")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        Measured.from_dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(found) if found.get("cache") == f"{namespace}/{release}" else None


def earlier(path: Path) -> list[dict[str, Any]]:
    """The reports of a directory, oldest first. What is no report is passed over."""
    found = []
    for file in sorted(path.glob("*.json"))[-KEPT:]:
        try:
            found.append(benchmark_gate.parse(file.read_text(encoding="utf-8"), str(file)))
        except (OSError, UnicodeDecodeError, SettingsError):
            continue
    return found


def write(path: Path, report: Mapping[str, Any], page: str, now: datetime) -> Path:
    """Write both, named after the moment; the one for people, beside which the other lies."""
    base = path / now.strftime("%Y-%m-%dT%H-%M-%SZ")
    report_files.write_text(
        base.with_suffix(".json"), json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    )
    report_files.write_text(base.with_suffix(".html"), page)
    return base.with_suffix(".html")
