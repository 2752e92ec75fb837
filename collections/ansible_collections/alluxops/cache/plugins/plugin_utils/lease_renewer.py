"""Keeps a lease as long as the run that took it lives, and frees it the moment that ends, however it ends.

Started by the lease action as a process of its own session, so that nothing that ends the run ends it first:

    python lease_renewer.py < {"kubeconfig": ..., "path": ..., "collections": ..., "holder": {...}}

It waits on the holder's process rather than polling it, and loads the Kubernetes client only when it first needs it:
most runs that change nothing are over before the first renewal.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from datetime import UTC, datetime
from typing import Any

POLL_S = 1.0
TRIES = 5


def main() -> None:
    """Renew until the holder ends, then release."""
    order = json.load(sys.stdin)
    sys.path.insert(0, order["collections"])
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415 - path known only now

    holder = lease.Holder(**order["holder"])
    while not _ends(holder.pid, holder.start, lease.RENEW_S):
        with contextlib.suppress(
            Exception
        ):  # the API server may be away for a while; the lease outlasts two renewals
            if not _write(order, holder, lease.renewed):
                return
    for attempt in range(TRIES):
        with contextlib.suppress(Exception):
            _write(order, holder, lease.released)
            return
        time.sleep(attempt + 1)


def _write(order: dict[str, Any], holder: Any, change: Any) -> bool:
    """Change the Lease object if it is still the holder's; False if it is not."""
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415
    from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube  # noqa: PLC0415 - a second of CPU

    kube = Kube.open(order["kubeconfig"])
    found = kube.get(order["path"])
    if found is None or lease.holder_of(found) != holder:
        return False
    kube.replace(
        order["path"],
        change(found, datetime.now(UTC)) if change is lease.renewed else change(found),
    )
    return True


def _ends(pid: int, start: int, within_s: float) -> bool:
    """Wait for the end of a process; True once it has ended."""
    from ansible_collections.alluxops.cache.plugins.module_utils.lease import start_of  # noqa: PLC0415

    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):  # no such call here, or no such process
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if start_of(pid) != start:
                return True
            time.sleep(POLL_S)
        return False
    try:
        if start_of(pid) != start:
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(within_s * 1000))
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
