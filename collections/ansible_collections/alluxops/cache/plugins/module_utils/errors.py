"""Errors that name the value, its place and the fix.

Every error of this collection renders as the same three lines, so that a reader finds the fix in the same place:

    Error: alluxio_masters is 2 (inventory/prod/group_vars/all/cache.yml:14).
    Cause: Two masters cannot form a majority: losing either stops the cache.
    Fix: set 1, or 3 with alluxio_ha: embedded.

Standard library only, Python 3.9: modules that run on nodes import it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class CacheError(Exception):
    """Something failed and the reader can be told why.

    what: one sentence with the value and the place. cause: why it is so; may be empty. fix: what to do; may be empty.
    """

    refused = False

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

    def result(self) -> dict[str, Any]:
        """The result of a task that ends with this error: {failed, msg, refused}."""
        return {"failed": True, "msg": str(self), "refused": self.refused}


class SettingsError(CacheError):
    """A setting cannot work. Raised before anything was changed, which the wrapper reports as exit code 2."""

    refused = True


class ManySettingsErrors(SettingsError):  # noqa: N818 - it is several errors
    """All faults found in one pass, so that a user repairs them in one edit rather than one run each."""

    def __init__(self, errors: Sequence[SettingsError]) -> None:
        if not errors:
            raise ValueError("ManySettingsErrors needs at least one error")
        super().__init__(errors[0].what, errors[0].cause, errors[0].fix)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n\n".join(str(error) for error in self.errors)
