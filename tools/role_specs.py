"""Roles' argument specs and defaults as typed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.repository import ROOT

NO_DEFAULT = object()


@dataclass(frozen=True)
class Option:
    """One variable of a role as its specification declares it.

    Attributes:
        default: the declared default, or NO_DEFAULT where the specification gives none.
    """

    name: str
    type: str
    description: tuple[str, ...]
    required: bool
    default: object
    choices: tuple[object, ...]
    secret: bool


@dataclass(frozen=True)
class Role:
    """A role with the specifications of its entry points, merged, and its defaults.

    Attributes:
        summary, description: those of `main`, else of the first entry point.
    """

    name: str
    path: Path
    summary: str
    description: tuple[str, ...]
    options: tuple[Option, ...]
    defaults: Mapping[str, object]


def _lines(text: object) -> tuple[str, ...]:
    if isinstance(text, str):
        return (text.strip(),)
    return tuple(str(line).strip() for line in text) if isinstance(text, list) else ()


def _option(name: str, spec: Mapping[str, Any]) -> Option:
    kind = str(spec.get("type", "str"))
    if kind == "list" and "elements" in spec:
        kind = f"list of {spec['elements']}"
    return Option(
        name=name,
        type=kind,
        description=_lines(spec.get("description")),
        required=bool(spec.get("required", False)),
        default=spec.get("default", NO_DEFAULT),
        choices=tuple(spec.get("choices") or ()),
        secret=bool(spec.get("no_log", False)),
    )


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty where the file is missing or empty.

    Raises:
        TypeError: the file holds something else; names the file.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(content or {}, dict):
        raise TypeError(f"{path}: a mapping is expected, not {type(content).__name__}")
    return content or {}


def load_role(path: Path) -> Role:
    """Read one role's folder.

    Raises:
        TypeError: one of its files is not what its name promises; names the file.
    """
    specs: dict[str, Any] = load_yaml(path / "meta" / "argument_specs.yml")["argument_specs"]
    first = specs.get("main") or next(iter(specs.values()))
    options: dict[str, Option] = {}
    for entry_point in specs.values():
        for name, spec in (entry_point.get("options") or {}).items():
            options.setdefault(name, _option(name, spec or {}))
    return Role(
        name=path.name,
        path=path,
        summary=str(first.get("short_description", "")).strip(),
        description=_lines(first.get("description")),
        options=tuple(options.values()),
        defaults=load_yaml(path / "defaults" / "main.yml"),
    )


def role_folders() -> list[Path]:
    """The folder of every role that declares its variables, by name.

    tests/unit/test_house_roles.py sees to it that every role does.
    """
    return sorted(spec.parent.parent for spec in ROOT.glob("roles/*/meta/argument_specs.yml"))


def public_options() -> dict[str, Option]:
    """The product's public variables by name, as the role `settings` declares them."""
    return {option.name: option for option in load_role(ROOT / "roles" / "settings").options}


def differences(role: Role, public: Mapping[str, Option]) -> Iterator[str]:
    """Where a role's defaults, its specs and the public variables disagree, one sentence each.

    Args:
        role: the role that is looked at.
        public: what `public_options` gives. A role may describe what it uses of them, but their
            types, choices and defaults are decided there.
    """
    declared = {option.name: option for option in role.options}
    for name, value in role.defaults.items():
        if name not in declared:
            yield f"{name} has a default but is not in meta/argument_specs.yml"
        elif declared[name].default is NO_DEFAULT:
            yield f"{name} is {value!r} in defaults/main.yml, without default in argument_specs.yml"
        elif declared[name].default != value:
            yield (
                f"{name} is {value!r} in defaults/main.yml "
                f"but {declared[name].default!r} in meta/argument_specs.yml"
            )
    for name, option in declared.items():
        if option.default is not NO_DEFAULT and name not in role.defaults:
            yield f"{name} has a default in meta/argument_specs.yml but not in defaults/main.yml"
        known = public.get(name)
        if known and (known.type, known.choices) != (option.type, option.choices):
            yield (
                f"{name} is {option.type} {[*option.choices]} here "
                f"but {known.type} {[*known.choices]} in roles/settings"
            )
