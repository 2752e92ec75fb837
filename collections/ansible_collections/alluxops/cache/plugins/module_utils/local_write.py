"""The shell text that writes a file through the worker in whose container it runs, and through no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import health

LOCAL_FIRST: Final = "alluxio.client.block.policy.LocalFirstPolicy"


def address(pod: Mapping[str, Any], leader: health.Leader | None) -> str:
    """The name that the leader knows a worker by; a client with that name counts as being beside it."""
    worker = health.registered(pod, leader)
    return worker.host if worker else str(pod["host_ip"])


def script(host: str, size: int, writes: Mapping[str, str]) -> str:
    """Make a random file, print its digest, and copy it in. writes: types of writing by the paths written to."""
    # By default copyFromLocal goes round the workers.
    client = (
        f"-Dalluxio.user.hostname={host}"
        f" -Dalluxio.user.file.copyfromlocal.block.location.policy.class={LOCAL_FIRST}"
    )
    made = (
        "set -e\nfile=$(mktemp)\ntrap 'rm -f \"$file\"' EXIT\n"
        f'head -c {size} /dev/urandom > "$file"\necho "=== digest"; sha256sum "$file"\n'
    )
    return made + "".join(
        f'alluxio fs {client} -Dalluxio.user.file.writetype.default={kind} copyFromLocal "$file" {path}\n'
        for path, kind in writes.items()
    )
