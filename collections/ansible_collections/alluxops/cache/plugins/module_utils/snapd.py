"""Asking snapd on its socket, and deciding what to tell it. Standard library only, Python 3.9."""

from __future__ import annotations

import http.client
import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

SOCKET = "/run/snapd.socket"
TIMEOUT_S = 30


@dataclass(frozen=True)
class Snap:
    """An installed snap. revision is x1, x2 ... for one from a file; channel is empty then."""

    version: str
    revision: str
    channel: str

    @property
    def is_local(self) -> bool:
        """Whether it came from a file and not from the store."""
        return self.revision.startswith("x")


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(SOCKET)


def read(path: str) -> Any:
    """The `result` of a GET, such as /v2/snaps/helm. Raises OSError or HTTPException when snapd does not answer."""
    connection = _Connection("localhost")
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()


def parse_snap(result: dict[str, Any]) -> Snap | None:
    """The installed snap in what snapd answers about it; None when it is not installed."""
    if result.get("status") not in ("active", "installed"):
        return None
    return Snap(
        str(result.get("version", "")),
        str(result["revision"]),
        str(result.get("tracking-channel", "")),
    )


def full_channel(channel: str) -> str:
    """A channel with its track and risk: `stable` is `latest/stable`, `3` is `3/stable`."""
    parts = channel.strip("/").split("/")
    if parts[0] in ("stable", "candidate", "beta", "edge"):
        parts.insert(0, "latest")
    if len(parts) == 1:
        parts.append("stable")
    return "/".join(parts)


def plan_channel(installed: Snap | None, channel: str) -> list[str]:
    """The snap command that brings Helm from a channel; empty when it follows that channel already."""
    wanted = full_channel(channel)
    if installed is None:
        return ["install", "helm", "--classic", f"--channel={wanted}"]
    if installed.is_local:
        return ["refresh", "helm", "--classic", "--amend", f"--channel={wanted}"]
    if full_channel(installed.channel) != wanted:
        return ["refresh", "helm", "--classic", f"--channel={wanted}"]
    return []


def plan_file(installed_sha256: str, wanted_sha256: str, path: str) -> list[str]:
    """The snap command that brings Helm from a file; empty when that very file is installed."""
    return (
        [] if installed_sha256 == wanted_sha256 else ["install", "--dangerous", "--classic", path]
    )


def is_busy(output: str) -> bool:
    """Whether snapd still works on this snap for somebody else, for one a run that was killed."""
    return "change in progress" in output or "too early for operation" in output


def explain(command: list[str], output: str) -> CacheError:
    """The error for a failed snap command."""
    said = " ".join(output.split())[-600:]
    what = f"`snap {' '.join(command)}` failed: {said}"
    if re.search(
        r"cannot (?:communicate with server|get nonce|query the store|contact)|unable to contact"
        r"|dial tcp|no such host|lookup ",
        output,
    ):
        return CacheError(
            what,
            "The host does not reach the snap store.",
            "check its network and proxy, or give a snap with helm_snap_file.",
        )
    if re.search(r"no snap revision|channel|not available on", output):
        return CacheError(
            what,
            "The store has no such channel for this machine.",
            "set helm_snap_channel; see `snap info helm`.",
        )
    if re.search(r"squashfs|mount|loop", output):
        return CacheError(
            what,
            "Snaps are squashfs images that the host must be able to mount; containers often cannot.",
            "set helm_install_method: apt or binary.",
        )
    if "cannot find signatures" in output or "not a snap" in output or "not a valid snap" in output:
        return CacheError(what, "helm_snap_file is not a snap.", "check the file.")
    return CacheError(what, fix="look at `snap changes` on the host.")
