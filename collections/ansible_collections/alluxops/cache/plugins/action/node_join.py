"""Join a host to the cluster by kubeadm, with a token made for this join."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import join
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ControllerAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import deleted_at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube

SECRETS = objects.core("kube-system", "secrets")
TRY = "kubectl -n kube-system create secret generic try --dry-run=server"


class ActionModule(ControllerAction):
    """alluxops.cache.node_join: one round trip to the host, and none where there is nothing to do."""

    _requires_connection = True

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Join, or start what has joined. Raises CacheError with what kubeadm said."""
        if options["step"] == "member":
            return {"took_s": 0.0}
        if self.check_mode:
            return {"changed": True, "took_s": 0.0}
        began = time.monotonic()
        if options["step"] == "start":
            self._on_the_host({"step": "start"}, options, task_vars)
        else:
            self._join(Kube.open(options["kubeconfig"]), options, task_vars)
        return {"changed": True, "took_s": round(time.monotonic() - began, 1)}

    def _join(self, kube: Kube, options: Options, task_vars: Mapping[str, Any]) -> None:
        trust = cluster_trust.read(kube, options["kubeconfig"])
        token_id, secret = (_random(count) for count in (join.ID_LENGTH, join.SECRET_LENGTH))
        token = f"{token_id}.{secret}"
        forget_tokens(kube, options["node"])  # of a run that was killed
        timeout_s = options["wait_timeout_s"]
        config = join.config(
            version=kube.version,
            endpoint=trust.endpoint,
            pins=trust.pins,
            token=token,
            node=options["node"],
            options={**options, "timeout_s": min(timeout_s, options["token_ttl_s"])},
        )
        body = join.token_secret(
            token_id, secret, options["node"], datetime.now(UTC), options["token_ttl_s"]
        )
        path = f"{SECRETS}/bootstrap-token-{token_id}"
        with deleted_at_the_end(kube, options["kubeconfig"], path):
            _create(kube, body)
            arguments = {
                "step": options["step"],
                "config": json.dumps(config),
                "token": token,
                "timeout_s": timeout_s,
            }
            self._on_the_host(arguments, options, task_vars)

    def _on_the_host(
        self, arguments: dict[str, Any], options: Options, task_vars: Mapping[str, Any]
    ) -> None:
        done: Result = self._execute_module(
            module_name="alluxops.cache.kubeadm_join",
            module_args=arguments,
            task_vars=dict(task_vars),
        )
        if done.get("failed") or "code" not in done:
            raise CacheError(
                f"kubeadm could not be run for {options['node']}.",
                str(done.get("msg") or done.get("module_stderr") or "").removeprefix("Error: "),
            )
        if done["code"] != 0:
            raise join.failure(options["node"], int(done["code"]), str(done["output"]))


def _create(kube: Kube, body: dict[str, Any]) -> None:
    """Make the token's Secret. What an error repeats of the request is not told: the token is in it."""
    try:
        kube.create(SECRETS, body)
    except ApiError as error:
        what = f"no token can be made for the join: {error.status or 'no answer'}."
        if error.status == 403:
            cause = "the kubeconfig's user may not create Secrets in kube-system."
            fix = "give it that right (create, list and delete), or join the host by hand."
        else:
            cause = "the API server took no Secret in kube-system; its words may repeat the token, and are not shown."
            fix = f"run it again; `{TRY}` has the server say why."
        raise CacheError(what, cause, fix) from None


def forget_tokens(kube: Kube, node: str) -> None:
    """Delete the tokens that were made for joins of this node."""
    selector = f"{join.LABEL}={join.label_value(node)}"
    for item in kube.list_objects(SECRETS, selector, names_only=True):
        kube.delete(f"{SECRETS}/{item['metadata']['name']}")


def _random(count: int) -> str:
    return "".join(secrets.choice(join.LETTERS) for _ in range(count))
