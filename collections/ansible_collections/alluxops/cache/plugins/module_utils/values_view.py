"""The final values, and where the user wrote each: what the checks of values look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values import at
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import (
    Path,
    Source,
    dotted,
)


def place(sources: Sequence[Source], path: Path) -> str:
    """Where the user wrote the value at `path`, the last source that has it; "" where none has."""
    for source in reversed(sources):
        if at(source.data, path) is not None:
            return source.place(path)
    return ""


def text(value: Any) -> str:
    """A scalar as our chart prints it: whole numbers without exponent, true and false."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class View:
    """values: what the chart's templates see. sources: what the user gave."""

    values: Mapping[str, Any]
    sources: Sequence[Source]

    def get(self, *path: str | int) -> Any:
        """The value at a path, or None."""
        return at(self.values, path)

    def section(self, *path: str | int) -> Mapping[str, Any]:
        """The mapping at a path; empty where there is none."""
        found = self.get(*path)
        return found if isinstance(found, Mapping) else {}

    def fault(self, path: Path, cause: str, fix: str, shown: str = "") -> SettingsError:
        """The value at `path` cannot work. shown: the value as the user reads it, where it is not just that."""
        where = place(self.sources, path)
        value = shown or repr(self.get(*path))
        return SettingsError(
            f"{dotted(path)} is {value}{f' ({where})' if where else ''}.", cause, fix
        )
