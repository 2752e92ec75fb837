"""Ansible's documentation markup as Markdown."""

from __future__ import annotations

import re

# C(code), O(option=value), V(value), RV(return value), E(environment variable), M(module); B(bold); I(italic).
_CODE = re.compile(r"\b(?:C|O|V|RV|E|M)\(([^)]*)\)")
_BOLD = re.compile(r"\bB\(([^)]*)\)")
_ITALIC = re.compile(r"\bI\(([^)]*)\)")


def markdown(text: str) -> str:
    """`text` with Ansible's markup turned into Markdown's."""
    text = _CODE.sub(lambda match: f"`{match[1].rpartition('#')[2]}`", text)
    text = _BOLD.sub(r"**\1**", text)
    return _ITALIC.sub(r"*\1*", text)


def cell(text: str) -> str:
    """`text` for a table cell: one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
