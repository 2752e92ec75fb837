"""Arguments of tasks: what may be given, and what was given as plain values.

An action's options are those of the DOCUMENTATION of the module of the same name: declared once, read by ansible-doc
and by the action alike.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

FRAGMENTS = "ansible_collections.alluxops.cache.plugins.doc_fragments"


@cache
def _documented_options(name: str) -> Mapping[str, Any]:
    module = importlib.import_module(f"ansible_collections.alluxops.cache.plugins.modules.{name}")
    documentation = yaml_load(module.DOCUMENTATION)
    options: dict[str, Any] = dict(documentation.get("options") or {})
    for fragment in documentation.get("extends_documentation_fragment") or []:
        file, _, part = fragment.removeprefix("alluxops.cache.").partition(".")
        found = importlib.import_module(f"{FRAGMENTS}.{file}").ModuleDocFragment
        text = getattr(found, part.upper() or "DOCUMENTATION")
        theirs = yaml_load(text).get("options") or {}
        # As ansible-doc does: a module may say more of an option of its fragment, such as another default.
        both = {name: {**theirs[name], **options.get(name, {})} for name in theirs}
        options = {**options, **both}
    return options


def argument_spec(name: str) -> dict[str, Any]:
    """The argument spec of an action, made from the documentation of the module of that name."""
    return _spec(_documented_options(name))


def _spec(options: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("type", "elements", "required", "default", "choices", "aliases")
    spec: dict[str, Any] = {}
    for name, option in options.items():
        entry = {key: option[key] for key in kept if key in option}
        if "suboptions" in option:
            entry["options"] = _spec(option["suboptions"])
        spec[name] = entry
    return spec


def plain(value: Any) -> Any:
    """The value without Ansible's tags: built-in types only, as YAML and JSON writers want them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise SettingsError(f"{value!r} is no value that YAML can hold")
