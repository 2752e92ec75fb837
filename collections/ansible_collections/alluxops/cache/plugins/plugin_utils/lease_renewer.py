"""Keeps a lease as long as the run that took it lives, and frees it the moment that ends, however it ends.

Started by the lease action as a process of its own session, so that nothing that ends the run ends it first:

    python lease_renewer.py < {"kubeconfig": ..., "path": ..., "collections": ..., "holder": {...}}

It waits on the holder's process rather than polling it, and loads the Kubernetes client only when it first needs it:
most runs that change nothing are over before the first renewal.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

TRIES = 5


def main() -> None:
    """Renew until the holder ends, then release."""
    order = json.load(sys.stdin)
    sys.path.insert(0, order["collections"])
    from ansible_collections.alluxops.cache.plugins.module_utils import lease  # noqa: PLC0415 - path known only now
    from ansible_collections.alluxops.cache.plugins.plugin_utils import detached  # noqa: PLC0415

    holder = lease.Holder(**order["holder"])
    while not detached.ends(holder.pid, holder.start, lease.RENEW_S):
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


if __name__ == "__main__":
    main()
