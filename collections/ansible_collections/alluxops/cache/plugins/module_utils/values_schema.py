"""The user's values against the chart's values.schema.json, with the place of each fault.

Helm checks the whole schema when it renders, which is after nodes and volumes were made. This finds the usual mistakes
before, in the user's own values: what the chart's defaults are is the chart's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import closest
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import (
    Path,
    Source,
    dotted,
)

Schema = Mapping[str, Any]


def faults(source: Source, schema: Schema) -> list[SettingsError]:
    """What of a source the schema refuses. Keys at the top level are left to values_files, which knows more of them."""
    known = schema.get("properties") or {}
    found: list[SettingsError] = []
    for key, value in source.data.items():
        if key in known:
            found += _below(value, known[key], (key,), source, schema)
    return found


def _below(
    value: Any, schema: Schema, path: Path, source: Source, root: Schema
) -> Iterator[SettingsError]:
    schema = _resolved(schema, root)
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else list(wanted or [])
    # An empty section (`properties:`) is a null, which only drops the chart's own default.
    if value is None:
        if kinds and "null" not in kinds and any(isinstance(part, int) for part in path):
            cause = "In a list a null stands for itself."
            yield _fault(source, path, f"{dotted(path)} is null", cause, "remove it.")
        return
    if kinds and not any(_is(value, kind) for kind in kinds):
        kinds_shown = " or ".join(kind for kind in kinds if kind != "null")
        yield _fault(
            source,
            path,
            f"{dotted(path)} is {value!r}",
            f"The chart wants a value of type {kinds_shown}.",
            "",
        )
    elif "enum" in schema and value not in schema["enum"]:
        wanted_values = ", ".join(str(one) for one in schema["enum"])
        yield _fault(
            source, path, f"{dotted(path)} is {value!r}", "", f"set one of {wanted_values}."
        )
    elif (wrong := _bounds(value, schema)) is not None:
        yield _fault(source, path, f"{dotted(path)} is {value!r}", "", wrong)
    elif isinstance(value, Mapping):
        yield from _keys(value, schema, path, source, root)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for number, item in enumerate(value):
            yield from _below(item, schema["items"], (*path, number), source, root)


def _keys(
    value: Mapping[str, Any], schema: Schema, path: Path, source: Source, root: Schema
) -> Iterator[SettingsError]:
    known = schema.get("properties") or {}
    others = schema.get("additionalProperties", True)
    needed = schema.get("required") or []
    if isinstance(
        path[-1], int
    ):  # an item of a list stands alone: no default of the chart completes it
        for key in (key for key in needed if key not in value):
            yield _fault(source, path, f"{dotted(path)} has no {key}", "", f"add {key}.")
    names = re.compile((schema.get("propertyNames") or {}).get("pattern", ""))
    for key, item in value.items():
        below = (*path, key)
        if item is None and key in needed:
            cause = "A null takes the chart's own value away, and it needs one."
            yield _fault(source, below, f"{dotted(below)} is null", cause, "remove it.")
        elif not names.search(str(key)):
            fix = f"name it so that it matches {names.pattern}."
            yield _fault(source, below, f"{dotted(below)} has a name that cannot be", "", fix)
        elif key in known:
            yield from _below(item, known[key], below, source, root)
        elif isinstance(others, Mapping):
            yield from _below(item, others, below, source, root)
        elif others is False:
            meant = closest(str(key), known)
            fix = (
                f"{meant} Else remove it."
                if meant
                else f"remove it; {dotted(path)} takes {', '.join(sorted(known))}."
            )
            yield _fault(source, below, f"{dotted(below)} is no key of the chart's values", "", fix)


def _bounds(value: Any, schema: Schema) -> str | None:
    """How to write a value of the right type that is too small, too large or of a wrong form; None where it fits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        least, most = schema.get("minimum"), schema.get("maximum")
        if least is not None and value < least:
            return f"set at least {least}."
        if most is not None and value > most:
            return f"set at most {most}."
    if isinstance(value, str):
        pattern = schema.get("pattern", "")
        if not re.search(pattern, value):
            return f"write it so that it matches {pattern}."
        if len(value) < schema.get("minLength", 0):
            return "write it, or remove it."
    if isinstance(value, list) and len(value) < schema.get("minItems", 0):
        return "list something, or remove it."
    return None


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow `$ref: "#/definitions/x"`."""
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":  # JSON has one kind of number: 3.0 is an integer
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)
        )
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    kinds: dict[str, type] = {
        "string": str,
        "boolean": bool,
        "object": dict,
        "array": list,
        "null": type(None),
    }
    return isinstance(value, Mapping if kind == "object" else kinds.get(kind, object))


def _fault(source: Source, path: Path, what: str, cause: str, fix: str) -> SettingsError:
    return SettingsError(f"{what} ({source.place(path)}).", cause, fix or "correct it.")
