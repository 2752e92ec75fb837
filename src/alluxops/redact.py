"""Nothing secret is printed or recorded, and no path that only meant something during the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MASK = "********"


@dataclass(frozen=True)
class Redactor:
    """Masks secrets, and calls the run's own files by the option they came from."""

    secrets: frozenset[str] = frozenset()
    run_dir: Path | None = None

    def __call__(self, text: str) -> str:
        """The text, fit to be shown."""
        if self._secret is not None:
            text = self._secret.sub(MASK, text)
        if self._own_file is not None:
            text = self._own_file.sub("-e option", text)
        return text

    @cached_property
    def _secret(self) -> re.Pattern[str] | None:
        # Longest first: a secret that contains another is masked whole.
        parts = sorted(
            (re.escape(secret) for secret in self.secrets if secret), key=len, reverse=True
        )
        return re.compile("|".join(parts)) if parts else None

    @cached_property
    def _own_file(self) -> re.Pattern[str] | None:
        if self.run_dir is None:
            return None
        # With or without the directories above it: an error may name it relative to the current directory.
        name = re.escape(self.run_dir.name)
        return re.compile(rf"(?:[^\s('\"@]*/)?{name}/extra-vars-\d+\.yml(?::\d+)*")
