"""Keeps a lease as long as the run that took it lives, and frees it the moment that ends, however it ends.

It ends the run where another has taken the lease: this machine slept, or was cut off, and what the run knows is of
before.

Started by the lease action as a process of its own session, so that nothing that ends the run ends it first:

    python lease_renewer.py < {"kubeconfig": ..., "path": ..., "collections": ..., "holder": {...}, "turn": ...}

It waits on the holder's process rather than polling it, and loads the Kubernetes client only when it first needs it:
most runs that change nothing are over before the first renewal.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

TRIES = 5
AGAIN_S = 2
"""How soon the API is asked again after it did not answer."""


def main() -> None:
    """Renew until the holder ends, then release; end the holder where the lease is another's."""
    order = json.load(sys.stdin)
    sys.path.insert(0, order["collections"])
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415 - path known only now

    holder = lease.Holder(**order["holder"])
    wait_s = lease.RENEW_S
    while not _ends(holder, wait_s):
        wait_s = AGAIN_S
        with contextlib.suppress(
            Exception
        ):  # the API server may be away for a while; the lease outlasts two renewals
            standing, found = _write(order, holder, lease.renewed)
            if standing == "lost":
                _end(holder, lease.told_lost(found, holder, datetime.now(UTC)))
            if standing != "mine":
                return
            wait_s = lease.RENEW_S
    for attempt in range(TRIES):
        with contextlib.suppress(Exception):
            _write(order, holder, lease.released)
            return
        time.sleep(attempt + 1)


def _ends(holder: Any, within_s: int) -> bool:
    """Wait for the end of a run; True once it has ended. Less long where this machine slept meanwhile.

    A wait is counted without such a sleep, and after it the run goes on at once.
    """
    from ansible_collections.alluxops.cache.plugins.plugin_utils import detached  # noqa: PLC0415

    until = time.time() + within_s
    for _ in range(within_s):
        if detached.ends(holder.pid, holder.start, 1):
            return True
        if time.time() > until:
            return False
    return False


def _end(holder: Any, why: str) -> None:
    """End a run, with the reason where it says itself what goes wrong. Its tasks end with it, as if it were killed."""
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415

    if not lease.lives(holder):  # its number may be another's by now
        return
    with contextlib.suppress(OSError):  # none is open, or nobody reads it
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK
        errors = os.open(f"/proc/{holder.pid}/fd/2", flags)
        os.write(errors, why.encode())
        os.close(errors)
    os.kill(holder.pid, signal.SIGTERM)


def _write(order: dict[str, Any], holder: Any, change: Any) -> tuple[str, Any]:
    """Change the Lease object if it is still the holder's. Returns its lease.standing(), and what was found."""
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415
    from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube  # noqa: PLC0415 - a second of CPU

    kube = Kube.open(order["kubeconfig"])
    found = kube.get(order["path"])
    standing = lease.standing(found, holder, order["turn"])
    if found is not None and standing == "mine":
        kube.replace(
            order["path"],
            change(found, datetime.now(UTC)) if change is lease.renewed else change(found),
        )
    return standing, found


if __name__ == "__main__":
    main()
