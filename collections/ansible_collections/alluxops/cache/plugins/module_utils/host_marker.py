"""The marker in a journal's directory, as a host finds it. Standard library only, Python 3.9."""

from __future__ import annotations

import os

from ansible_collections.alluxops.cache.plugins.module_utils import host_files

MARKER = ".alluxops.json"


def read(folder: str) -> bytes | None:
    """The marker's file, or None where there is none. Raises OSError."""
    return host_files.read_bytes(os.path.join(folder, MARKER))
