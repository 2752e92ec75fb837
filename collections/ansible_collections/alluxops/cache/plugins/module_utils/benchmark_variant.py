"""Settings of a mount that a benchmark tries beside the release's. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import profiles
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import looks_secret

KEYS: Final = ("name", "properties", "mount_options")
PROFILES: Final = (profiles.UPSTREAM, *profiles.PROFILES)
"""Names that stand for settings of ours."""
NAME: Final = r"[a-z][a-z0-9-]{0,39}"
EXAMPLE: Final = (
    "as in {name: chunks, properties: {alluxio.user.streaming.reader.chunk.size.bytes: 8MB}}."
)


@dataclass(frozen=True)
class Variant:
    """Other settings of a mount. options: FUSE's, in place of the release's; properties: beside the release's."""

    name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    options: str = ""


def read(given: Sequence[Any], faults: list[SettingsError]) -> list[Variant]:
    """The variants that are given; what is wrong with others is added to faults."""
    found: list[Variant] = []
    for number, entry in enumerate(given):
        wrong = _wrong(entry, [one.name for one in found])
        if wrong:
            faults.append(SettingsError(f"benchmark_variants[{number}] {wrong}.", "", EXAMPLE))
            continue
        properties = {
            str(key): str(value) for key, value in (entry.get("properties") or {}).items()
        }
        found.append(
            Variant(str(entry["name"]), properties, str(entry.get("mount_options") or ""))
            if set(entry) != {"name"}
            else _profile(str(entry["name"]))
        )
    return found


def _profile(name: str) -> Variant:
    """The profile of that name, as a variant: over Alluxio's defaults, and not over a profile that is deployed."""
    one = profiles.settings_of(name)
    return Variant(name, one.properties, one.mount_options)


def _wrong(entry: Any, others: Sequence[str]) -> str:
    """What is wrong with a variant, in words; empty where nothing is."""
    if not isinstance(entry, Mapping):
        return f"is {entry!r}, no mapping"
    if unknown := sorted(set(map(str, entry)) - set(KEYS)):
        return f"has {unknown[0]!r}; it takes {', '.join(KEYS)}"
    if wrong := _wrong_name(entry, others):
        return wrong
    if re.search(r"\s", str(entry.get("mount_options") or "")):
        return "has blanks in mount_options, which are separated by commas"
    properties = entry.get("properties") or {}
    if not isinstance(properties, Mapping):
        return f"has properties {properties!r}, no mapping"
    return next((wrong for item in properties.items() if (wrong := _wrong_property(*item))), "")


def _wrong_name(entry: Mapping[str, Any], others: Sequence[str]) -> str:
    """What is wrong with a variant's name; one with nothing else is a profile's."""
    name = str(entry.get("name", ""))
    if not re.fullmatch(NAME, name) or name in others:
        return f"is named {name!r}; small letters, digits and dashes make a name, of its own"
    if set(entry) == {"name"} and name not in PROFILES:
        return f"is named {name!r} and nothing else; profiles are {', '.join(PROFILES)}"
    return ""


def _wrong_property(key: Any, value: Any) -> str:
    """What is wrong with a property, which stands on a Java command line."""
    if not str(key).startswith("alluxio.") or looks_secret(str(key)):
        return f"has the property {key}, which is none of Alluxio's that anybody may see"
    if isinstance(value, (Mapping, list)) or re.search(r"\s", str(value)):
        return f"has {key} {value!r}; a value is one word"
    return ""


def variant_of(arm: str, variants: Sequence[Variant]) -> Variant:
    """The variant of an arm; an empty one where it has none."""
    name = arm.partition("/")[2]
    return next((one for one in variants if one.name == name), Variant(""))
