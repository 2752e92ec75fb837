"""Free what is cached, and wait until the workers have dropped it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_state, paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import File
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy

AGAIN_S: Final = 10.0
"""After which what is still cached is freed once more."""
STUCK_S: Final = 15.0
"""After which a file that nobody reads is taken to stay for good, as workers drop blocks with their next heartbeats.

A worker of 2.9 queues a block to be removed, and then notes that it has. A block that is removed between the two stays
noted; once it is cached again, no free reaches it until the worker restarts (AsyncBlockRemover.addBlocksToDelete).
"""


def free(
    proxy: PathsProxy, path: str, name: str, timeout_s: float, *, forgets: bool = False
) -> None:
    """Free what is cached below a path. name: what messages call it. Raises CacheError for what stays.

    forgets: nobody reads them, so that a file which stays is taken from the cache, with all its attributes, and listed
    anew from its store.
    """
    patience, asked_s = Patience(timeout_s), -AGAIN_S
    least, moved_s = math.inf, 0.0
    while True:
        if patience.waited_s - asked_s >= AGAIN_S:
            # What was on its way into a worker when that was asked is cached since.
            proxy.ask(paths_api.free(path))
            asked_s = patience.waited_s
        listing = proxy.ask(paths_api.list_files(path, metadata="NEVER"))
        files = [one for one in dataset_state.parse_files(listing or []) if one.cached_bytes]
        left = dataset_state.totals(files).cached_bytes
        if not left:
            return
        if left < least:
            least, moved_s = left, patience.waited_s
        if forgets and patience.waited_s - moved_s >= STUCK_S:
            _forget(proxy, path, [one for one in files if one.is_persisted])
            forgets = False
        elif patience.is_over:
            raise CacheError(
                f"{left} bytes of {name} are still cached after {patience.waited_s:.0f} s, {files[0].path} first.",
                "Files that are in no under store, or are being read, stay; so does what a worker takes for removed, as"
                " Alluxio can lose count of that.",
                "run it again; if that frees nothing, restart the pods of the workers that"
                f" `alluxio fs location {files[0].path}` names.",
            )
        else:
            patience.pause(f"{name}: {left} bytes to be freed", 1.0)


def _forget(proxy: PathsProxy, path: str, files: Sequence[File]) -> None:
    """Have files of new blocks. What stays of the old ones, a worker evicts when it needs the room."""
    Display().warning(
        f"{counted(len(files), 'file')} below {path} cannot be freed: the cache lists them anew, with new blocks."
    )
    for one in files:
        proxy.ask(paths_api.forget(one.path))
    proxy.ask(paths_api.list_files(path, metadata="ONCE", synced=True))
