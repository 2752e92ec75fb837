"""Listing a directory of the root under store before there is a cache: a Job is started, asked, and always removed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import backup, explain, ufs_look
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube

LIST_TIMEOUT_S: Final = 180
TROUBLE_GRACE_S: Final = 30


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
    path = objects.jobs(namespace, ufs_look.job_name(release))
    remove_leftover(kube, namespace, release, patience)
    kube.create(objects.jobs(namespace), ufs_look.job(namespace, release, values))
    with at_the_end(partial(kube.delete, path, propagation="Background")):
        pod = wait_for_pod(kube, namespace, release, patience)
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
    known = explain.known_cause([done.output])
    raise CacheError(
        f"the under store's directory {folder} cannot be listed:\n"
        + "\n".join(explain.telling_lines(done.output)),
        known[1] if known else "",
        known[2] if known else "see alluxio_root_ufs, its options and its credentials.",
    )


def remove_leftover(kube: Kube, namespace: str, release: str, patience: Patience) -> None:
    """Remove the Job of an interrupted run, with its pod."""
    selector = f"alluxops/release={release},alluxops/task=ufs-look"
    kube.delete(objects.jobs(namespace, ufs_look.job_name(release)))
    while kube.list_objects(objects.jobs(namespace), selector):
        if patience.is_over:
            raise CacheError(
                "the Job of an interrupted run does not end.",
                fix=f"see `kubectl -n {namespace} get jobs -l {selector}`.",
            )
        patience.pause("the Job of an interrupted run to end", 0.5)


def wait_for_pod(kube: Kube, namespace: str, release: str, patience: Patience) -> str:
    """The name of the Job's pod, once it runs."""
    selector = f"alluxops/release={release},alluxops/task=ufs-look"
    while True:
        pods = [
            pod
            for pod in kube.list_objects(objects.core(namespace, "pods"), selector)
            if "deletionTimestamp" not in pod["metadata"]
        ]
        for pod in pods:
            if _runs(pod):
                return str(pod["metadata"]["name"])
        if patience.is_over or patience.waited_s > TROUBLE_GRACE_S:
            _raise_trouble(kube, namespace, release, pods, patience)
        patience.pause("a pod that lists the under store", 0.3)


def _runs(pod: Json) -> bool:
    states = pod.get("status", {}).get("containerStatuses") or []
    return bool(states) and all("running" in item["state"] for item in states)


def _raise_trouble(
    kube: Kube, namespace: str, release: str, pods: list[Json], patience: Patience
) -> None:
    """Raise with the reason when the limit is reached, or when waiting longer cannot help."""
    events = kube.list_objects(objects.core(namespace, "events"))
    name = ufs_look.job_name(release)
    trouble = (
        explain.pod_trouble(pods[0], events) if pods else explain.set_trouble("Job", name, events)
    )
    if trouble is not None and (trouble.hopeless or patience.is_over):
        raise CacheError(*explain.explain(trouble, "", patience.waited_s, namespace))
    if patience.is_over:
        raise CacheError(
            f"the pod of Job {name} did not start within {patience.timeout_s:.0f} s.",
            fix=f"see `kubectl -n {namespace} describe job {name}`.",
        )
