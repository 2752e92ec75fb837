"""What an uninstall did and what it left, as lines that can be pasted in a ticket. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human


@dataclass(frozen=True)
class Uninstall:
    """What is told. helm: Helm releases removed. nodes: what node_residue found, by host. left: residue's."""

    release: str
    namespace: str
    helm: Sequence[str] = ()
    removed: Sequence[str] = ()
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left: Mapping[str, Any] = field(default_factory=dict)
    root_ufs: str = ""
    helm_hosts: Sequence[str] = ()
    purged: bool = False
    dry: bool = False


def lines(told: Uninstall) -> list[str]:
    """A title, what was removed, what is left, and what can be done next."""
    gone = [f"Helm release {name}" for name in told.helm] + list(told.removed)
    gone += [
        f"{path} on {host}" for host, found in told.nodes.items() for path in _purged_top(found)
    ]
    gone += [
        f"dead mount {mount['point']} on {host}"
        for host, found in told.nodes.items()
        for mount in found.get("mounts") or []
        if mount["state"] == "detached"
    ]
    word = "would remove" if told.dry else "removed"
    title = f"{told.release} in {told.namespace}: "
    title += (
        f"{len(gone)} things {'would go' if told.dry else 'removed'}"
        if gone
        else "nothing was there to remove"
    )
    rows = [(word if at == 0 else "", text) for at, text in enumerate(gone)]
    rows += [("left" if at == 0 else "", text) for at, text in enumerate(_left(told))]
    rows += [("next" if at == 0 else "", text) for at, text in enumerate(_next(told))]
    return [title, *(f"  {name:<12} {text}" for name, text in rows)]


def _left(told: Uninstall) -> list[str]:
    found = []
    for host, node in told.nodes.items():
        found += [
            f"{one['path']} on {host}: {_content(one)}" for one in node.get("directories") or []
        ]
        found += [
            f"{path} on {host}: a file system of its own, not purged"
            for path in node.get("kept") or []
        ]
        found += [
            f"mount {mount['point']} on {host}: {_mount(mount['state'])}"
            for mount in node.get("mounts") or []
            if mount["state"] != "detached"
        ]
        if node.get("unreachable") or node.get("failed"):
            found.append(f"{host}: not known, {_first_line(node.get('msg'))}")
    found += [
        f"PersistentVolumeClaim {name}: what it holds is kept"
        for name in told.left.get("claims") or []
    ]
    found += [f"PersistentVolume {text}" for text in told.left.get("volumes") or []]
    found += list(told.left.get("labels") or [])
    if told.left.get("namespace"):
        found.append(f"namespace {told.namespace}: {told.left['namespace']}")
    if told.root_ufs.strip("/") and told.root_ufs != "ephemeral":
        found.append(f"the data in {told.root_ufs}: never touched")
    if told.helm_hosts:
        found.append(f"Helm on {' '.join(told.helm_hosts)}: installed as before")
    return found


def _next(told: Uninstall) -> list[str]:
    directories = [one for node in told.nodes.values() for one in node.get("directories") or []]
    found = []
    if any(one["formatted"] and not one.get("is_old_copy") for one in directories):
        found.append("`alluxops site` takes the journal up again, with its metadata")
    if directories and not told.purged:
        found.append(
            f"`alluxops uninstall -e alluxio_confirm_purge={told.release}` deletes these directories"
        )
    return found


def _content(one: Mapping[str, Any]) -> str:
    if one.get("hung"):
        return "not known, what is mounted there does not answer"
    if not one["files"]:
        return "empty"
    said = f"{counted(one['files'], 'file')}, {human(one['bytes'])}"
    if not one["formatted"]:
        return said
    return f"{'an old copy of a journal' if one.get('is_old_copy') else 'a journal'}, {said}"


def _mount(state: str) -> str:
    if state == "dead":
        return "its process is gone, and it is not this release's; `umount --lazy` detaches it"
    if state == "hung":
        return "its process hangs and does not answer; once that is ended, another run detaches it"
    return "it still serves"


def _purged_top(node: Mapping[str, Any]) -> list[str]:
    """The deleted paths that lie in no other deleted one."""
    paths = list(node.get("purged") or [])
    return [path for path in paths if not any(path.startswith(other + "/") for other in paths)]


def _first_line(text: Any) -> str:
    return (str(text or "").strip().splitlines() or ["no reason given"])[0]
