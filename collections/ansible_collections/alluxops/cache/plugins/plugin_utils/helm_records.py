"""Reading Helm's records of a release out of the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from ansible.module_utils.common.yaml import yaml_load_all

from ansible_collections.alluxops.cache.plugins.module_utils import helm_record, upgrade, versions
from ansible_collections.alluxops.cache.plugins.module_utils.backup_age import Era
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
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


def masters(kube: Kube, namespace: str, release: str, revisions: Iterable[int]) -> int:
    """How many masters the newest of these revisions has that has any; 0 where none tells."""
    for revision in sorted(revisions, reverse=True):
        with suppress(CacheError):  # one that Helm has forgotten meanwhile, or that cannot be read
            rendered = _objects(read(kube, namespace, release, revision).manifest)
            found = upgrade.masters_of(rendered, release)
            if found is not None and found.count:
                return found.count
    return 0


def eras(kube: Kube, namespace: str, release: str) -> list[Era]:
    """Which Alluxio the release was given when, oldest first, as far back as Helm remembers."""
    secrets = kube.list_objects(objects.core(namespace, "secrets"), f"owner=helm,name={release}")
    found = [helm_record.read(secret) for secret in secrets]
    return [
        Era(record.number, record.made_at, _tag(record.manifest, release))
        for record in sorted(found, key=lambda record: record.number)
    ]


def _tag(manifest: str, release: str) -> str:
    found = upgrade.masters_of(_objects(manifest), release)
    return versions.tag_of(found.image) if found else ""


def _objects(manifest: str) -> list[Any]:
    return [item for item in yaml_load_all(manifest) if isinstance(item, dict)]


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
