"""Deletes an object of the API when the task that made it has ended without doing so itself.

Started by cleaning.deleted_at_the_end as a process of its own session, so that nothing that ends the task ends it too:

    python object_remover.py < {"kubeconfig": ..., "path": ..., "collections": ..., "pid": ..., "start": ...}

It loads the Kubernetes client only when it needs it: most tasks delete their object themselves, and end this first.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

WATCH_S = 3600.0
TRIES = 5


def main() -> None:
    """Wait for the end of the task, then delete."""
    order = json.load(sys.stdin)
    sys.path.insert(0, order["collections"])
    from ansible_collections.alluxops.cache.plugins.plugin_utils import (  # noqa: PLC0415 - path known only now
        detached,
    )

    while not detached.ends(order["pid"], order["start"], WATCH_S):
        pass
    from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube  # noqa: PLC0415 - a second of CPU

    for attempt in range(TRIES):
        with contextlib.suppress(Exception):  # the API server may be away for a while
            Kube.open(order["kubeconfig"]).delete(order["path"])
            return
        time.sleep(attempt + 1)


if __name__ == "__main__":
    main()
