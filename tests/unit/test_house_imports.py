"""Every module imports by itself and without a warning, and what runs on nodes runs on an old Python."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from tools.repository import COLLECTION, ROOT, files, relative

PLUGINS = COLLECTION / "plugins"
NODES_PYTHON = (3, 9)
# kube_control has PyYAML beside the standard library (design.md); AnsibleModule brings the rest.
MORE_THAN_STDLIB = {"ansible", "ansible_collections", "yaml"}


def _module_name(path: Path) -> str:
    for base in (ROOT / "src", ROOT / "collections", ROOT):
        if path.is_relative_to(base):
            dotted = ".".join(path.relative_to(base).with_suffix("").parts)
            return dotted.removesuffix(".__init__")
    raise AssertionError(path)


def _importable() -> list[str]:
    product = files("src/*.py", "lab/*.py", "tools/*.py", f"{relative(PLUGINS)}/*.py")
    return [_module_name(path) for path in product if path.name != "__main__.py"]


IMPORT_EACH = """
import importlib, json, sys, traceback
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except BaseException:
        failed[name] = traceback.format_exc(limit=-3)
print(json.dumps(failed))
sys.exit(bool(failed))
"""


def test_every_module_imports_without_a_warning() -> None:
    names = _importable()
    assert names
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_EACH, json.dumps(names)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src:collections:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _host_modules() -> list[Path]:
    """Modules that run on hosts: all but those whose main() only says that an action plugin runs them."""
    return [
        path
        for path in sorted((PLUGINS / "modules").glob("*.py"))
        if "controller_side" not in path.read_text(encoding="utf-8")
    ]


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def _utils_of(names: set[str]) -> set[Path]:
    prefix = "ansible_collections.alluxops.cache.plugins.module_utils."
    parts = {name.removeprefix(prefix).split(".")[0] for name in names if name.startswith(prefix)}
    return {PLUGINS / "module_utils" / f"{part}.py" for part in parts}


def _runs_on_hosts() -> dict[Path, ast.Module]:
    """Host modules and every module_util that they import, parsed as Python 3.9."""
    parsed: dict[Path, ast.Module] = {}
    # The last is imported by none of them: it is sent in the place of Ansible's library.
    waiting = {*_host_modules(), PLUGINS / "module_utils" / "piped_module.py"}
    while waiting:
        path = waiting.pop()
        if path in parsed or not path.is_file():
            continue
        source = path.read_text(encoding="utf-8")
        parsed[path] = ast.parse(source, str(path), feature_version=NODES_PYTHON)
        waiting |= _utils_of(_imports(parsed[path]))
    return parsed


def test_what_runs_on_hosts_is_python_3_9_and_standard_library() -> None:
    for path, tree in _runs_on_hosts().items():
        foreign = {name.split(".")[0] for name in _imports(tree)} - set(sys.stdlib_module_names)
        assert foreign <= MORE_THAN_STDLIB, f"{relative(path)} imports {foreign}"


def test_the_product_never_imports_the_lab() -> None:
    for path in files("src/*.py", f"{relative(COLLECTION)}/*.py"):
        imported = _imports(ast.parse(path.read_text(encoding="utf-8")))
        assert not {name for name in imported if name.split(".")[0] in {"lab", "tests", "tools"}}
