"""How to reach a cluster: the kubeconfig, a client that fails fast, and what to say when it cannot be reached.

The clients are imported at the top on purpose. Ansible's main loop imports an action plugin once, before it forks a
process per task; an import inside the action would be paid again in each of those processes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from pathlib import Path
from typing import Any, Final

import yaml

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import kubernetes.client
        import kubernetes.config
        import urllib3
        from kubernetes.client.exceptions import ApiException
        from openshift.dynamic import DynamicClient
except ImportError as error:  # said by Kube.open, where it can be explained
    MISSING: ImportError | None = error
else:
    MISSING = None

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 30
DISCOVERY_MAX_AGE_S: Final = 24 * 3600


class UnreachableError(SettingsError):
    """The API server does not answer, or not to us."""


def kubeconfig_path(given: str) -> str:
    """The kubeconfig that is meant: the one given, else KUBECONFIG, else the user's."""
    text = given or os.environ.get("KUBECONFIG", "") or str(Path("~/.kube/config"))
    return os.pathsep.join(str(Path(part).expanduser()) for part in text.split(os.pathsep) if part)


def read_configuration(path: str) -> Any:
    """Read a kubeconfig into a client configuration that fails fast and does not retry what cannot succeed."""
    parts = [Path(part) for part in path.split(os.pathsep)]
    if not any(part.is_file() for part in parts):
        raise UnreachableError(
            f"there is no kubeconfig at {path}.",
            "alluxops_kubeconfig (else KUBECONFIG, else ~/.kube/config) says how to reach the cluster.",
            "set alluxops_kubeconfig to a kubeconfig that `kubectl get nodes` works with.",
        )
    configuration = kubernetes.client.Configuration()
    _refuse_other_files(path, [part for part in parts if part.is_file()])
    try:
        kubernetes.config.load_kube_config(
            config_file=path, client_configuration=configuration, persist_config=False
        )
    except (
        kubernetes.config.ConfigException,
        yaml.YAMLError,
        OSError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        known = isinstance(error, kubernetes.config.ConfigException | yaml.YAMLError | OSError)
        why = first_line(str(error)) if known else "its entries are not those of a kubeconfig"
        raise _unusable(path, why) from error
    configuration.retries = urllib3.Retry(
        total=2, connect=1, read=2, redirect=0, status=0, other=0, backoff_factor=0.2
    )
    return configuration


def _refuse_other_files(path: str, files: list[Path]) -> None:
    """Raise UnreachableError where a file is YAML but no mapping: the client would fail in words of its own."""
    for file in files:
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise _unusable(path, first_line(str(error))) from error
        if content is not None and not isinstance(content, dict):
            raise _unusable(path, "it is not YAML with clusters, contexts and users")


def _unusable(path: str, why: str) -> UnreachableError:
    return UnreachableError(
        f"the kubeconfig {path} cannot be used: {why}.",
        fix=f"check it with `kubectl --kubeconfig {path} get nodes`.",
    )


def client_class() -> type[Any]:
    """An ApiClient whose every call has a time limit, those of discovery too."""

    class Client(kubernetes.client.ApiClient):
        def call_api(self, *args: Any, **kwargs: Any) -> Any:
            if not kwargs.get("_request_timeout"):
                kwargs["_request_timeout"] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            return super().call_api(*args, **kwargs)

    return Client


def discovering_client(configuration: Any) -> Any:
    """The client that discovers what the server offers; what it found before is read from a cache file."""
    return DynamicClient(
        client_class()(configuration), cache_file=str(discovery_cache(configuration))
    )


def get_version(dynamic: Any) -> str:
    """Ask for the server's version, the cheapest proof that it answers and accepts us."""
    answer = dynamic.request("GET", "/version", serialize=False)
    return str(json.loads(answer.data)["gitVersion"]).lstrip("v").split("+")[0]


def discovery_cache(configuration: Any) -> Path:
    """The file that discovery is cached in: private to the user, one per cluster, forgotten after a day."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = base / "alluxops" / "discovery"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = Path(configuration.ssl_ca_cert).read_bytes() if configuration.ssl_ca_cert else b""
    key = hashlib.sha256(configuration.host.encode() + b"\0" + authority).hexdigest()[:24]
    path = folder / f"{key}.json"
    if path.exists() and time.time() - path.stat().st_mtime > DISCOVERY_MAX_AGE_S:
        path.unlink(missing_ok=True)
    return path


class Explained:
    """Turn what goes wrong while connecting into UnreachableError with its fix."""

    def __init__(self, path: str, host: str) -> None:
        self.path = path
        self.host = host

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ApiException):
            raise self._refusal(int(error.status or 0), reason_of(error)) from error
        if isinstance(error, urllib3.exceptions.HTTPError):
            reason = str(getattr(error, "reason", None) or error)
            said = re.sub(r"^.*?Connection(?:Pool)?\([^)]*\): ", "", first_line(reason))
            raise self._refusal(0, said) from error
        if isinstance(error, KeyError | AttributeError | ValueError | TypeError):
            raise UnreachableError(
                f"{self.host} (kubeconfig {self.path}) does not answer as a Kubernetes API server does.",
                fix="see which server the kubeconfig's current context names.",
            ) from error

    def _refusal(self, status: int, reason: str) -> UnreachableError:
        check = f"check with `kubectl --kubeconfig {self.path} get nodes`"
        if status in {401, 403}:
            return UnreachableError(
                f"the API server {self.host} does not accept the credentials of {self.path} ({status}: {reason}).",
                "the client certificate or token is wrong or has expired.",
                f"get a current kubeconfig from whoever runs the cluster; {check}.",
            )
        if "CERTIFICATE_VERIFY_FAILED" in reason or "certificate" in reason.lower():
            return UnreachableError(
                f"the certificate of the API server {self.host} is not trusted: {reason}.",
                "it has expired, or another authority signed it than the kubeconfig's (a cluster made anew?).",
                f"get a current kubeconfig, or renew the server's certificate; {check}.",
            )
        return UnreachableError(
            f"the API server {self.host} (kubeconfig {self.path}) does not answer: {reason}.",
            fix=f"see that the cluster runs and that this machine reaches it; {check}.",
        )


def reason_of(error: Any) -> str:
    """The server's own words of an ApiException, one line."""
    try:
        message = json.loads(error.body or "{}").get("message", "")
    except (ValueError, AttributeError):
        message = ""
    return first_line(message or str(error.body or "") or str(error.reason or error))


def first_line(text: str) -> str:
    """The line of a message that says most: the first, or the last of several when the first is a mere label."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return (
        (lines[-1] if len(lines) > 1 and len(lines[0]) < 20 else lines[0]).rstrip(".")
        if lines
        else "no reason given"
    )
