"""A kubeconfig that works on another machine."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

_FILES = {
    "clusters": ("cluster", {"certificate-authority": "certificate-authority-data"}),
    "users": (
        "user",
        {
            "client-certificate": "client-certificate-data",
            "client-key": "client-key-data",
            "tokenFile": "token",
        },
    ),
}


def portable(path: str) -> str:
    """The kubeconfig's content with the files it names written into it. Raises SettingsError.

    path: as in KUBECONFIG; of several files the first that exists is taken, as kubectl does for its current context.
    """
    file = next((Path(part) for part in path.split(os.pathsep) if Path(part).is_file()), None)
    if file is None:
        raise SettingsError(
            f"there is no kubeconfig at {path}.",
            "",
            "set alluxops_kubeconfig, or export KUBECONFIG.",
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for section, (inner, names) in _FILES.items():
            for entry in content.get(section) or []:
                _inline(entry.get(inner) or {}, names, file.parent)
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise SettingsError(
            f"the kubeconfig {file} cannot be read.", str(error), "correct it."
        ) from error
    return yaml.safe_dump(content)


def _inline(entry: dict[str, Any], names: dict[str, str], base: Path) -> None:
    for by_path, by_content in names.items():
        if by_path in entry:
            content = (base / entry.pop(by_path)).read_bytes()
            entry[by_content] = (
                content.decode().strip()
                if by_content == "token"
                else base64.b64encode(content).decode()
            )
