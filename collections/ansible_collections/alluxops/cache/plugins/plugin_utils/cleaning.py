"""Cleaning up without hiding why it is time to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import lease
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import detached
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import kubeconfig_path
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


@contextlib.contextmanager
def at_the_end(*steps: Callable[[], object]) -> Iterator[None]:
    """Run each of these at the end, whatever happened; see clean_up().

    But not where Ansible or the kernel ends the process: what must not stay even then is deleted_at_the_end().
    """
    try:
        yield
    except BaseException:
        clean_up(steps, has_failed=True)
        raise
    clean_up(steps, has_failed=False)


@contextlib.contextmanager
def deleted_at_the_end(kube: Kube, kubeconfig: str, path: str) -> Iterator[None]:
    """Delete an object at the end, which is to be made in the block; where this process is killed, another does it."""
    me = os.getpid()
    order = {"path": path, "pid": me, "start": lease.start_of(me)}
    remover = detached.start("object_remover", kubeconfig_path(kubeconfig), order)

    def delete() -> None:
        kube.delete(path)  # where that fails, the other tries it once more
        remover.terminate()
        remover.wait()

    with at_the_end(delete):
        yield


def clean_up(steps: Iterable[Callable[[], object]], *, has_failed: bool) -> None:
    """Run all steps; none keeps the next from its turn.

    Their first error is raised, but not where something has failed before: it often has the same cause, and would hide
    that. What is not raised is a warning.
    """
    first: CacheError | None = None
    for step in steps:
        try:
            step()
        except CacheError as error:
            if has_failed or first is not None:
                Display().warning(f"cleaning up failed too: {error.what}")
            else:
                first = error
    if first is not None:
        raise first
