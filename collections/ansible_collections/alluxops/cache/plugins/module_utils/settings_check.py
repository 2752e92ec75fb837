"""What the public variables cannot be together, or at all.

Every fault names the value, its place (file:line where known) and the fix. Nothing here reads a file or the cluster:
what the checks need to know of the world comes in World.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_key,
    cron,
    helm_host,
    withheld,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.module_utils.settings import (
    EPHEMERAL,
    Settings,
    looks_secret,
)

_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_VERSION = re.compile(r"^2\.[89]\.\d+([.-].*)?$")
_ADDRESS = re.compile(r"^[A-Za-z0-9._-]+:[0-9]{1,5}$")
_SYSTEM = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "usr",
    ]
)
# "<release>-worker-domain-socket" and the pods' names must stay within 63 characters.
_LONGEST_RELEASE = 40
_FINGERPRINT = "helm_apt_key_fingerprint"
CREDENTIAL_KEYS = ("accessKeyId", "secretKey")


@dataclass(frozen=True)
class World:
    """What the checks know from outside the variables. places: variable -> "file:line"; "" where unknown."""

    places: Mapping[str, str] = field(default_factory=dict)
    chart_exists: bool = True
    chart_has_metadata: bool = True
    kubeconfig_exists: bool = True
    helm: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    unread: Mapping[str, Any] = field(default_factory=dict)
    """Variables that the specification knows, and that no verb reads yet."""

    def fault(self, name: str, shown: Any, cause: str, fix: str) -> SettingsError:
        """A fault of one variable: `shown` is its value as the user reads it."""
        place = self.places.get(name, "")
        return SettingsError(f"{name} is {shown}{f' ({place})' if place else ''}.", cause, fix)


def _release_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    for name, value in (("alluxio_release", s.release), ("alluxio_namespace", s.namespace)):
        longest = _LONGEST_RELEASE if name == "alluxio_release" else 63
        if not _DNS_LABEL.match(value) or len(value) > longest:
            yield world.fault(
                name,
                repr(value),
                "Kubernetes takes lower-case letters, digits and hyphens, and the names made from it must stay short.",
                f"set a name such as alluxio, of at most {longest} characters.",
            )
    if not _VERSION.match(s.version):
        yield world.fault(
            "alluxio_version",
            repr(s.version),
            "Alluxio 2.8.x and 2.9.x are supported.",
            "set 2.9.6.",
        )
    if not world.kubeconfig_exists:
        yield world.fault(
            "alluxops_kubeconfig",
            s.kubeconfig,
            "There is no such file on the machine that runs Ansible.",
            "set alluxops_kubeconfig, or export KUBECONFIG.",
        )
    if s.wait_timeout_s <= 0:
        yield world.fault(
            "alluxops_wait_timeout_s",
            s.wait_timeout_s,
            "Nothing becomes ready in no time.",
            "set 600.",
        )


def _master_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.masters in (2, 4) and s.ha == "zookeeper":
        cause = "ZooKeeper would elect among them, but the masters could never become a quorum of their own (embedded)."
        yield world.fault("alluxio_masters", s.masters, cause, "set 1, 3 or 5.")
    elif s.masters == 2:
        cause = "Two masters cannot form a majority: losing either stops the cache."
        yield world.fault(
            "alluxio_masters", s.masters, cause, "set 1, or 3 with alluxio_ha: embedded."
        )
    elif s.masters not in (1, 3, 5):
        cause = "Masters vote: an even number survives no more losses than one fewer; more than 5 slow the vote."
        yield world.fault("alluxio_masters", s.masters, cause, "set 1, 3 or 5.")
    elif s.masters > 1 and s.ha == "none":
        cause = "Without a quorum each master would serve a journal of its own, and the cache would answer from either."
        yield world.fault(
            "alluxio_masters",
            f"{s.masters} with alluxio_ha none",
            cause,
            "set alluxio_ha: embedded, or zookeeper where all masters can share a journal's volume.",
        )
    if s.masters > len(s.cache_masters) and s.cache_masters:
        yield world.fault(
            "alluxio_masters",
            f"{s.masters} with {counted(len(s.cache_masters), 'host')} in cache_masters",
            "Masters never share a node: losing it would lose the majority.",
            f"set at most {len(s.cache_masters)}, or add hosts to the group cache_masters.",
        )


def _ha_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.ha != "zookeeper" and s.zookeeper_address:
        yield world.fault(
            "alluxio_zookeeper_address",
            f"set while alluxio_ha is {s.ha}",
            "Alluxio elects either through ZooKeeper or among its masters; together they make two leaders.",
            "remove it, or set alluxio_ha: zookeeper.",
        )
    if s.own_zookeeper:
        yield from _ensemble_faults(s, world)
    for address in s.zookeeper_address:
        if not _ADDRESS.match(address):
            cause = "ZooKeeper is reached at host:port, usually port 2181."
            yield world.fault(
                "alluxio_zookeeper_address",
                repr(address),
                cause,
                "write it as zk1.example.com:2181.",
            )


def _ensemble_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.zookeeper_replicas not in (1, 3, 5):
        cause = "Servers vote: an even number survives no more losses than one fewer; more than 5 slow the vote."
        yield world.fault(
            "zookeeper_replicas", s.zookeeper_replicas, cause, "set 3 or 5; 1 to try."
        )
    elif s.cache_masters and len(s.zookeeper_nodes) < s.zookeeper_replicas:
        yield world.fault(
            "zookeeper_replicas",
            f"{s.zookeeper_replicas} with {counted(len(s.zookeeper_nodes), 'host')} in cache_masters and cache_workers",
            "ZooKeeper's servers never share a node: losing it would lose the majority.",
            "set fewer, add hosts, or list an ensemble of yours in alluxio_zookeeper_address.",
        )


def _shared_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    path, name = s.journal_shared_path, "alluxio_journal_shared_path"
    if not path:
        return
    if s.ha != "zookeeper" or s.masters == 1:
        yield world.fault(
            name,
            f"{path} while alluxio_ha is {s.ha} and alluxio_masters {s.masters}",
            "Only masters that elect through ZooKeeper share a journal; others would overwrite each other's.",
            "remove it, or set alluxio_ha: zookeeper with 3 or 5 masters.",
        )
    if not _is_a_place(path):
        cause = "A directory for each release is made in it and given to user 1000, so it must be a place of its own."
        yield world.fault(name, repr(path), cause, "set where the shared file system is mounted.")
    elif path.rstrip("/") == s.storage_root.rstrip("/"):
        cause = "What lies there is each node's own; the masters' journal is one for all of them."
        fix = "set where the shared file system is mounted, and node_storage_root to a local disk."
        yield world.fault(name, f"{path}, as node_storage_root is", cause, fix)


def _journal_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    yield from _shared_faults(s, world)
    if s.journal_format == "force" and s.confirm_format != s.release:
        yield world.fault(
            "alluxio_journal_format",
            f"force with alluxio_confirm_format {s.confirm_format!r}",
            "Formatting erases every mount, pin, TTL and file entry of the cache, so it is confirmed by name.",
            f"run once with -e alluxio_confirm_format={s.release}, or set if_empty.",
        )


def _purge_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.confirm_purge not in ("", s.release):
        yield world.fault(
            "alluxio_confirm_purge",
            repr(s.confirm_purge),
            f"Purging deletes the journal and the tiers of a release, so it is confirmed by name: here {s.release}.",
            f"run `uninstall` once with -e alluxio_confirm_purge={s.release}, or leave it out to keep the data.",
        )


def _ufs_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    shown = withheld.shown("alluxio_root_ufs", s.root_ufs)
    if not s.root_ufs:
        yield world.fault(
            "alluxio_root_ufs",
            "not set",
            "Without it the data lie inside a container and vanish with it.",
            "set e.g. s3://datasets/, or `ephemeral` if losing the data with the pods is meant.",
        )
    elif s.root_ufs != EPHEMERAL and "://" not in s.root_ufs and not s.root_ufs.startswith("/"):
        cause = "An under store is an address such as s3://bucket/path, or a path that is mounted in every pod."
        yield world.fault("alluxio_root_ufs", shown, cause, "write it as scheme://place/.")
    elif withheld.has_keys(s.root_ufs):
        cause = "It becomes a property in a ConfigMap, which anyone in the namespace may read."
        fix = "write the address alone, and its keys into alluxio_root_ufs_credentials (vaulted)."
        yield world.fault("alluxio_root_ufs", f"{shown}, with credentials", cause, fix)
    if s.uses_credentials and not s.root_ufs.startswith(("s3://", "s3a://")):
        name = "alluxio_root_ufs_secret" if s.root_ufs_secret else "alluxio_root_ufs_credentials"
        cause = "Credentials are handed to the S3 client only."
        yield world.fault(
            name,
            f"set while alluxio_root_ufs is {shown if s.root_ufs else 'not set'}",
            cause,
            "remove it, or use s3://.",
        )
    if world.credentials and sorted(world.credentials) != sorted(CREDENTIAL_KEYS):
        yield world.fault(
            "alluxio_root_ufs_credentials",
            f"a dict with the keys {', '.join(sorted(map(str, world.credentials)))}",
            "The Secret holds an access key's id and the key.",
            "give exactly accessKeyId and secretKey.",
        )
    for key, value in s.root_ufs_options.items():
        if looks_secret(key) or withheld.has_user(str(value)):
            yield world.fault(
                "alluxio_root_ufs_options",
                f"given with {key}",
                "Options become properties in a ConfigMap, which anyone in the namespace may read.",
                "move it to alluxio_root_ufs_credentials (vaulted), or name a Secret in alluxio_root_ufs_secret.",
            )
    if s.worker_quota < 64 * 1024**2:
        cause = "One block of Alluxio is 64 MiB by default; a smaller tier holds none."
        yield world.fault(
            "alluxio_worker_quota", f"{s.worker_quota} bytes", cause, "set bytes, e.g. 1073741824."
        )


def _is_a_place(path: str) -> bool:
    """Whether a path is absolute and no part of the system."""
    parts = [part for part in path.split("/") if part]
    if not path.startswith("/") or not parts or ".." in parts:
        return False
    return parts[0] not in _SYSTEM or len(parts) >= 3


def _place_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    root = s.storage_root
    if not _is_a_place(root):
        cause = "The cache's directories are made under it and given to user 1000, so it must be a place of their own."
        yield world.fault(
            "node_storage_root", repr(root), cause, "set an absolute path such as /mnt/fuse3."
        )
    if s.chart_is_local and not world.chart_exists:
        cause = "There is no such file or directory on the machine that runs Ansible."
        yield world.fault(
            "alluxio_chart_ref",
            s.chart_ref,
            cause,
            "correct the path, or remove it to use our chart.",
        )
    elif s.chart_is_local and not world.chart_has_metadata:
        cause = "A chart is a directory with a Chart.yaml, or an archive of one."
        yield world.fault(
            "alluxio_chart_ref", s.chart_ref, cause, "name the directory that holds Chart.yaml."
        )


def _group_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    for group, hosts in (("cache_masters", s.cache_masters), ("cache_workers", s.cache_workers)):
        if not hosts:
            cause = (
                "The masters' journals lie there."
                if group == "cache_masters"
                else "The workers run there."
            )
            yield SettingsError(
                f"the inventory's group {group} is empty.",
                cause,
                f"list the hosts of the cache under {group}.",
            )
    if len(s.kube_control) != 1:
        found = ", ".join(s.kube_control) or "no host"
        yield SettingsError(
            f"the inventory's group kube_control has {found}.",
            "Helm runs on exactly one host.",
            "list one; localhost will do.",
        )
    names: dict[str, str] = {}
    for node in dict.fromkeys((*s.cache_masters, *s.cache_workers)):
        if names.setdefault(node.name, node.host) != node.host:
            yield world.fault(
                "alluxio_node_name",
                f"{node.name} for both {names[node.name]} and {node.host}",
                "Each host is a node of its own.",
                "set alluxio_node_name per host, as `kubectl get nodes` shows it.",
            )


def _backup_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.backup_to != "ufs" and not s.backup_to.startswith("/"):
        yield world.fault(
            "backup_to",
            repr(s.backup_to),
            "A backup goes to the root under store, or to a directory on the machine that runs Ansible.",
            "set ufs, or an absolute path.",
        )
    if s.backup_keep < 0:
        yield world.fault(
            "backup_keep", s.backup_keep, "It is how many backups stay.", "set 7, or 0 to keep all."
        )
    if not s.backup_schedule:
        return
    wrong = cron.fault(s.backup_schedule)
    if wrong:
        fix = 'write it as cron does, e.g. "30 2 * * *" for every night, or leave it empty.'
        yield world.fault("backup_schedule", repr(s.backup_schedule), wrong, fix)
    if s.root_ufs == EPHEMERAL:
        cause = "The CronJob writes to the root under store, which here ends with the pods, and the backups with it."
        fix = "remove it, or set alluxio_root_ufs to a lasting store."
        yield world.fault("backup_schedule", "set with alluxio_root_ufs ephemeral", cause, fix)


def _verify_faults(s: Settings, world: World) -> Iterable[SettingsError]:
    if s.consistency_path and not s.consistency_path.startswith("/"):
        yield world.fault(
            "verify_consistency_path",
            repr(s.consistency_path),
            "It is a path in the cache, as `alluxio fs ls` takes it.",
            "write it from the root on, such as /datasets; '' leaves the comparison out.",
        )


def _unread_faults(_: Settings, world: World) -> Iterable[SettingsError]:
    for name, value in world.unread.items():
        if value:
            place = world.places.get(name, "")
            yield SettingsError(
                f"{name}: no verb of this version reads it{f' ({place})' if place else ''}.",
                "What it asks for would be missing, and nothing would say so.",
                f"remove it, or set {name}: [].",
            )


def _helm_faults(_: Settings, world: World) -> Iterable[SettingsError]:
    """By the rules of what reads them: helm_host and apt_key."""
    helm = world.helm
    rules: list[tuple[str, Callable[[str], str]]] = []
    if helm.get("helm_install_method") == "binary":
        rules.append(("helm_binary_checksum", helm_host.normal_checksum))
    if _FINGERPRINT in helm:
        rules.append((_FINGERPRINT, lambda text: apt_key.normal_fingerprint(text, _FINGERPRINT)))
    for name, normal in rules:
        text = str(helm.get(name, ""))
        try:
            normal(text)
        except SettingsError as error:
            shown = repr(text) if text else "empty"
            yield world.fault(name, shown, error.cause, error.fix)


_CHECKS: tuple[Callable[[Settings, World], Iterable[SettingsError]], ...] = (
    _group_faults,
    _release_faults,
    _master_faults,
    _ha_faults,
    _journal_faults,
    _purge_faults,
    _ufs_faults,
    _place_faults,
    _backup_faults,
    _verify_faults,
    _helm_faults,
    _unread_faults,
)


def cross_faults(settings: Settings, world: World) -> list[SettingsError]:
    """Everything that each variable allows but that cannot work together, or at all."""
    return [fault for check in _CHECKS for fault in check(settings, world)]
