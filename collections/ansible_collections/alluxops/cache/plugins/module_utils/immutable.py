"""Fields of objects that Kubernetes does not change in place: what a new revision would stumble over, and what to do.

Helm finds out half-way, with some objects changed already. Pure functions over rendered and live objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import kubernetes_bytes

Json = dict[str, Any]

_SELECTOR = ("spec", "selector")
_ADDRESS = ("spec", "clusterIP")
_HEADLESS = "None"
FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "StatefulSet": (
        _SELECTOR,
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
        ("spec", "volumeClaimTemplates"),
    ),
    "DaemonSet": (_SELECTOR,),
    "Deployment": (_SELECTOR,),
    "Job": (_SELECTOR, ("spec", "template")),
    "Service": (_ADDRESS,),
    "PersistentVolumeClaim": (
        ("spec", "storageClassName"),
        ("spec", "accessModes"),
        ("spec", "volumeName"),
        ("spec", "volumeMode"),
    ),
}
_CLAIMS = ("spec", "volumeClaimTemplates")


@dataclass(frozen=True)
class Conflict:
    """One field that cannot become what is wanted. field: its path, with dots."""

    kind: str
    name: str
    field: str
    live: Any
    wanted: Any

    @property
    def fix(self) -> str:
        """What to do about it."""
        back = f"set what makes it back to {_short(self.live)}"
        if self.field.startswith("spec.volumeClaimTemplates"):
            what = "journal.size, journal.storageClass, journal.accessModes, metastore"
            if self.name.endswith("-zookeeper"):
                what = "zookeeper_values.persistence"
            return (
                f"{back} ({what}); or `alluxops uninstall`, which keeps the journal, then `alluxops site`: the volumes"
                " are made anew over the same data."
            )
        if self.kind == "PersistentVolumeClaim":
            return f"{back}, or uninstall the release, which keeps the data, and deploy it again."
        return f"{back}; or `alluxops uninstall`, which keeps the data, then `alluxops site`."

    def error(self) -> SettingsError:
        """The error that refuses it."""
        return SettingsError(
            f"{self.kind} {self.name}: {self.field} is {_short(self.live)}, and would become {_short(self.wanted)}.",
            "Kubernetes does not change this field of an object that exists.",
            self.fix,
        )


def conflicts(
    wanted: Iterable[Mapping[str, Any]], live: Mapping[tuple[str, str], Json]
) -> list[Conflict]:
    """The fields of rendered objects that live ones, by (kind, name), cannot take.

    A Service that becomes headless, or ceases to be, is none of them: helm_release replaces it.
    """
    found: list[Conflict] = []
    for new in wanted:
        kind, name = str(new.get("kind", "")), str((new.get("metadata") or {}).get("name", ""))
        old = live.get((kind, name))
        if old is None:
            continue
        for path in FIELDS.get(kind, ()):
            then, now = _at(old, path), _at(new, path)
            if path == _CLAIMS:
                found += _claim_conflicts(kind, name, then or [], now or [])
            elif path == _ADDRESS and _HEADLESS in (then, now):
                continue
            elif now is not None and not _agrees(now, then):
                found.append(Conflict(kind, name, ".".join(path), then, now))
    return found


def _claim_conflicts(
    kind: str, name: str, then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> list[Conflict]:
    """Claims that a StatefulSet makes: which there are, and what of each is said."""
    old = {str(item["metadata"]["name"]): item for item in then}
    new = {str(item["metadata"]["name"]): item for item in now}
    base = ".".join(_CLAIMS)
    if set(old) != set(new):
        return [Conflict(kind, name, base, ", ".join(old) or "none", ", ".join(new) or "none")]
    found = []
    for claim, item in new.items():
        for key, value in (item.get("spec") or {}).items():
            before = (old[claim].get("spec") or {}).get(key)
            if not _agrees(value, before):
                found.append(Conflict(kind, name, f"{base}.{claim}.{key}", before, value))
        labels = item["metadata"].get("labels")
        if labels is not None and labels != (old[claim]["metadata"].get("labels") or {}):
            before = old[claim]["metadata"].get("labels") or {}
            found.append(Conflict(kind, name, f"{base}.{claim}.labels", before, labels))
    return found


def _agrees(wanted: Any, live: Any) -> bool:
    """Whether a live value is the wanted one, given that the server completes what is left out."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            _agrees(value, live.get(key)) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(wanted) == len(live)
            and all(_agrees(one, other) for one, other in zip(wanted, live, strict=True))
        )
    return wanted == live or _same_quantity(wanted, live)


def _same_quantity(wanted: Any, live: Any) -> bool:
    try:
        return kubernetes_bytes(str(wanted)) == kubernetes_bytes(str(live))
    except ValueError:
        return False


def _at(item: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = item
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _short(value: Any) -> str:
    said = "not set" if value is None else str(value)
    return said if len(said) <= 120 else f"{said[:117]}..."
