"""The public variables as one typed, checked object.

Raw variables -> typed() by the roles' argument specs -> Settings; what cannot work together is in settings_check.
Every fault names the value, its place (file:line where known) and the fix, and all are found in one pass.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.alluxops.cache.plugins.module_utils import node_labels
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

CONFIRMATIONS = (
    "alluxio_confirm_format",
    "alluxio_confirm_format_device",
    "alluxio_confirm_purge",
    "alluxio_confirm_remount",
    "alluxio_confirm_remove",
    "alluxio_confirm_restore",
    "datasets_loses",
    "remove_workers_loses",
    "repair_forgets",
    "rollback_version",
    "upgrade_without_backup",
)
PREFIXES = (
    "alluxops_",
    "alluxio_",
    "helm_",
    "node_storage_",
    "volumes_",
    "verify_",
    "preflight_",
    "backup_",
    "benchmark_",
    "datasets_",
    "check_",
    "repair_",
    "restore_",
    "zookeeper_",
    "rollback_",
    "remove_workers_",
    "bootstrap_",
    "settings_",
)
SHARED_PREFIXES = ("network_", "upgrade_")
"""Ours, and of other people's roles too: only what is nearly a variable of ours is a misspelt one."""
EPHEMERAL = "ephemeral"
ZOOKEEPER_PORT = 2181
_KINDS = {
    "int": "a whole number",
    "bool": "true or false",
    "dict": "a mapping (`key: value`)",
    "str": "text",
}
UNREAD = ("alluxio_tenants",)
"""Variables that the specification knows, and that no verb reads yet."""

_HINTS = {
    "alluxio_worker_quota": "Kubernetes and Alluxio read units differently, so it is a plain number of bytes.",
    "alluxio_masters": "It is the number of masters.",
}
SECRET_NAME = re.compile(
    "(?i)(access[._-]?key|secret[._-]?(key|access)|account[._-]?key|client[._-]?secret|auth[._-]key$|azure[.]sas[.]"
    "|passw|(^|[._-]|session)(token|secret)$)"
)
"""Names of properties and variables that carry a secret. The chart has the same: templates/_refuse_options.tpl."""


@dataclass(frozen=True)
class Node:
    """A host of the inventory and its name in Kubernetes."""

    host: str
    name: str


@dataclass(frozen=True)
class Settings:
    """The checked variables. Paths are absolute, sizes bytes, times seconds; credentials are not in here."""

    namespace: str
    release: str
    version: str
    masters: int
    ha: str
    zookeeper_address: tuple[str, ...]
    journal_format: str
    confirm_format: str
    root_ufs: str
    root_ufs_secret: str
    root_ufs_options: dict[str, Any]
    root_ufs_credentials_given: bool
    worker_quota: int
    chart_ref: str
    chart_version: str
    chart_repo_url: str
    chart_is_local: bool
    values_files: tuple[str, ...]
    values: dict[str, Any]
    storage_root: str
    kubeconfig: str
    wait_timeout_s: int
    kube_control: tuple[str, ...] = ()
    cache_masters: tuple[Node, ...] = ()
    cache_workers: tuple[Node, ...] = ()
    profile: str = ""
    backup_to: str = "ufs"
    backup_keep: int = 7
    backup_schedule: str = ""
    confirm_purge: str = ""
    consistency_path: str = "/"
    journal_shared_path: str = ""
    zookeeper_replicas: int = 3
    zookeeper_image: str = ""
    zookeeper_values: dict[str, Any] = field(default_factory=dict)

    @property
    def storage_path(self) -> str:
        """The release's own directory on each node."""
        return f"{self.storage_root.rstrip('/')}/{self.namespace}/{self.release}"

    @property
    def shared_journal(self) -> str:
        """The directory on shared storage that holds the one journal of all masters; "" where each has its own."""
        root = self.journal_shared_path.rstrip("/")
        return f"{root}/{self.namespace}/{self.release}" if root else ""

    @property
    def worker_label(self) -> str:
        """Key of the label of the nodes that carry the workers."""
        return node_labels.worker_key(self.namespace, self.release)

    @property
    def own_zookeeper(self) -> bool:
        """Whether the masters elect through an ensemble that is deployed beside them, not through the user's."""
        return self.ha == "zookeeper" and not self.zookeeper_address

    @property
    def zookeeper_release(self) -> str:
        """Name of that ensemble's Helm release, and of its StatefulSet."""
        return f"{self.release}-zookeeper"

    @property
    def zookeeper_nodes(self) -> tuple[str, ...]:
        """Kubernetes names of the nodes of that ensemble, one a server; fewer where there are fewer hosts."""
        if not self.own_zookeeper:
            return ()
        nodes = dict.fromkeys(node.name for node in (*self.cache_masters, *self.cache_workers))
        return tuple(nodes)[: self.zookeeper_replicas]

    @property
    def zookeeper_addresses(self) -> tuple[str, ...]:
        """host:port of each server that the masters elect through, the user's or ours; () without ZooKeeper."""
        if not self.own_zookeeper:
            return self.zookeeper_address
        name = self.zookeeper_release
        ports = self.zookeeper_values.get("ports")
        port = (ports if isinstance(ports, Mapping) else {}).get("client", ZOOKEEPER_PORT)
        return tuple(
            f"{name}-{number}.{name}-servers.{self.namespace}.svc:{port}"
            for number in range(self.zookeeper_replicas)
        )

    @property
    def secret_name(self) -> str:
        """The Secret with the root UFS's credentials: the user's, or the one made from the credentials given; or ""."""
        if self.root_ufs_secret or not self.root_ufs_credentials_given:
            return self.root_ufs_secret
        return f"{self.release}-root-ufs"

    @property
    def uses_credentials(self) -> bool:
        """Whether pods get credentials of the root UFS mounted."""
        return bool(self.secret_name)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a task result, with what is derived from them."""
        derived = (
            "storage_path",
            "secret_name",
            "uses_credentials",
            "shared_journal",
            "worker_label",
            "own_zookeeper",
            "zookeeper_release",
            "zookeeper_nodes",
            "zookeeper_addresses",
        )
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Settings:
        """The inverse of as_dict(), for actions that get `settings` as an argument."""
        known = {name: given[name] for name in cls.__dataclass_fields__ if name in given}
        for name in ("zookeeper_address", "values_files", "kube_control"):
            known[name] = tuple(known.get(name, ()))
        for name in ("cache_masters", "cache_workers"):
            known[name] = tuple(
                Node(str(node["host"]), str(node["name"])) for node in known.get(name, ())
            )
        return cls(**known)


def closest(name: str, known: Iterable[str]) -> str:
    """`Did you mean x?` or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""


def looks_secret(name: str) -> bool:
    """Whether a property of this name carries a secret, judged by its name."""
    return SECRET_NAME.search(name) is not None


def unknown_faults(
    names: Iterable[str], known: Iterable[str], places: Mapping[str, str]
) -> list[SettingsError]:
    """Variables that carry one of our prefixes and that no role knows: misspelt, and so without effect."""
    allowed = sorted(set(known))
    faults = []
    for name in sorted(set(names) - set(allowed)):
        if not name.startswith(PREFIXES) and not (
            name.startswith(SHARED_PREFIXES) and difflib.get_close_matches(name, allowed, 1, 0.85)
        ):
            continue
        place = places.get(name, "")
        meant = closest(name, allowed)
        faults.append(
            SettingsError(
                f"{name} is not a variable of alluxops{f' ({place})' if place else ''}.",
                "It would be ignored.",
                f"{meant} Else remove it."
                if meant
                else "remove it; docs and `ansible-doc -t role settings` list what there is.",
            )
        )
    return faults


def confirmation_faults(
    values: Mapping[str, Any], given: Collection[str], places: Mapping[str, str]
) -> list[SettingsError]:
    """A fault for each confirmation that is not among `given`, the extra variables of this run."""
    return [
        SettingsError(
            f"{name} is {values[name]!r}{f' ({places[name]})' if places.get(name) else ''}.",
            "A confirmation is for one run. Kept where every run reads it, it would confirm what nobody has asked for.",
            f"remove it there, and give it on the command line of that run: -e {name}={_meant(name, values)}",
        )
        for name in CONFIRMATIONS
        if values[name] and name not in given
    ]


def _meant(name: str, values: Mapping[str, Any]) -> str:
    """What a confirmation confirms: the release, or what it says itself."""
    says_itself = (
        "alluxio_confirm_format_device",
        "alluxio_confirm_remount",
        "alluxio_confirm_remove",
        "datasets_loses",
        "remove_workers_loses",
        "repair_forgets",
        "rollback_version",
    )
    meant = values[name if name in says_itself else "alluxio_release"]
    return ",".join(map(str, meant)) if isinstance(meant, list) else str(meant)


def typed(
    specs: Mapping[str, Mapping[str, Any]], variables: Mapping[str, Any], places: Mapping[str, str]
) -> tuple[dict[str, Any], list[SettingsError]]:
    """Coerce each variable to its specified type. Returns (typed values, faults), a fault per wrong variable."""
    values: dict[str, Any] = {}
    faults = []
    for name, spec in specs.items():
        if name not in variables:
            continue
        result = ArgumentSpecValidator({name: dict(spec)}).validate({name: variables[name]})
        if not result.error_messages:
            values[name] = result.validated_parameters[name]
            continue
        place = places.get(name, "")
        shown = "of a wrong type" if spec.get("no_log") else repr(variables[name])
        kind = str(spec.get("type", "str"))
        wanted = (
            f"one of {', '.join(map(str, spec['choices']))}"
            if "choices" in spec
            else _KINDS.get(kind, f"a value of type {kind}")
        )
        if kind == "list":
            wanted = f"a list of {spec.get('elements', 'str')} values"
        cause = _HINTS.get(name, "")
        fix = "remove it: no verb of this version reads it." if name in UNREAD else f"set {wanted}."
        faults.append(
            SettingsError(f"{name} is {shown}{f' ({place})' if place else ''}.", cause, fix)
        )
    return values, faults


def from_variables(
    values: Mapping[str, Any], *, files: Sequence[str], nodes: Mapping[str, Sequence[Any]]
) -> Settings:
    """Settings from typed variables. files: the values files' absolute paths. nodes: the three groups' members."""
    ref = str(values["alluxio_chart_ref"])
    return Settings(
        namespace=values["alluxio_namespace"],
        release=values["alluxio_release"],
        version=values["alluxio_version"],
        masters=values["alluxio_masters"],
        ha=values["alluxio_ha"],
        zookeeper_address=tuple(values["alluxio_zookeeper_address"]),
        journal_format=values["alluxio_journal_format"],
        confirm_format=values["alluxio_confirm_format"],
        root_ufs=values["alluxio_root_ufs"],
        root_ufs_secret=values["alluxio_root_ufs_secret"],
        root_ufs_options=dict(values["alluxio_root_ufs_options"]),
        root_ufs_credentials_given=bool(values["alluxio_root_ufs_credentials"]),
        worker_quota=values["alluxio_worker_quota"],
        profile=values["alluxio_profile"],
        chart_ref=ref,
        chart_version=values["alluxio_chart_version"],
        chart_repo_url=values["alluxio_chart_repo_url"],
        chart_is_local=is_local_chart(ref, values["alluxio_chart_repo_url"]),
        values_files=tuple(files),
        values=dict(values["alluxio_values"]),
        storage_root=values["node_storage_root"],
        kubeconfig=values["alluxops_kubeconfig"],
        wait_timeout_s=values["alluxops_wait_timeout_s"],
        kube_control=tuple(nodes.get("kube_control", ())),
        cache_masters=tuple(nodes.get("cache_masters", ())),
        cache_workers=tuple(nodes.get("cache_workers", ())),
        backup_to=values["backup_to"],
        backup_keep=values["backup_keep"],
        backup_schedule=values["backup_schedule"].strip(),
        confirm_purge=values["alluxio_confirm_purge"],
        consistency_path=values["verify_consistency_path"],
        journal_shared_path=values["alluxio_journal_shared_path"],
        zookeeper_replicas=values["zookeeper_replicas"],
        zookeeper_image=values["zookeeper_image"],
        zookeeper_values=dict(values["zookeeper_values"]),
    )


def is_local_chart(ref: str, repo_url: str) -> bool:
    """Whether a chart reference is a path on the controller: absolute, ./relative, an archive; not `repo/chart`."""
    if repo_url or "://" in ref:
        return False
    return (
        ref.startswith(("/", "./", "../", "~"))
        or ref.endswith((".tgz", ".tar.gz"))
        or ref.count("/") != 1
    )
