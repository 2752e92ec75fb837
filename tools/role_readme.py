"""Write each role's README.md from its argument specs; `--check` only says which are stale.

The same text becomes the role's page of the site (tools/docs.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tools.markup import cell, markdown
from tools.repository import relative
from tools.role_specs import NO_DEFAULT, Option, Role, load_role, public_options, role_folders

GENERATED = "<!-- Written by tools/role_readme.py from meta/argument_specs.yml: edit that. -->"


def _default(option: Option) -> str:
    if option.required:
        return "required"
    if option.default is NO_DEFAULT or option.default in (None, ""):
        return "none"
    value = option.default
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


def _row(option: Option) -> str:
    meaning = markdown(" ".join(option.description))
    if option.choices:
        meaning += f" One of {', '.join(f'`{choice}`' for choice in option.choices)}."
    if option.secret:
        meaning += " Secret: it is never shown."
    cells = (f"`{option.name}`", option.type, _default(option), meaning)
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def _with_public_default(option: Option, public: Mapping[str, Option]) -> Option:
    if option.default is NO_DEFAULT and option.name in public:
        return replace(option, default=public[option.name].default)
    return option


def render(role: Role, public: Mapping[str, Option]) -> str:
    """The README of one role as Markdown; defaults it leaves to `public` variables are shown."""
    parts = [f"# {role.name}", GENERATED, f"{role.summary}.", *map(markdown, role.description)]
    if role.options:
        options = [_with_public_default(option, public) for option in role.options]
        table = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |"]
        parts += ["## Variables", "\n".join([*table, *map(_row, options)])]
    else:
        parts.append(
            "It has no variables of its own; those of the whole product stand in "
            "[settings](../settings/README.md)."
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def stale_readmes(*, write: bool) -> list[str]:
    """Paths of the READMEs that differ from their specs; with `write`, bring them up to date."""
    stale = []
    public = public_options()
    for folder in role_folders():
        readme = folder / "README.md"
        wanted = render(load_role(folder), public)
        if not readme.is_file() or readme.read_text(encoding="utf-8") != wanted:
            stale.append(relative(readme))
            if write:
                readme.write_text(wanted, encoding="utf-8")
    return stale


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when `--check` finds a stale README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    check = parser.parse_args(arguments).check
    stale = stale_readmes(write=not check)
    for name in stale:
        print(f"{name}: differs from its specs; run make format" if check else f"wrote {name}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
