"""How a node joins a cluster by kubeadm: the token made for it, kubeadm's configuration, and what its errors mean.

Pure functions.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils.bootstrap import texts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

Json = dict[str, Any]

LABEL: Final = "alluxops.io/joins"
"""On the Secret of a token: the node that it was made for. A run that was killed leaves one, until it expires."""

LETTERS: Final = string.ascii_lowercase + string.digits
ID_LENGTH, SECRET_LENGTH = 6, 16
GROUP: Final = "system:bootstrappers:kubeadm:default-node-token"
"""What kubeadm's own rules let in: reading how to join, and asking for a kubelet's certificate."""

NEW_ARGUMENTS: Final = (1, 31)
"""From here on kubeadm has v1beta4, where arguments are a list and time limits can be set."""


def token_secret(token_id: str, secret: str, node: str, now: datetime, ttl_s: int) -> Json:
    """The Secret that is a bootstrap token. now: with a time zone."""
    until = (now + timedelta(seconds=ttl_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"bootstrap-token-{token_id}",
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/managed-by": "alluxops", LABEL: label_value(node)},
        },
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "description": f"alluxops bootstrap-workers: for the join of {node}",
            "token-id": token_id,
            "token-secret": secret,
            "expiration": until,
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
            "auth-extra-groups": GROUP,
        },
    }


def label_value(node: str) -> str:
    """A node's name as a label's value, which is shorter than names may be."""
    return node[:63].rstrip(".-_")


def config(
    *,
    version: str,
    endpoint: str,
    pins: Sequence[str],
    token: str,
    node: str,
    options: Mapping[str, Any],
) -> Json:
    """The JoinConfiguration of kubeadm.

    version: the cluster's. endpoint: host:port of the API server. pins: sha256:HEX of the CA's public keys. options:
    taints, kubelet_args, ignore_preflight_errors, cri_socket and timeout_s.
    """
    is_new = tuple(int(part) for part in version.split(".")[:2]) >= NEW_ARGUMENTS
    arguments = texts(options["kubelet_args"])
    registration: Json = {"name": node, "criSocket": options["cri_socket"]}
    if options["taints"]:
        registration["taints"] = [texts(taint) for taint in options["taints"]]
    if options["ignore_preflight_errors"]:
        registration["ignorePreflightErrors"] = list(options["ignore_preflight_errors"])
    if arguments:
        registration["kubeletExtraArgs"] = (
            [{"name": name, "value": value} for name, value in arguments.items()]
            if is_new
            else arguments
        )
    found: Json = {
        "apiVersion": f"kubeadm.k8s.io/{'v1beta4' if is_new else 'v1beta3'}",
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {
                "token": token,
                "apiServerEndpoint": endpoint,
                "caCertHashes": list(pins),
            }
        },
        "nodeRegistration": registration,
    }
    limit = f"{options['timeout_s']}s"
    if is_new:
        found["timeouts"] = {
            "discovery": limit,
            "tlsBootstrap": limit,
            "kubeletHealthCheck": limit,
            "kubernetesAPICall": "60s",
        }
    else:
        found["discovery"]["timeout"] = limit
    return found


_CAUSES: Final = (
    (
        r"could not find a JWS signature|token id .* is invalid|Unauthorized|unable to fetch the kubeadm-config",
        "the token of this join expired or was deleted before kubeadm had used it, or the cluster does not sign it.",
        "raise bootstrap_workers_token_ttl_s, see that the clocks of the host and the cluster agree, and run again.",
    ),
    (
        r"certificate has expired or is not yet valid|x509: .*time",
        "the clock of the host and that of the cluster differ.",
        "set the host's clock (`timedatectl`), and run again.",
    ),
    (
        r"none of the public keys .* are pinned|cluster CA found .* is invalid",
        "what answers at the cluster's address has another certificate authority.",
        "see that the API server's address leads to this cluster from the host.",
    ),
    (
        r"no route to host|connection refused|i/o timeout|no such host|network is unreachable",
        "the host does not reach the API server, at the address that kube-public/cluster-info gives to nodes.",
        "see routes, name resolution and firewalls between the host and that address, and run again.",
    ),
    (
        r"a Node with name .* and status \"Ready\" already exists",
        "a node of that name is in the cluster already, and Ready.",
        "correct alluxio_node_name; or, where the machine was replaced, delete the Node first.",
    ),
    (
        r"kubelet is not (running|healthy)|kubelet isn't running|health check .* kubelet|\[kubelet-check\]",
        "the kubelet does not start.",
        "`journalctl -u kubelet` on the host says why; then run again.",
    ),
)


def failure(host: str, code: int, output: str) -> CacheError:
    """The error of a kubeadm that failed. output: what it printed, without secrets."""
    errors = re.findall(r"^\s*\[ERROR ([\w./-]+)\]:? (.*)$", output, re.MULTILINE)
    if errors:
        told = "".join(f"\n  {name}: {text.strip()}" for name, text in errors)
        return CacheError(
            f"kubeadm's checks refuse {host}:{told}",
            fix="mend that on the host; what is known to be harmless may be named in"
            " bootstrap_workers_ignore_preflight_errors.",
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = "\n".join(lines[-4:])
    for pattern, cause, fix in _CAUSES:
        if re.search(pattern, output, re.IGNORECASE):
            return CacheError(
                f"{host} could not join the cluster (kubeadm ended with {code}):\n{said}",
                cause,
                fix,
            )
    return CacheError(
        f"{host} could not join the cluster (kubeadm ended with {code}):\n{said}",
        fix="see `journalctl -u kubelet` on the host, and run again: it goes on from there.",
    )
