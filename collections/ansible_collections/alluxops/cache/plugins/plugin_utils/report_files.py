"""What a verb has found, left on the machine that runs Ansible: whole or not at all, and its owner's alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError


def folder(kind: str = "checks") -> Path:
    """Where they are kept, beside the history of runs."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state else Path.home() / ".local" / "state") / "alluxops" / kind


def report_path(given: str, namespace: str, release: str, verb: str) -> Path:
    """Where the report goes. Raises SettingsError where it cannot be written."""
    path = Path(given).expanduser() if given else folder() / f"{namespace}-{release}-{verb}.json"
    if given and (not path.is_absolute() or path.is_dir() or not path.parent.is_dir()):
        raise SettingsError(
            f"{verb}_report is {given!r}.",
            "The report is a file of the machine that runs Ansible, in a directory that is there.",
            "give an absolute path, or leave it out.",
        )
    refuse_unwritable(path.parent, f"{verb}_report", given)
    return path


def refuse_unwritable(directory: Path, setting: str, given: str) -> None:
    """Raise SettingsError where a directory cannot be written to, or made. given: what the setting says."""
    there = next(above for above in (directory, *directory.parents) if above.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise SettingsError(
            f"{setting} is {given!r}, and {there} cannot be written to.",
            "The report of a run that took an hour would be lost at its end.",
            f"let its user write there, or set {setting} to an absolute path elsewhere.",
        )


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write it whole or not at all."""
    write_text(path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        with os.fdopen(
            # A name need not be text; what of it is none becomes an escape of JSON's own.
            os.open(draft, flags, 0o600),
            "w",
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a directory that is its owner's alone, where it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
