"""The manifests of examples/, as users apply them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.repository import ROOT, relative

FOLDER = ROOT / "examples"
FILES = sorted(FOLDER.rglob("*.yaml"))
IDS = [relative(path) for path in FILES]
Json = dict[str, Any]


def documents(path: Path) -> list[Json]:
    """The objects of a file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def pods(path: Path) -> Iterator[Json]:
    """The specs of the pods that a file makes."""
    for each in documents(path):
        if each["kind"] == "Pod":
            yield each["spec"]
        elif each["kind"] == "Job":
            yield each["spec"]["template"]["spec"]


def containers(spec: Json) -> list[Json]:
    """All containers of a pod, those that run first too."""
    return [*spec.get("initContainers", []), *spec["containers"]]
