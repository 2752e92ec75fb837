"""Listing a directory of the root under store before there is a cache: a Job is started, asked, and always removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import backup, explain, ufs_look
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods

LIST_TIMEOUT_S: Final = 180


def files_in(
    kube: Kube,
    namespace: str,
    release: str,
    values: Mapping[str, Any],
    folder: str,
    patience: Patience,
    *,
    deep: bool = False,
) -> list[backup.File]:
    """The files of a directory, named as a path of the cache; none where there is no such directory.

    deep: those of directories below it too.
    """
    body = ufs_look.job(namespace, release, values)
    with started(kube, namespace, release, body, patience) as pod:
        patience.pause(f"a list of {folder} in the under store", 0)
        done = kube.exec(
            namespace,
            pod,
            ufs_look.CONTAINER,
            ["/bin/sh", "-c", ufs_look.script(folder, deep=deep)],
            timeout_s=LIST_TIMEOUT_S,
        )
    if done.returncode == 0:
        return backup.parse_listing(done.stdout)
    if ufs_look.is_missing(done.stdout):
        return []
    what = f"the under store's directory {folder} cannot be listed:"
    fix = "see alluxio_root_ufs, its options and its credentials."
    raise CacheError(*explain.failed(what, done.output, fix))


@contextmanager
def started(
    kube: Kube, namespace: str, release: str, body: Json, patience: Patience
) -> Iterator[str]:
    """The name of the Job's pod, which runs, for as long as the block; that of an interrupted run is removed before."""
    pods = OwnPods(kube, namespace, release, ufs_look.TASK, "a look at the under store")
    pods.remove(patience)
    kube.create(objects.jobs(namespace), body)
    path = objects.jobs(namespace, ufs_look.job_name(release))
    with at_the_end(partial(kube.delete, path, propagation="Background")):
        [pod, *_] = pods.running(1, patience)
        yield str(pod["metadata"]["name"])
