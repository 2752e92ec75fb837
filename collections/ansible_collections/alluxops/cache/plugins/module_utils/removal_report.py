"""What remove-workers says at its end: a line for each host. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.node_report import could_not_look


@dataclass(frozen=True)
class Host:
    """What was done for a host. node_result: node_residue's result there; empty where it could not be reached.

    device_result: node_device's, of the disk that the tier lay on. is_dry: it is only what would be done, so that the
    pods that mount something are still there.
    """

    host: str
    was_removed: bool = False
    left_cluster: bool = False
    node_kept: bool = False
    is_dry: bool = False
    node_result: dict[str, Any] = field(default_factory=dict)
    device_result: dict[str, Any] = field(default_factory=dict)


def lines(release: str, hosts: Sequence[Host]) -> list[str]:
    """The summary, a line for each host."""
    width = max((len(host.host) for host in hosts), default=0)
    return [
        f"workers of {release}",
        *(f"  {host.host:<{width}}  {' · '.join(_words(host))}" for host in hosts),
    ]


def is_clean(result: Mapping[str, Any]) -> bool:
    """Whether node_residue, by its result, has left nothing that another run would delete."""
    reached = "mounts" in result and not could_not_look(result)
    return reached and not any(one.get("used") for one in result.get("tiers") or [])


def _words(host: Host) -> list[str]:
    result = host.node_result
    done = "would be removed" if host.is_dry else "removed"
    words = ["already removed" if host.was_removed else done]
    if not result or result.get("unreachable") or "mounts" not in result:
        words.append("not reached: its directories and mounts are as they were")
    else:
        words += _mounts(host)
        unmounted = host.device_result.get("unmounted")
        if unmounted:
            verb = "would unmount" if host.is_dry else "unmounted"
            words.append(f"{verb} {unmounted}, which keeps its data")
        if result["purged"]:
            verb = "would delete" if host.is_dry else "deleted"
            words.append(f"{verb} {' '.join(result['purged'])}")
        # In check mode the disk is still mounted, and node_residue takes it for one that stays.
        kept = [
            path for path in result["kept"] if not unmounted or path != host.device_result["point"]
        ]
        if kept:
            words.append(f"kept {' '.join(kept)}")
        left = [one["path"] for one in result["directories"]]
        if left:
            words.append(f"left {' '.join(left)}")
        words += [_tier(one) for one in result.get("tiers") or []]
    if host.node_kept:
        words.append("still a node of the cluster: it was not reset, and its kubelet may run")
    elif host.left_cluster:
        words.append(
            "would leave the cluster" if host.is_dry else "no node of the cluster any more"
        )
    return words


def _mounts(host: Host) -> list[str]:
    """What became of the FUSE mounts."""
    points: dict[str, list[str]] = {}
    for one in host.node_result["mounts"]:
        points.setdefault(one["state"], []).append(one["point"])
    said = {
        "detached": "detached {}",
        "serving": "still mounted: {}",
        "hung": "{} does not answer: delete its FUSE pod, or end the process that hangs, and run it again",
    }
    if host.is_dry and not host.was_removed:
        del said["serving"]
    return [text.format(" ".join(points[state])) for state, text in said.items() if state in points]


def _tier(one: dict[str, Any]) -> str:
    """What is left in a tier, and why."""
    text = f"left {one['path']} ({one['files']} files, {one['bytes']} bytes)"
    if one.get("used"):
        return f"{text}: {one['used']}; end it, and run it again"
    return (
        f"{text}: it is a link or has a file system mounted in it" if one.get("mounted") else text
    )
