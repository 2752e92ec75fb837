"""Have each worker write a file by itself, before anything has several of its threads use the under store at once.

When two threads of a worker are the first to use an under store at the same moment, Alluxio 2.9.6 closes the connection
that both then hold, and every upload through that worker fails until it is started again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    explain,
    health,
    local_write,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import (
    PROOF_FILES,
    REMOVE,
    TIMED_OUT,
    run_limited,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.removals import last_line

AT_ONCE: Final = 8
# Each write costs the start of a Java machine, so more workers than these would take minutes.
WORKERS: Final = 64
SIZE_BYTES: Final = 1024
WRITE_LIMIT_S: Final = 30
REMOVE_LIMIT_S: Final = 120
LOOK_EVERY_S: Final = 1.0
NAMED: Final = 3


def write(kube: Kube, namespace: str, release: str) -> list[str]:
    """One small file through each serving worker, removed again. Returns warnings: whoever calls goes on without."""
    try:
        seen = objects.look(kube, namespace, release)
    except CacheError as error:
        return [f"no worker was made to write a file by itself: {error.cause or error.what}"]
    pods = health.serving_workers(seen)[:WORKERS]
    if seen.leader is None or not pods:
        return []
    try:
        said = _written(kube, namespace, seen, pods)
    finally:
        with suppress(CacheError):  # the next run's REMOVE takes what is left
            _remove(kube, namespace, seen.leader.pod)
    failed = {name: why for name, why in said.items() if why}
    if not failed:
        return []
    names = ", ".join(sorted(failed)[:NAMED])
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    what = f"{len(failed)} of {len(pods)} workers could not write a file to the under store"
    return [f"{what}: {names}{more}: {failed[min(failed)]}"]


def _written(
    kube: Kube, namespace: str, seen: health.Seen, pods: list[Mapping[str, Any]]
) -> dict[str, str]:
    """Why a worker did not write, by its pod; empty where it did."""
    prefix = f"{PROOF_FILES}{secrets.token_hex(4)}-first"
    say = Patience(float("inf"))

    def one(number: int, pod: Mapping[str, Any]) -> str:
        host = local_write.address(pod, seen.leader)
        script = local_write.script(host, SIZE_BYTES, {f"{prefix}-{number}": "THROUGH"})
        name, container = str(pod["name"]), objects.WORKER_CONTAINER
        try:
            done = run_limited(kube, namespace, name, container, script, WRITE_LIMIT_S)
        except CacheError as error:
            return error.what
        return _reason(done) if done.returncode else ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = {str(pod["name"]): pool.submit(one, number, pod) for number, pod in enumerate(pods)}
        left = set(found.values())
        while left:
            opened = len(found) - len(left)
            say.pause(f"workers to open the under store: {opened} of {len(found)}", 0)
            left = wait(left, LOOK_EVERY_S).not_done
    return {name: future.result() for name, future in found.items()}


def _reason(done: ExecResult) -> str:
    if done.returncode == TIMED_OUT:
        return f"it took longer than {WRITE_LIMIT_S} s."
    if known := explain.known_cause([done.output]):
        line, cause, fix = known
        return f"{line} Cause: {cause} Fix: {fix}"
    return f"{last_line(done)}."


def _remove(kube: Kube, namespace: str, leader: str) -> None:
    run_limited(kube, namespace, leader, objects.MASTER_CONTAINER, REMOVE, REMOVE_LIMIT_S)
