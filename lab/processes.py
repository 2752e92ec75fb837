"""A process's identity: its number alone is given to another process later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of this boot."""

    pid: int
    start_ticks: int
    """When it started, in the kernel's ticks since boot."""

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this number now, or None (a zombie counts as none)."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        # The name, in parentheses, may hold anything; state and start time are fields 3 and 22.
        fields = text[text.rindex(")") + 2 :].split()
        if fields[0] in {"Z", "X"}:
            return None
        return cls(pid, int(fields[19]))

    def is_alive(self) -> bool:
        """True where this very process still runs."""
        return Process.of(self.pid) == self
