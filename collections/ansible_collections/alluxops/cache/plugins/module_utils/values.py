"""The chart's final values: our defaults, the user's files and overrides in Helm's order, what is decided elsewhere.

    our_defaults(settings) < values files in order < alluxio_values < decided(settings)

A user's value wins over a default, and must not contradict a decision (number of masters, journal, release name): that
is a SettingsError which names the variable to set instead. Pure: files are read by the caller.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    claims,
    failover,
    placement,
    profiles,
    versions,
    zookeeper,
)
from ansible_collections.alluxops.cache.plugins.module_utils.claims import PVC
from ansible_collections.alluxops.cache.plugins.module_utils.settings import EPHEMERAL, Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import STORAGE_CLASS

OURS = "ours"
UPSTREAM = "upstream"
FAMILY_ANNOTATION = "alluxops.io/chart"
DIGEST_ANNOTATION = "alluxops.io/config-digest"
DIGEST_VARIABLE = "ALLUXOPS_CONFIG_DIGEST"

ROOT_UFS = "alluxio.master.mount.table.root.ufs"
EPHEMERAL_PATH = "/opt/alluxio/underFSStorage"
CREDENTIALS_MOUNT = "ufs"
CREDENTIALS_FILE = f"/secrets/{CREDENTIALS_MOUNT}/credentials"
_SERVERS = ("master", "jobMaster", "worker", "jobWorker")
_HAVE_OPTIONS = (*_SERVERS, "fuse", "proxy", "logserver")
_STARTUP_PROBE = {
    "initialDelaySeconds": 1,
    "periodSeconds": 2,
    "timeoutSeconds": 2,
    "failureThreshold": 150,
}
"""Upstream's own liveness probe kills a process that has not opened its port after 75 s, whatever it still replays."""

_S3_ALIASES = {"region": "endpoint.region", "path_style": "disable.dns.buckets"}
_GO_WRITES_AN_EXPONENT = 10**6
_WRITTEN_AS_YAML = ("tolerations", "nodeSelector", "podAnnotations", "strategy")
"""Keys that upstream's templates write with toYaml, which keeps numbers as they are and would quote a text."""

_NOT_MASTERS = (
    "worker",
    "jobWorker",
    "tieredstore",
    "shortCircuit",
    "fuse",
    "csi",
    "proxy",
    "logserver",
)
_NOT_WORKERS = ("master", "jobMaster", "journal", "metastore", "fuse", "csi", "proxy", "logserver")


@dataclass(frozen=True)
class Chart:
    """A chart's own say. values: its values.yaml. schema: its values.schema.json, {} where it has none."""

    name: str
    version: str
    family: str
    values: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Values:
    """What is handed to Helm. effective: the same over the chart's own defaults, which is what its templates see."""

    given: dict[str, Any]
    effective: dict[str, Any]


def chart_from(
    metadata: Mapping[str, Any],
    defaults: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
) -> Chart:
    """A Chart from the parsed Chart.yaml, values.yaml and values.schema.json."""
    annotations = metadata.get("annotations") or {}
    family = OURS if annotations.get(FAMILY_ANNOTATION) == OURS else UPSTREAM
    return Chart(
        str(metadata.get("name", "")),
        str(metadata.get("version", "")),
        family,
        defaults,
        schema or {},
    )


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as Helm does: mappings key by key, anything else replaced whole. A null stays: Helm drops its key."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = (
            merged(below, value)
            if isinstance(below, Mapping) and isinstance(value, Mapping)
            else value
        )
    return result


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as templates see them: a key that was set to null is gone."""
    kept = {key: value for key, value in values.items() if value is not None}
    return {
        key: without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in kept.items()
    }


def at(values: Any, path: Sequence[str | int]) -> Any:
    """The value at a path, or None."""
    found: Any = values
    for key in path:
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and isinstance(key, int) and key < len(found):
            found = found[key]
        else:
            return None
    return found


def user_values(sources: Sequence[Source]) -> dict[str, Any]:
    """The user's own values, later sources over earlier ones. A section left empty (`properties:`) changes nothing."""
    result: dict[str, Any] = {}
    for source in sources:
        result = merged(
            result, {key: value for key, value in source.data.items() if value is not None}
        )
    return result


def compose(settings: Settings, chart: Chart, sources: Sequence[Source]) -> Values:
    """The final values. Contradictions are not looked for here: see values_check."""
    users = user_values(sources)
    given = merged(merged(our_defaults(settings, chart), users), decided(settings))
    if versions.is_build_of(settings.version, users.get("imageTag")):
        given["imageTag"] = str(users["imageTag"])
    if chart.family == OURS:
        given = merged(given, _ours_only(settings))
    given = _exact_quotas(given)
    placed = _placement(settings, chart, without_nulls(merged(chart.values, given)))
    given = merged(placed, given)
    effective = without_nulls(merged(chart.values, given))
    if chart.family == UPSTREAM:
        given, effective = _for_upstream(given, effective)
    return Values(given, effective)


def _for_upstream(
    given: Mapping[str, Any], effective: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What our chart does in its templates, done in the values of upstream's. effective keeps its numbers."""
    notes: list[dict[str, Any]] = [
        # Ours puts a checksum of its ConfigMap on the pods; upstream's restarts nothing.
        {component: {"podAnnotations": {DIGEST_ANNOTATION: digest}}}
        for component, digest in restart_digest(effective).items()
    ]
    for component in ("fuse", "proxy"):  # their pods take no annotations
        section = effective.get(component)
        if isinstance(section, Mapping) and section.get("enabled"):
            read = [effective.get("properties"), effective.get("jvmOptions"), section]
            notes.append({component: {"env": {DIGEST_VARIABLE: _digest(read)}}})
    fuse = effective.get("fuse")
    if isinstance(fuse, Mapping) and fuse.get("mountPoint") and not fuse.get("mountPath"):
        # From 0.6.42 on its values say mountPoint, and its ConfigMap still reads mountPath: it would print <nil>.
        notes.append({"fuse": {"mountPath": fuse["mountPoint"]}})
    # Ours takes options as one text too; upstream's would stop with "Cannot concat type string as list".
    for path in (("jvmOptions",), *((component, "jvmOptions") for component in _HAVE_OPTIONS)):
        options = at(effective, path)
        if isinstance(options, str):
            words: Any = options.split()
            for key in reversed(path):
                words = {key: words}
            notes.append(words)
    for note in notes:
        given, effective = merged(given, note), merged(effective, note)
    return _digits(given), dict(effective)


def our_defaults(settings: Settings, chart: Chart) -> dict[str, Any]:
    """What we set unless the user says otherwise."""
    values: dict[str, Any] = {
        "journal": {
            "ufsType": "local",
            "folder": "/journal",
            "volumeType": PVC,
            "size": "1Gi",
            "storageClass": STORAGE_CLASS,
            "accessModes": ["ReadWriteOnce"],
        },
        "tieredstore": {
            "levels": [
                {
                    "level": 0,
                    "alias": "MEM",
                    "mediumtype": "MEM",
                    "path": "/dev/shm",  # noqa: S108 - the tmpfs that the chart mounts in the worker
                    "type": "emptyDir",
                    "quota": settings.worker_quota,
                    "high": 0.95,
                    "low": 0.7,
                }
            ]
        },
        "shortCircuit": {
            "enabled": True,
            "policy": "uuid",
            "volumeType": "hostPath",
            "hostPath": f"{settings.storage_path}/domain",
            "pvcName": f"{settings.release}-worker-domain-socket",
            "size": "1Mi",
            "accessModes": ["ReadWriteOnce"],
            "storageClass": STORAGE_CLASS,
        },
        "properties": {
            "alluxio.master.update.check.enabled": "false",  # it asks the internet, and EC2's metadata address
            # A worker's pod that is made anew has another address. Until the leader forgets the old one, after 5 min by
            # default, clients of that node are sent to it and fail with "io exception".
            "alluxio.master.worker.timeout": "30sec",
            **failover.properties(settings.masters, settings.ha),
            **store_properties(settings.root_ufs_options),
        },
    }
    if chart.family == UPSTREAM:  # its FUSE pods name an image of their own; ours run the one image
        values["fuse"] = {"imageTag": settings.version}
        probed = [name for name in _SERVERS if not at(chart.values, (name, "startupProbe"))]
        values |= {name: {"startupProbe": _STARTUP_PROBE} for name in probed}
    values = merged(values, profiles.values_of(settings.profile))
    if settings.uses_credentials:
        # With keys given, asking EC2's metadata address for others only delays each start.
        environment = {
            "AWS_CREDENTIAL_PROFILES_FILE": CREDENTIALS_FILE,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        values = merged(values, {component: {"env": environment} for component in _SERVERS})
    return values


def _placement(settings: Settings, chart: Chart, effective: Mapping[str, Any]) -> dict[str, Any]:
    """Where pods run unless the user says otherwise. Upstream's chart has no affinity to place such masters by."""
    placed = placement.selectors(settings, effective, merges=chart.family == OURS)
    if chart.family == OURS and not claims.is_tied(settings, effective.get("journal") or {}):
        placed = merged(placed, placement.masters(settings))
    return placed


def decided(settings: Settings) -> dict[str, Any]:
    """What other variables have decided; the user's values may repeat it but not contradict it."""
    properties: dict[str, Any] = {
        ROOT_UFS: EPHEMERAL_PATH if settings.root_ufs == EPHEMERAL else settings.root_ufs
    }
    if settings.ha == "zookeeper":
        properties |= zookeeper.election_properties(settings)
    values: dict[str, Any] = {
        "fullnameOverride": settings.release,
        "imageTag": settings.version,
        "master": {"count": settings.masters},
        "journal": {
            "type": "EMBEDDED" if settings.ha == "embedded" else "UFS",
            "format": {"runFormat": False},
        },
        "properties": properties,
    }
    if settings.backup_schedule:
        values["backup"] = {"schedule": settings.backup_schedule, "keep": settings.backup_keep}
    if settings.shared_journal:
        values["journal"]["accessModes"] = ["ReadWriteMany"]
    if settings.uses_credentials:
        mount = {f"{settings.release}-ufs-credentials": CREDENTIALS_MOUNT}
        values["secrets"] = {"master": mount, "worker": mount}
    return values


def _ours_only(settings: Settings) -> dict[str, Any]:
    """What only our chart knows. Which masters run now is scale-masters' business, step by step."""
    return {"master": {"running": None, **restarts(settings.masters)}}


def restarts(masters: int) -> dict[str, Any]:
    """Who restarts so many masters: Kubernetes in the order of their numbers, or masters_roll, the leader last."""
    return {"updateStrategy": {"type": "OnDelete"}} if masters > 1 else {}


def store_properties(options: Mapping[str, Any]) -> dict[str, str]:
    """A store's options as properties: a bare key is one of S3's, alluxio.x a property's own name."""
    properties: dict[str, str] = {}
    if "endpoint" in options or "alluxio.underfs.s3.endpoint" in options:
        # Gateways other than Amazon's seldom have a DNS name per bucket, or owners that Amazon's ACLs name.
        properties = {
            "alluxio.underfs.s3.disable.dns.buckets": "true",
            "alluxio.underfs.s3.inherit.acl": "false",
        }
    for key, value in options.items():
        name = (
            key if key.startswith("alluxio.") else f"alluxio.underfs.s3.{_S3_ALIASES.get(key, key)}"
        )
        properties[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return properties


def _exact_quotas(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as text: Helm reads a number as a float, and its templates would print 1.073741824e+09."""
    result = dict(values)
    store = result.get("tieredstore")
    if isinstance(store, Mapping) and isinstance(store.get("levels"), list):
        levels = [
            _exact_quota(level) if isinstance(level, Mapping) else level
            for level in store["levels"]
        ]
        result["tieredstore"] = {**store, "levels": levels}
    return result


def _exact_quota(level: Mapping[str, Any]) -> dict[str, Any]:
    quota = level.get("quota")
    is_number = isinstance(quota, int | float) and not isinstance(quota, bool)
    return {**level, **({"quota": str(int(quota or 0))} if is_number else {})}


def _digits(value: Any) -> Any:
    """Large numbers as text, wherever upstream's templates print them bare: a block size, a user id of OpenShift."""
    if isinstance(value, Mapping):
        return {
            key: item if key in _WRITTEN_AS_YAML else _digits(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_digits(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and abs(value) >= _GO_WRITES_AN_EXPONENT and value == int(value):
        return str(int(value))
    return value


def restart_digest(effective: Mapping[str, Any]) -> dict[str, str]:
    """Digests of what the masters and the workers read at start, so that a change restarts just those."""
    masters = {key: value for key, value in effective.items() if key not in _NOT_MASTERS}
    workers = {key: value for key, value in effective.items() if key not in _NOT_WORKERS}
    workers["masterCount"] = at(effective, ("master", "count"))
    digests = {}
    for component, seen in (("master", masters), ("worker", workers)):
        digests[component] = _digest(seen)
    return digests


def _digest(seen: Any) -> str:
    return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()[:16]
