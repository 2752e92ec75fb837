"""Digests of files, read in a pod through a proxy that runs there. I/O only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import digest_script
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy

SLOWEST_BYTES_S: Final = 1024**2
"""A read that takes longer than this and the wait of a run has come to a stop."""
TRIES: Final = 3
PAUSE_S: Final = 2.0
"""A worker or a proxy that has just started takes a moment until it serves."""


def read(
    kube: Kube,
    proxy: PathsProxy,
    sizes: Mapping[str, int],
    timeout_s: float,
    *,
    counts: bool = True,
) -> dict[str, Digest]:
    """The digest of each path. sizes: their bytes. What fails is tried again; what goes on failing is told.

    Raises CacheError where nobody answers, which is no fault of a file.

    counts: whether what broke off is told apart, which takes another process a file.
    """
    found: dict[str, Digest] = {}
    for attempt in range(TRIES):
        left = {path: size for path, size in sizes.items() if path not in found or found[path].why}
        if not left:
            break
        if attempt:
            time.sleep(PAUSE_S)
        found |= _read(kube, proxy, left, timeout_s, counts=counts)
    unanswered = [digest.why for digest in found.values() if digest.is_unanswered]
    if unanswered:
        raise CacheError(
            f"{counted(len(unanswered), 'file')} of {len(found)} could not be asked for: {unanswered[0]}.",
            "The proxy of Alluxio in the pod, or the connection to it, was lost.",
            "run it again: it goes on with what is left.",
        )
    return found


def _read(
    kube: Kube,
    proxy: PathsProxy,
    sizes: Mapping[str, int],
    timeout_s: float,
    *,
    counts: bool,
) -> dict[str, Digest]:
    place, port = proxy.at()
    paths = list(sizes)
    done = kube.exec(
        place.namespace,
        place.pod,
        place.container,
        ["/bin/bash", "-c", digest_script.script(port, len(paths), counts=counts)],
        timeout_s=timeout_s + sum(sizes.values()) / SLOWEST_BYTES_S,
        stdin=digest_script.requests(paths),
    )
    said = done.stderr.strip().splitlines()
    why = digest_script.NO_ANSWER
    why += f": {said[-1]}" if said else f", the script ended with {done.returncode}"
    found = digest_script.parse(paths, done.stdout)
    return {path: found.get(path, Digest(why=why)).of(size) for path, size in sizes.items()}
