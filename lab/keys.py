"""ssh keys: one that opens the nodes, one per node that proves which node it is."""

from __future__ import annotations

from pathlib import Path

from lab.commands import run
from lab.state import LabState, write_private


def ensure(state: LabState) -> None:
    """Make the keys that are missing and write known_hosts for all nodes."""
    paths = state.paths
    paths.host_keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    _key_pair(paths.ssh_key, f"alluxops lab {state.name}")
    lines = []
    for node in state.nodes:
        key = paths.host_keys / node.name
        _key_pair(key, node.name)
        kind, text = key.with_name(f"{node.name}.pub").read_text().split()[:2]
        lines.append(f"{state.addresses.node(node.index)},{node.name} {kind} {text}\n")
    write_private(paths.known_hosts, "".join(lines))


def _key_pair(path: Path, comment: str) -> None:
    public = path.with_name(f"{path.name}.pub")
    if path.exists() and public.exists():
        return
    path.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
