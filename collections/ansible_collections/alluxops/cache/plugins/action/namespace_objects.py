"""Make the release's namespace and the Secrets with the under store's credentials."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.namespaces import (
    OURS,
    ensure_namespace,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import cluster_uid, core

KEYS = ("accessKeyId", "secretKey")


class ActionModule(ApiAction):
    """alluxops.cache.namespace_objects."""

    SECRET_OPTIONS = frozenset({"credentials"})

    def act(self, kube: Kube, options: Options) -> Result:
        """Make (or remove) namespace and Secrets."""
        namespace, release = options["namespace"], options["release"]
        given, derived = options["secret_name"], f"{release}-ufs-credentials"
        if options["state"] == "absent":
            return self._remove(kube, namespace, [name for name in (given, derived) if name])
        changes: list[Json] = []
        exists, made = ensure_namespace(
            kube, namespace, options["wait_timeout_s"], check_mode=self.check_mode
        )
        if made:
            changes.append(
                {"name": f"namespace {namespace}", "diff": {"before": "", "after": as_yaml(made)}}
            )
        version = ""
        if given:
            data = self._source(kube, options, changes, namespace_exists=exists)
            labels = {**OURS, "release": release}
            version = self._ensure_secret(
                kube,
                namespace,
                derived,
                labels,
                {"credentials": _shared_credentials(data)},
                changes,
            )
        return {
            "changed": bool(changes),
            "diff": [
                {"before_header": c["name"], "after_header": c["name"], **c["diff"]}
                for c in changes
            ],
            "secret_version": version,
            "cluster": cluster_uid(kube),
        }

    def _source(
        self, kube: Kube, options: Options, changes: list[Json], *, namespace_exists: bool
    ) -> dict[str, str]:
        """The credentials: those given (whose Secret is made), else those in the user's Secret."""
        namespace, name = options["namespace"], options["secret_name"]
        credentials = {key: str(value) for key, value in (options["credentials"] or {}).items()}
        if credentials:
            if set(credentials) != set(KEYS) or not all(credentials.values()):
                raise SettingsError(
                    "alluxio_root_ufs_credentials needs exactly accessKeyId and secretKey, both not empty;"
                    f" it has {', '.join(sorted(credentials)) or 'nothing'}.",
                    fix="set both, or leave it out and make the Secret yourself.",
                )
            self._ensure_secret(kube, namespace, name, OURS, credentials, changes)
            return credentials
        secret = kube.get(core(namespace, "secrets", name)) if namespace_exists else None
        found = {
            key: base64.b64decode(value).decode()
            for key, value in ((secret or {}).get("data") or {}).items()
        }
        missing = [key for key in KEYS if not found.get(key)]
        if missing:
            lacks = f"lacks {' and '.join(missing)}" if secret else "does not exist"
            raise SettingsError(
                f"Secret {namespace}/{name} (alluxio_root_ufs_secret) {lacks}.",
                fix=f"`kubectl -n {namespace} create secret generic {name} --from-literal=accessKeyId=...`"
                " `--from-literal=secretKey=...`, or set alluxio_root_ufs_credentials.",
            )
        return {key: found[key] for key in KEYS}

    def _ensure_secret(
        self,
        kube: Kube,
        namespace: str,
        name: str,
        labels: dict[str, str],
        data: dict[str, str],
        changes: list[Json],
    ) -> str:
        """Make or correct a Secret; its version afterwards."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        current = kube.get(core(namespace, "secrets", name))
        if current is not None and current.get("data") == encoded:
            return _version(current)
        before = _redacted(name, (current or {}).get("data")) if current else None
        changes.append(
            {
                "name": f"secret {namespace}/{name}",
                "diff": {"before": as_yaml(before), "after": as_yaml(_redacted(name, encoded))},
            }
        )
        if self.check_mode:
            return "changes"
        if current is None:
            body = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "labels": labels},
                "type": "Opaque",
                "data": encoded,
            }
            return _version(kube.create(core(namespace, "secrets"), body))
        gone: dict[str, Any] = {
            key: None for key in current.get("data") or {} if key not in encoded
        }
        return _version(kube.merge(core(namespace, "secrets", name), {"data": {**gone, **encoded}}))

    def _remove(self, kube: Kube, namespace: str, names: list[str]) -> Result:
        """Delete the Secrets that carry our label."""
        removed = []
        for name in names:
            path = core(namespace, "secrets", name)
            secret = kube.get(path)
            labels = ((secret or {}).get("metadata") or {}).get("labels") or {}
            if OURS.items() <= labels.items():
                removed.append(name)
                if not self.check_mode:
                    kube.delete(path)
        diff = [{"before": f"secret {namespace}/{name}\n", "after": ""} for name in removed]
        return {"changed": bool(removed), "diff": diff, "secret_version": ""}


def _shared_credentials(data: dict[str, str]) -> str:
    """The credentials as the AWS SDK's shared credentials file has them."""
    return (
        "[default]\n"
        f"aws_access_key_id = {data['accessKeyId']}\n"
        f"aws_secret_access_key = {data['secretKey']}\n"
    )


def _redacted(name: str, data: dict[str, str] | None) -> Json:
    """A Secret for a diff: each value is replaced by a mark that tells two values apart, but not what they are."""
    marks = {
        key: "hidden, "
        + hashlib.scrypt(value.encode(), salt=name.encode(), n=2**12, r=8, p=1, dklen=3).hex()
        for key, value in (data or {}).items()
    }
    return {"kind": "Secret", "name": name, "data": marks}


def _version(secret: Json) -> str:
    metadata = secret["metadata"]
    return f"{metadata['uid'][:8]}-{metadata['resourceVersion']}"
