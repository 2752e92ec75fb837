"""The key of an artifact: a digest of everything that decides what comes out of its recipe."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from lab.artifacts.recipe import Recipe
from lab.versions import Versions

LAB = Path(__file__).resolve().parent.parent
KEY_LENGTH = 16

FRAMEWORK = frozenset(
    {"__init__", "__main__", "command", "graph", "host", "keys", "recipe", "store", "toolchain"}
)
"""Modules that decide how and when something is built, not what comes out."""


def key(recipe: Recipe, versions: Versions, need_keys: dict[str, str]) -> str:
    """The artifact's key; `need_keys` has the key of each name in `recipe.needs`.

    Comments and docstrings do not count, so that explaining a recipe better rebuilds nothing.
    """
    digest = hashlib.sha256()
    parts = [f"name {recipe.name}", f"result {recipe.result}"]
    parts += [f"version {name} {getattr(versions, name)}" for name in sorted(recipe.components)]
    parts += [f"need {name} {need_keys[name]}" for name in sorted(recipe.needs)]
    parts += [f"code {source_digest(path)}" for path in sources(recipe)]
    parts += [f"input {path.name} {_sha256(path.read_bytes())}" for path in sorted(recipe.inputs)]
    for part in parts:
        digest.update(part.encode() + b"\n")
    return digest.hexdigest()[:KEY_LENGTH]


def sources(recipe: Recipe) -> list[Path]:
    """The recipe's module and the modules of this package that it imports, also indirectly."""
    start = Path(inspect.getfile(_function(recipe)))
    seen: set[Path] = set()
    todo = [start]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imported(path)
    return sorted(seen)


def _function(recipe: Recipe) -> Callable[..., None]:
    # functools.partial gives one function to several recipes; its code is what counts.
    return recipe.build.func if isinstance(recipe.build, partial) else recipe.build


@cache
def source_digest(path: Path) -> str:
    """A digest of a Python file without its comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return _sha256(ast.unparse(tree).encode())


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            package, _, module = name.rpartition(".")
            if package in {"lab.artifacts", "lab.image"} and module not in FRAMEWORK:
                found = LAB / package.removeprefix("lab.") / f"{module}.py"
                if found.is_file():
                    yield found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
