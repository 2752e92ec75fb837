"""What is noted on a worker's node: what bootstrap-workers gave it, and that a removal has yet to clean it.

Notes are annotations of the Node, named after the label of the release's workers. Pure functions of the API's objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import node_labels

Json = dict[str, Any]
Taint = Mapping[str, Any]

_GIVEN = "given."
_UNCLEANED = "uncleaned."
COPIED = "copied"
"""What the note of a removal says: nothing that must not be lost is on the node alone any more."""


@dataclass(frozen=True)
class Given:
    """Labels and taints."""

    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Taint] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Each as kubectl writes it."""
        return (
            *(f"{key}={value}" for key, value in sorted(self.labels.items())),
            *(taint_text(one) for one in self.taints),
        )


def taint_text(taint: Taint) -> str:
    """A taint for a person."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"taint {taint['key']}{value}:{taint['effect']}"


def same_taint(one: Taint, other: Taint) -> bool:
    """Whether two taints have the same key, value and effect."""
    return all((one.get(key) or "") == (other.get(key) or "") for key in ("key", "value", "effect"))


def noted(node: Mapping[str, Any], key: str) -> Given | None:
    """What bootstrap-workers has noted that it gave to a node; None without a note. key: of the workers' label."""
    return _read(_annotations(node).get(_GIVEN + key))


def is_uncleaned(node: Mapping[str, Any], key: str) -> bool:
    """Whether a removal has taken all from a node that must not be lost, and was not seen to clean it."""
    return _annotations(node).get(_UNCLEANED + key) == COPIED


def at_arrival(
    node: Mapping[str, Any], key: str, wanted: Given, *, joined: bool
) -> dict[str, str | None]:
    """The annotations that change when a node becomes a worker's. wanted: what bootstrap-workers gives to it.

    Noted is what the node did not have before; with joined, the taints too that its kubelet came with. A worker that
    has no note was made one by site, or by a version that wrote none: what it had before is not known any more.
    """
    changes: dict[str, str | None] = came(node, key)
    before = noted(node, key)
    if (wanted.labels or wanted.taints) and (before or not node_labels.carries(node, key)):
        text = _write(_ours(node, before or Given(), wanted, key, joined=joined))
        if text != _annotations(node).get(_GIVEN + key):
            changes[_GIVEN + key] = text
    return changes


def came(node: Mapping[str, Any], key: str) -> dict[str, str | None]:
    """The annotations that go when a node gets the workers' label: a new worker's blocks were copied by nobody."""
    return {_UNCLEANED + key: None} if _UNCLEANED + key in _annotations(node) else {}


def cleaned(node: Mapping[str, Any], key: str) -> Json:
    """The merge patch of a node that was cleaned; {} where nothing is noted."""
    gone = came(node, key)
    return {"metadata": {"annotations": gone}} if gone else {}


def going(node: Mapping[str, Any], key: str, settings: Given) -> Given:
    """What goes with a worker of what bootstrap-workers gave to its node: what is noted and still as it was given.

    settings: what is taken for given to a worker without a note, if it is the only one on the node. What another
    cache's worker on the node was given too stays for that.
    """
    mine = noted(node, key)
    others = list(_of_others(node, key))
    if mine is None:
        alone = not others and not _has_other_worker(node, key)
        mine = settings if alone and node_labels.carries(node, key) else Given()
    has, there = _labels(node), _taints(node)
    kept_taints = [taint for other in others for taint in other.taints]
    return Given(
        {
            name: value
            for name, value in mine.labels.items()
            if has.get(name) == value and not any(name in other.labels for other in others)
        },
        [
            one
            for one in mine.taints
            if any(same_taint(one, other) for other in there)
            and not any(same_taint(one, other) for other in kept_taints)
        ],
    )


def at_leave(node: Mapping[str, Any], key: str, settings: Given, *, uncleaned: bool) -> Json:
    """The merge patch that takes from a node the workers' label and what was given with it; {} where nothing goes.

    uncleaned: whether it is noted, in the same patch, that the node has yet to be cleaned.
    """
    gone = going(node, key, settings)
    labels: dict[str, None] = dict.fromkeys(gone.labels)
    if node_labels.carries(node, key):
        labels[key] = None
    has = _annotations(node)
    annotations: dict[str, str | None] = {_GIVEN + key: None} if _GIVEN + key in has else {}
    if uncleaned and not is_uncleaned(node, key):
        annotations[_UNCLEANED + key] = COPIED
    metadata = {"labels": labels, "annotations": annotations}
    patch: Json = {name: value for name, value in metadata.items() if value}
    patch = {"metadata": patch} if patch else {}
    if gone.taints:
        kept = [
            one for one in _taints(node) if not any(same_taint(one, its) for its in gone.taints)
        ]
        return with_taints(patch, node, kept)
    return patch


def with_taints(patch: Mapping[str, Any], node: Mapping[str, Any], taints: Sequence[Taint]) -> Json:
    """A merge patch that gives a node these taints too. taints: with those of others that stay.

    It replaces the list, so it holds only for the node as it was read: what others change meanwhile is not undone.
    """
    version = {"resourceVersion": node["metadata"]["resourceVersion"]}
    metadata = {**(patch.get("metadata") or {}), **version}
    return {**patch, "metadata": metadata, "spec": {"taints": list(taints)}}


def _ours(
    node: Mapping[str, Any], before: Given, wanted: Given, key: str, *, joined: bool
) -> Given:
    """What of the wanted is a cache's, beside what was before: the node lacks it, or another cache's worker got it."""
    has, there = _labels(node), _taints(node)
    known = [before, *_of_others(node, key)]
    labels = {
        name: value
        for name, value in wanted.labels.items()
        if name not in has or any(name in one.labels for one in known)
    }
    slots = {slot(taint) for one in known for taint in one.taints}
    theirs = set() if joined else {slot(taint) for taint in there} - slots
    taints = [one for one in wanted.taints if slot(one) not in theirs]
    new = {slot(one) for one in taints}
    kept = [one for one in before.taints if slot(one) not in new]
    return Given({**before.labels, **labels}, [*kept, *taints])


def slot(taint: Taint) -> tuple[str, str]:
    """What a node has one taint of."""
    return str(taint.get("key")), str(taint.get("effect"))


def _of_others(node: Mapping[str, Any], key: str) -> Iterator[Given]:
    """What is noted for the workers of other caches."""
    prefix = f"{_GIVEN}{node_labels.DOMAIN}/"
    for name, text in _annotations(node).items():
        given = _read(text) if name.startswith(prefix) and name != _GIVEN + key else None
        if given is not None:
            yield given


def _has_other_worker(node: Mapping[str, Any], key: str) -> bool:
    prefix = f"{node_labels.DOMAIN}/"
    return any(
        name.startswith(prefix) and name != key and value == node_labels.VALUE
        for name, value in _labels(node).items()
    )


def _read(text: str | None) -> Given | None:
    try:
        said = json.loads(text or "")
        labels = {str(name): str(value) for name, value in said["labels"].items()}
        taints = [{"key": one["key"], "effect": one["effect"], **one} for one in said["taints"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # none, or not ours
    return Given(labels, taints)


def _write(given: Given) -> str:
    taints = [dict(one) for one in given.taints]
    return json.dumps({"labels": dict(given.labels), "taints": taints}, sort_keys=True)


def _annotations(node: Mapping[str, Any]) -> Mapping[str, str]:
    return node["metadata"].get("annotations") or {}


def _labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    return node["metadata"].get("labels") or {}


def _taints(node: Mapping[str, Any]) -> list[Taint]:
    return list((node.get("spec") or {}).get("taints") or [])
