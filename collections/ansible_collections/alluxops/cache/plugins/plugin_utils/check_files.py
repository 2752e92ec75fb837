"""What a check leaves on the machine that runs Ansible: what is proven so far, and its report. Their owner's alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.consistency import File
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

VALID_S: Final = 24 * 3600
"""What an interrupted check has proven counts so long: content may decay unseen."""


def folder() -> Path:
    """Where both are kept, beside the history of runs."""
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state else Path.home() / ".local" / "state") / "alluxops" / "checks"


class Proofs:
    """The files whose content an interrupted check has found right. The same check finds them, no other."""

    def __init__(self, what: Mapping[str, Any]) -> None:
        """what: what makes a check the same."""
        key = sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
        self.path = folder() / f"unfinished-{key}.jsonl"

    def read(self) -> dict[str, str]:
        """What was proven of which path, without what is too old. A line that a kill has cut short does not count."""
        proofs: dict[str, str] = {}
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return proofs
        for line in lines:
            try:
                entry = json.loads(line)
                if time.time() - float(entry["at"]) < VALID_S:
                    proofs[str(entry["path"])] = str(entry["proof"])
            except (ValueError, KeyError, TypeError):
                continue
        return proofs

    def add(self, files: Iterable[File]) -> None:
        """Note these."""
        now = int(time.time())
        entries = ({"path": one.path, "proof": one.proof, "at": now} for one in files)
        # A line that was cut short by a kill ends here.
        text = "\n" + "".join(json.dumps(entry) + "\n" for entry in entries)
        _make_folder(self.path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self.path, flags, 0o600), "a", encoding="utf-8") as file:
            file.write(text)

    def forget(self) -> None:
        """The check has ended."""
        self.path.unlink(missing_ok=True)


def report_path(given: str, namespace: str, release: str, verb: str) -> Path:
    """Where the report goes. Raises SettingsError where it cannot be written."""
    path = Path(given).expanduser() if given else folder() / f"{namespace}-{release}-{verb}.json"
    if given and (not path.is_absolute() or path.is_dir() or not path.parent.is_dir()):
        raise SettingsError(
            f"{verb}_report is {given!r}.",
            "The report is a file of the machine that runs Ansible, in a directory that is there.",
            "give an absolute path, or leave it out.",
        )
    there = next(above for above in path.parents if above.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise SettingsError(
            f"{verb}_report is {given!r}, and {there} cannot be written to.",
            "The report of a run that took an hour would be lost at its end.",
            f"let its user write there, or set {verb}_report to an absolute path elsewhere.",
        )
    return path


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write it whole or not at all."""
    write_text(path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file for its owner alone, whole or not at all."""
    _make_folder(path.parent)
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


def _make_folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
