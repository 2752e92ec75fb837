"""One error type for the lab: what is wrong, why, and what to do, each in one sentence."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked.

    what: one sentence with the value and the place. cause: why it is so; may be empty. fix: what to do; may be empty.
    """

    def __init__(self, what: str, cause: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.fix = fix

    def __str__(self) -> str:
        lines = [f"Error: {self.what}"]
        if self.cause:
            lines.append(f"Cause: {self.cause}")
        if self.fix:
            lines.append(f"Fix: {self.fix}")
        return "\n".join(lines)
