"""What is mounted on a host, and how what nothing serves any more goes. Standard library only, Python 3.9."""

from __future__ import annotations

import errno
import os
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import host_files, node_residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

STALE = (errno.ENOTCONN, errno.ESTALE, errno.EIO)
"""What a system call on a mount says whose process is gone."""


def read() -> list[node_residue.Mount]:
    """What is mounted."""
    return node_residue.parse_mounts(host_files.read_text("/proc/self/mountinfo") or "")


def is_stale(point: str) -> bool:
    """Whether a mount does not answer any more."""
    try:
        os.stat(point)
    except OSError as fault:
        return fault.errno in STALE
    return False


def detach(module: Any, point: str) -> None:
    """Detach a mount that nothing serves any more. module: an AnsibleModule. Raises CacheError."""
    umount = module.get_bin_path("umount", required=True)
    code, out, err = module.run_command([umount, "--lazy", point])
    if code != 0:
        raise CacheError(
            f"{point} cannot be detached.", (err or out).strip(), f"umount --lazy {point}"
        )
