"""The versions of all components, read from the settings role (the one place they stand in)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import yaml

VERSIONS_FILE = Path(__file__).resolve().parent.parent / "roles/settings/vars/main.yml"


class VersionsError(Exception):
    """The versions file lacks a component, or holds something that is no version."""


@dataclass(frozen=True)
class Versions:
    """One field per component that the lab builds; the values are as in the versions file, as text.

    `coredns_image` and the other `*_image` fields are tags that kubeadm asks for; the program
    inside has the version of the field without `_image`.
    """

    alluxio: str
    alluxio_older: str
    helm: str
    helm3: str
    kubernetes: str
    etcd: str
    etcd_image: str
    coredns: str
    coredns_image: str
    pause_image: str
    versitygw: str
    toxiproxy: str
    kwok: str
    zookeeper_debian: str
    toolbox: str
    trainer: str


def load(path: Path = VERSIONS_FILE) -> Versions:
    """Read `path` (a mapping under `settings_versions`). Raises VersionsError naming the entry."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VersionsError(f"{path} cannot be read: {error.strerror}") from error
    entries = document.get("settings_versions") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise VersionsError(f"{path} has no mapping `settings_versions`")
    values: dict[str, str] = {}
    for field in fields(Versions):
        value = entries.get(field.name)
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            raise VersionsError(
                f"{path}: settings_versions.{field.name} is {value!r}; set it to a version, "
                f'in quotes when it has fewer than two dots, such as {field.name}: "1.2"'
            )
        if isinstance(value, float):
            raise VersionsError(
                f"{path}: settings_versions.{field.name} is the number {value}; put it in quotes, "
                "or YAML drops trailing zeros"
            )
        values[field.name] = str(value)
    return Versions(**values)
