"""What can go wrong in the wrapper itself, each with its exit code.

Only the CLI exits; everything below it raises one of these.
"""

from __future__ import annotations

from typing import ClassVar


class WrapperError(Exception):
    """Something failed and the reader can be told why.

    what: one sentence with the value and the place. cause: why it is so. fix: what to do. The last two may be empty.
    """

    exit_code: ClassVar[int] = 1

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


class UsageError(WrapperError):
    """The command line or what it names cannot work. Nothing was started."""

    exit_code = 2


class RunFailedError(WrapperError):
    """A playbook that the wrapper needed (not the one the user asked for) did not end well."""

    def __init__(self, what: str, cause: str = "", fix: str = "", *, refused: bool = False) -> None:
        super().__init__(what, cause, fix)
        self.refused = refused


class ClusterError(WrapperError):
    """The Kubernetes API, the release or its leader cannot be reached."""


class UnreachableClusterError(ClusterError):
    """The Kubernetes API does not answer, or not to us: refused, as by every verb."""

    exit_code = 2
