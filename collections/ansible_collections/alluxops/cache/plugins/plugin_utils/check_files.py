"""What a check that did not end leaves on the machine that runs Ansible: what is proven so far. Its owner's alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.consistency import File
from ansible_collections.alluxops.cache.plugins.plugin_utils.report_files import (
    folder,
    make_folder,
)

VALID_S: Final = 24 * 3600
"""What an interrupted check has proven counts so long: content may decay unseen."""


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
        make_folder(self.path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self.path, flags, 0o600), "a", encoding="utf-8") as file:
            file.write(text)

    def forget(self) -> None:
        """The check has ended."""
        self.path.unlink(missing_ok=True)
