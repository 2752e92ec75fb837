"""What masters do to their journal as they start, as their commands and arguments say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.journal import UNFINISHED

_FORMATS: Final = re.compile(r"\bformat(Journal|Master)\b|\balluxio\s+format\b")
NO_FORMAT: Final = "--no-format"
_LOOKS_FIRST: Final = UNFINISHED
"""Stands in our chart's own script, which formats an empty journal only."""


def formatting(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of rendered StatefulSets whose pods erase their journal each time they start.

    Upstream's chart has an init container for that (`journal.format.runFormat`), and its image's entry point does it
    for a master without --no-format.
    """
    found = []
    for item in objects:
        if item.get("kind") != "StatefulSet":
            continue
        pod = item["spec"]["template"]["spec"]
        before = [_words(one) for one in pod.get("initContainers") or []]
        masters = [_words(one) for one in pod.get("containers") or []]
        erases = any(_FORMATS.search(text) and _LOOKS_FIRST not in text for text in before)
        if erases or any(is_formatting_master(text.split()) for text in masters):
            found.append(str(item["metadata"]["name"]))
    return found


def formats_new(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Whether masters format their own journal where it is empty, as with `journal.format.runFormat` and our chart.

    Each looks at its own volume only: a majority that is empty would elect a leader that knows nothing.
    """
    pods = [
        item["spec"]["template"]["spec"] for item in objects if item.get("kind") == "StatefulSet"
    ]
    inits = [one for pod in pods for one in pod.get("initContainers") or []]
    return any(_LOOKS_FIRST in _words(one) for one in inits)


def is_formatting_master(words: Iterable[str]) -> bool:
    """Whether the entry point of Alluxio's image erases the journal before it starts a master with these arguments."""
    given = set(words)
    return bool({"master", "master-only"} & given) and NO_FORMAT not in given


def _words(container: Mapping[str, Any]) -> str:
    """A container's command line, scripts included."""
    return " ".join(str(word) for part in ("command", "args") for word in container.get(part) or [])
