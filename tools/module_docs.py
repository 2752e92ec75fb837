"""Pages for the collection's modules, from their own documentation as ansible-doc reads it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from tools.markup import cell, markdown
from tools.repository import COLLECTION, ROOT, tool_environment


def module_names() -> list[str]:
    """Full names of the collection's modules, by name."""
    files = sorted((COLLECTION / "plugins" / "modules").glob("*.py"))
    return [f"alluxops.cache.{file.stem}" for file in files if file.stem != "__init__"]


def read_docs(names: list[str]) -> dict[str, Any]:
    """What ansible-doc says of the modules, by full name.

    Raises:
        ValueError: ansible-doc cannot read one of them; carries its message.
    """
    if not names:
        return {}
    done = subprocess.run(
        ["ansible-doc", "--type", "module", "--json", *names],
        cwd=ROOT,
        env=tool_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    documented = json.loads(done.stdout or "{}")
    if done.returncode or set(documented) != set(names):
        raise ValueError(
            f"ansible-doc: {done.stderr.strip() or sorted(set(names) - {*documented})}"
        )
    return dict(documented)


def _sentences(text: object) -> str:
    lines = text if isinstance(text, list) else [text or ""]
    return cell(markdown(" ".join(str(line) for line in lines)))


def _table(entries: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, entry in entries.items():
        kind = entry.get("type", "str")
        if entry.get("elements"):
            kind = f"list of {entry['elements']}"
        default = entry.get("default")
        told = "required" if entry.get("required") else "" if default is None else f"`{default}`"
        yield f"| `{prefix}{name}` | {kind} | {told} | {_sentences(entry.get('description'))} |"
        inner = entry.get("suboptions") or entry.get("contains") or {}
        yield from _table(inner, f"{prefix}{name}.")


def render(name: str, documented: Mapping[str, Any]) -> str:
    """One module's page as Markdown, from its entry in `read_docs`."""
    doc = documented["doc"]
    parts = [
        f"# {name}",
        _sentences(doc["short_description"]) + ".",
        _sentences(doc["description"]),
    ]
    if doc.get("options"):
        head = ["| option | type | default | meaning |", "| --- | --- | --- | --- |"]
        parts += ["## Options", "\n".join([*head, *_table(doc["options"])])]
    if documented.get("examples"):
        parts += ["## Examples", f"```yaml\n{documented['examples'].strip()}\n```"]
    if documented.get("return"):
        head = ["| key | type | | meaning |", "| --- | --- | --- | --- |"]
        parts += ["## Returns", "\n".join([*head, *_table(documented["return"])])]
    return "\n\n".join(parts) + "\n"
