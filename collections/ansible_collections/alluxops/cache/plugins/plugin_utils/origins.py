"""Where a variable was written, from the tags that ansible-core puts on what it reads.

The tags are internal to ansible-core (2.19 and later); without them errors just name no place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.utils.vars import load_extra_vars

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None


def place_of(value: Any, *, ignore: str = "") -> str:
    """Where a value was written: `inventory/prod/group_vars/all/cache.yml:14`, or "" where that is not known.

    The path is relative to the working directory where it lies below it.

    ignore: a directory whose files are no place a user writes to, such as that of the roles' defaults.
    """
    origin = Origin.get_tag(value) if Origin is not None else None
    if origin is None:
        return ""
    if not origin.path:
        return str(origin.description or "")
    if ignore and Path(origin.path).is_relative_to(ignore):
        return ""
    return f"{shown(origin.path)}:{origin.line_num}" if origin.line_num else shown(origin.path)


def extra_variables(loader: DataLoader) -> frozenset[str]:
    """Names of the variables that were given with -e, which hold for this run alone."""
    return frozenset(map(str, load_extra_vars(loader)))


def shown(path: str | Path) -> str:
    """A path as people write it: relative to the working directory where it lies below it."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def lines_of(value: Any, name: str) -> dict[tuple[str | int, ...], str]:
    """The place of each key below a variable, as values_files.Source wants them."""
    found: dict[tuple[str | int, ...], str] = {(): place_of(value) or name}
    _note(value, (), found)
    return found


def _note(value: Any, path: tuple[str | int, ...], found: dict[tuple[str | int, ...], str]) -> None:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
        places = {str(key): place_of(key) for key in value}
    elif isinstance(value, list):
        items = list(enumerate(value))
        places = {}
    for key, item in items:
        place = place_of(item) or places.get(str(key), "")
        if place:
            found[(*path, key)] = place
        _note(item, (*path, key), found)
