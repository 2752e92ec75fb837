"""Prove through the masters' containers, and the hosts, that the journal which all masters share is one."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, journal, journal_job
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_shared import refuse_unread
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import in_master

TIMEOUT_S: Final = 60
NOTHING: Final[Result] = {"changed": False, "nonce": "", "writer": "", "found": {}}


class ActionModule(ApiAction):
    """alluxops.cache.journal_proof."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Begin, or end what has begun."""
        if self.check_mode:
            return NOTHING
        namespace, folder = options["namespace"], journal.journal_folder(options["values"])

        def run(pod: str, script: str, *arguments: str) -> ExecResult:
            return in_master(kube, namespace, pod, folder, script, *arguments, timeout_s=TIMEOUT_S)

        begun = options["begun"]
        return _end(run, options, begun) if begun else _begin(run, kube, options)


def _begin(run: Callable[..., ExecResult], kube: Kube, options: Options) -> Result:
    """Write the nonce and read it through the others. A master that is going away is not asked: its host is."""
    seen = objects.look(kube, options["namespace"], options["release"])
    nonce = uuid.uuid4().hex
    if seen.leader is None:
        return {**NOTHING, "nonce": nonce}
    writer = seen.leader.pod
    try:
        written = run(writer, journal_job.WRITE_PROOF, nonce).returncode == 0
    except CacheError:
        written = False
    if not written:
        return {**NOTHING, "nonce": nonce}
    found: dict[str, Any] = {}
    for pod in seen.of_role(cluster.MASTER_ROLE):
        if cluster.is_ready(pod) and pod["name"] != writer:
            with contextlib.suppress(CacheError):
                done = run(pod["name"], journal_job.READ_PROOF, nonce)
                found[pod["name"]] = done.stdout.strip() if done.returncode else nonce
    return {**NOTHING, "nonce": nonce, "writer": writer, "found": found}


def _end(run: Callable[..., ExecResult], options: Options, begun: Result) -> Result:
    """Remove the nonce, whatever was read, and judge that. Raises SettingsError."""
    writer = str(begun["writer"])
    hosts = {
        f"{host} ({read['fault']})" if read.get("fault") else host: str(read.get("found") or "")
        for host, read in options["results"].items()
    }
    if writer:
        with contextlib.suppress(CacheError):  # what the next proof writes replaces it
            run(writer, journal_job.END_PROOF)
    by = writer or f"the host {next(iter(options['results']), '')}"
    refuse_unread({**begun["found"], **hosts}, str(begun["nonce"]), path=options["path"], writer=by)
    return {**NOTHING, **{key: begun[key] for key in ("nonce", "writer", "found")}}
