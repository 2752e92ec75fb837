"""Credentials among the settings of containerd's CRI plugin: the inventory is no place for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.host_variables import Value
from ansible_collections.alluxops.cache.plugins.module_utils.settings import looks_secret

VARIABLE: Final = "bootstrap_workers_containerd_cri"
_MORE: Final = ("auth", "authorization", "identitytoken")
"""Keys that carry one, beside those whose names say so."""


def keys(tree: Any, path: str = "") -> Iterator[str]:
    """The keys that carry a secret, with those that they lie under."""
    if isinstance(tree, list):
        for item in tree:
            yield from keys(item, path)
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        where = f"{path}.{key}" if path else str(key)
        if looks_secret(str(key)) or str(key).lower() in _MORE:
            yield where
        else:
            yield from keys(value, where)


def faults(values: Iterable[Value]) -> list[SettingsError]:
    """A fault for each key that carries a secret. values: what hosts have."""
    found: dict[str, str] = {}
    for value in values:
        for key in keys(value.value):
            found[key] = found.get(key) or value.place
    return [
        SettingsError(
            f"{VARIABLE} is given with {key}{f' ({place})' if place else ''}.",
            "It stands in the inventory, in results and in diffs, which are no places for credentials.",
            "take it out. Set registry.config_path, such as /etc/containerd/certs.d, and have what the registry asks"
            " for in that directory on the hosts, by a way of your own.",
        )
        for key, place in found.items()
    ]
