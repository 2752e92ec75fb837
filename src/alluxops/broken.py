"""Which file of an inventory is no YAML: of a file of variables, Ansible tells the fault and not the place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIXES = frozenset({".yml", ".yaml"})
VARIABLES = ("group_vars", "host_vars")


def broken_yaml(inventories: Sequence[str]) -> str:
    """`FILE:LINE: fault` of the first file that cannot be parsed; "" where all can. Reads; constructs nothing."""
    for file in _files(inventories):
        try:
            yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            return f"{_place(file, error)}: {error.problem or error.context}"
        except (OSError, ValueError, yaml.YAMLError):
            continue  # not readable, or no text: another error than Ansible's
    return ""


def _place(file: Path, error: yaml.MarkedYAMLError) -> str:
    """The line of the fault; of what was never closed, the line where it was opened rather than the end."""
    lines = len(file.read_text(encoding="utf-8").splitlines())
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    if not marks:
        return str(file)
    mark = next((mark for mark in marks if mark.line < lines), marks[0])
    return f"{file}:{min(mark.line + 1, lines)}"


def _files(inventories: Sequence[str]) -> Iterator[Path]:
    for name in inventories:
        path = Path(name)
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if _is_yaml(file))
        elif path.is_file():
            beside = [path.parent / folder for folder in VARIABLES]
            found = [file for folder in beside for file in folder.rglob("*")]
            yield from sorted(file for file in [path, *found] if _is_yaml(file))


def _is_yaml(file: Path) -> bool:
    """By its name; below group_vars and host_vars one without a suffix too, as Ansible takes it."""
    plain = not file.suffix and any(folder in file.parts for folder in VARIABLES)
    return (plain or file.suffix in SUFFIXES) and file.is_file()
