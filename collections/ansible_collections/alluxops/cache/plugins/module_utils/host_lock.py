"""One run at a time on a host: one that Ansible lost hold of may still be at work there.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import fcntl
import time

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def take(lock: int, wait_s: float, busy: CacheError) -> bool:
    """Lock an open file or directory, waiting while another run has it; whether one had. Raises `busy` after wait_s."""
    deadline = time.monotonic() + wait_s
    has_waited = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise busy from None
            has_waited = True
            time.sleep(min(1.0, wait_s))
        else:
            return has_waited
