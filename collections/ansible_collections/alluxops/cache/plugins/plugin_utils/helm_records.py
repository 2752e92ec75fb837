"""Reading Helm's records of a release out of the cluster."""

from __future__ import annotations

import json
from typing import Any

import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import helm_record, upgrade, versions
from ansible_collections.alluxops.cache.plugins.module_utils.backup_age import Era
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values import merged, without_nulls
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


def read(kube: Kube, namespace: str, release: str, revision: int) -> helm_record.Record:
    """One revision. Raises SettingsError where Helm has forgotten it."""
    name = f"sh.helm.release.v1.{release}.v{revision}"
    secret = kube.get(objects.core(namespace, "secrets", name))
    if secret is None:
        raise SettingsError(
            f"Helm has no record of revision {revision} of {namespace}/{release}.",
            "It keeps the last ten.",
            "choose another rollback_revision; `helm history` lists them.",
        )
    return helm_record.read(secret)


def eras(kube: Kube, namespace: str, release: str) -> list[Era]:
    """Which Alluxio the release was given when, oldest first, as far back as Helm remembers."""
    secrets = kube.list_objects(objects.core(namespace, "secrets"), f"owner=helm,name={release}")
    found = [helm_record.read(secret) for secret in secrets]
    return [
        Era(record.number, record.made_at, _tag(record.manifest, release))
        for record in sorted(found, key=lambda record: record.number)
    ]


def _tag(manifest: str, release: str) -> str:
    rendered: list[Any] = [item for item in yaml.safe_load_all(manifest) if isinstance(item, dict)]
    masters = upgrade.masters_of(rendered, release)
    return versions.tag_of(masters.image) if masters else ""


def values(kube: Kube, namespace: str, release: str) -> dict[str, Any]:
    """The values that the newest revision was made of: the chart's own and those given, merged as Helm does."""
    secrets = kube.list_objects(objects.core(namespace, "secrets"), f"owner=helm,name={release}")
    records = [helm_record.read(secret) for secret in secrets]
    if not records:
        raise SettingsError(
            f"Helm has no record of {namespace}/{release}.", fix="`alluxops site` installs it."
        )
    newest = max(records, key=lambda record: record.number)
    chart = json.loads(newest.files["values.yaml"])
    return without_nulls(merged(chart, newest.values))
