"""Checks that a cluster can carry a release: each with the value found and the fix. Pure functions of cluster facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import node_labels, scale, versions
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import untolerated
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human
from ansible_collections.alluxops.cache.plugins.module_utils.settings_check import CREDENTIAL_KEYS
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import HOSTNAME

OLDEST_KUBERNETES = (1, 19)
STRICT_LEVELS = ("baseline", "restricted")


@dataclass(frozen=True)
class Check:
    """One check. value: what was found; fix and cause: empty where it holds."""

    check: str
    ok: bool
    value: str
    fix: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Wanted:
    """What the settings ask of the cluster; see cluster_check's options. Sizes in bytes.

    provisioned: by claim, the class whose provisioner makes its volume; "" is the default class.
    may_label: whether the kubeconfig's user may patch nodes. secret_lacks: keys that the Secret should have.
    places: variable -> "file:line" where it was set; a variable at its default has none.
    """

    release: str
    namespace: str
    masters: tuple[str, ...]
    workers: tuple[str, ...]
    master_count: int = 1
    ha: str = "none"
    scaling: bool = False
    worker_quota_bytes: int = 0
    secret: str = ""
    secret_is_given: bool = False
    secret_lacks: tuple[str, ...] = ()
    tolerations: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    version: str = ""
    version_change: versions.Change = "refused"
    zookeeper_nodes: tuple[str, ...] = ()
    worker_selector: Mapping[str, str] = field(default_factory=dict)
    provisioned: Mapping[str, str] = field(default_factory=dict)
    may_label: bool = True
    places: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_options(
        cls,
        options: Mapping[str, Any],
        *,
        may_label: bool = True,
        secret_lacks: Sequence[str] = (),
    ) -> Wanted:
        """From the options of cluster_check, and what the API server says of our rights and of the Secret."""
        return cls(
            release=options["release"],
            namespace=options["namespace"],
            masters=tuple(options["masters"]),
            workers=tuple(options["workers"]),
            master_count=options["master_count"],
            ha=options["ha"],
            scaling=options["scaling"],
            places=options["places"],
            worker_quota_bytes=options["worker_quota_bytes"],
            secret=options["secret"],
            secret_is_given=options["secret_is_given"],
            secret_lacks=tuple(secret_lacks),
            tolerations=options["tolerations"],
            version=options["version"],
            version_change=options["version_change"],
            zookeeper_nodes=tuple(options["zookeeper_nodes"]),
            worker_selector=dict(options["worker_selector"]),
            provisioned={
                claim["name"]: claim["storage_class"]
                for claim in options["claims"]
                if claim.get("provisioned")
            },
            may_label=may_label,
        )

    @property
    def worker_label(self) -> str:
        """Key of the label of the workers' nodes."""
        return node_labels.worker_key(self.namespace, self.release)


def holds(name: str, value: str) -> Check:
    """A check that holds."""
    return Check(name, ok=True, value=value)


def fails(name: str, value: str, fix: str, cause: str = "") -> Check:
    """A check that does not hold."""
    return Check(name, ok=False, value=value, fix=fix, cause=cause)


def check(cluster: Mapping[str, Any], wanted: Wanted) -> list[Check]:
    """Every check, those that hold too."""
    checks = [_version(cluster), _namespace(cluster, wanted), *_release(cluster, wanted)]
    if wanted.version and cluster.get("masters"):
        checks.append(_alluxio(cluster, wanted))
    nodes = {node["name"]: node for node in cluster["nodes"]}
    masters = wanted.masters[: wanted.master_count]
    carrying = list(dict.fromkeys((*masters, *wanted.workers, *wanted.zookeeper_nodes)))
    if wanted.zookeeper_nodes:
        checks.append(_ensemble(cluster, wanted))
    checks.append(_names(nodes, carrying))
    known = [nodes[name] for name in carrying if name in nodes]
    checks.append(_ready(known))
    carried = {"masters": masters, "workers": wanted.workers, "zookeeper": wanted.zookeeper_nodes}
    workers = [nodes[name] for name in wanted.workers if name in nodes]
    checks += [
        _taints(nodes, carried, wanted),
        _hostnames(known),
        _selector(workers, wanted),
        _labels(cluster["nodes"], workers, wanted),
    ]
    if wanted.provisioned:
        checks.append(_classes(cluster, wanted))
    if wanted.worker_quota_bytes:
        checks.append(_memory(workers, wanted))
    if wanted.secret:
        checks.append(_secret(cluster, wanted))
    return checks


def _version(cluster: Mapping[str, Any]) -> Check:
    version = str(cluster["version"])
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_KUBERNETES:
        return fails("Kubernetes version", version, "upgrade the cluster to 1.19 or newer.")
    return holds("Kubernetes version", version)


def _namespace(cluster: Mapping[str, Any], wanted: Wanted) -> Check:
    space = cluster["namespace"]
    level = space.get("pod_security", "")
    if space["exists"] and level in STRICT_LEVELS:
        return fails(
            "namespace",
            f"{wanted.namespace} enforces Pod Security level {level}",
            f"`kubectl label namespace {wanted.namespace} --overwrite"
            " pod-security.kubernetes.io/enforce=privileged`, or set alluxio_namespace to another.",
            "workers keep their domain sockets in a hostPath volume, which that level forbids.",
        )
    return holds(
        "namespace", f"{wanted.namespace} {'exists' if space['exists'] else 'will be made'}"
    )


def _release(cluster: Mapping[str, Any], wanted: Wanted) -> list[Check]:
    """The number of masters and the HA mode of a running release stay as they are: that is scale-masters' work."""
    masters = cluster.get("masters")
    if not masters:
        return [holds("running release", f"{wanted.release} does not run yet")]
    # Stopped masters are started by a plain upgrade, as many as there were: a quorum's journals name its members.
    kept = masters["replicas"] or masters.get("count") or wanted.master_count
    stopped = "" if masters["replicas"] else ", all stopped"
    running = f"{counted(kept, 'master')}, HA {masters['ha']}{stopped}"
    what = f"{wanted.release} runs with {running}; the settings say {_said(wanted)}"
    or_ = f"to leave it, set alluxio_masters: {kept} and alluxio_ha: {masters['ha']}"
    if masters["ha"] != wanted.ha and "zookeeper" in (masters["ha"], wanted.ha):
        fix = f"{or_}; else {scale.WAY_TO_ANOTHER_PLACE}"
        return [fails("running release", what, fix, scale.IS_SHARED)]
    if not wanted.scaling and (kept, masters["ha"]) != (wanted.master_count, wanted.ha):
        if kept % 2 == 0:  # a run of scale-masters was interrupted there: it is no setting
            or_ = "one that was interrupted goes on when it is run again"
        fix = f"`alluxops scale-masters` changes it safely; {or_}."
        cause = "masters that come or go with a plain upgrade lose their quorum, or their journal."
        return [fails("running release", what, fix, cause)]
    return [holds("running release", f"runs with {running}{', to be changed' * wanted.scaling}")]


def _said(wanted: Wanted) -> str:
    """Masters and mode of the settings, and where they were set: another inventory may have been meant."""
    count, ha = (wanted.places.get(f"alluxio_{name}", "the default") for name in ("masters", "ha"))
    return f"{wanted.master_count} ({count}), HA {wanted.ha} ({ha})"


def _alluxio(cluster: Mapping[str, Any], wanted: Wanted) -> Check:
    """A running release keeps its version in `site`; `upgrade` takes it up, and nothing but `rollback` down."""
    found = versions.running(cluster)
    try:
        versions.check_change(found, wanted.version, wanted.version_change)
    except SettingsError as error:
        return fails("running version", error.what.rstrip("."), error.fix, error.cause)
    return holds("running version", f"Alluxio {found or 'not known'}, {wanted.version} is wanted")


def _ensemble(cluster: Mapping[str, Any], wanted: Wanted) -> Check:
    """The number of servers of a running ensemble stays as it is."""
    servers = len(wanted.zookeeper_nodes)
    running = (cluster.get("zookeeper") or {}).get("replicas", 0)
    if running in (0, servers):
        return holds("ZooKeeper", counted(servers, "server") + ("" if running else ", to be made"))
    return fails(
        "ZooKeeper",
        f"{wanted.release}-zookeeper runs with {counted(running, 'server')}; the settings say {servers}",
        f"set zookeeper_replicas: {running}. To change it, stop the masters, `helm -n {wanted.namespace} uninstall"
        f" {wanted.release}-zookeeper`, and run site: it holds nothing but who leads.",
        "old and new servers would count their majority over different lists, and two masters could lead.",
    )


def _names(nodes: Mapping[str, Any], carrying: Sequence[str]) -> Check:
    missing = [name for name in carrying if name not in nodes]
    if missing:
        return fails(
            "nodes",
            f"{', '.join(missing)} not among the cluster's nodes ({', '.join(sorted(nodes))})",
            "set alluxio_node_name of the host to its name in `kubectl get nodes`, or join the node first.",
            "cache_masters and cache_workers list hosts of this cluster.",
        )
    return holds("nodes", ", ".join(carrying))


def _ready(nodes: Sequence[Mapping[str, Any]]) -> Check:
    down = [node["name"] for node in nodes if not node["ready"]]
    cordoned = [node["name"] for node in nodes if not node["schedulable"]]
    if down:
        return fails(
            "nodes ready",
            f"{', '.join(down)} not Ready",
            f"see `kubectl describe node {down[0]}`; or take it out of the inventory's groups.",
        )
    if cordoned:
        return fails(
            "nodes ready",
            f"{', '.join(cordoned)} cordoned",
            f"`kubectl uncordon {cordoned[0]}`, or take it out of the inventory's groups.",
            "no master can be placed there; a worker's pod would stay, a new one would not come back.",
        )
    return holds("nodes ready", f"{len(nodes)} of {len(nodes)}")


def _taints(
    nodes: Mapping[str, Any], carried: Mapping[str, Sequence[str]], wanted: Wanted
) -> Check:
    """Each kind of pod on the nodes that are to carry it. carried: kind -> names of nodes."""
    blocked: dict[tuple[str, ...], list[str]] = {}
    for kind, names in carried.items():
        for name in names:
            found = nodes[name]["taints"] if name in nodes else []
            taints = untolerated(found, wanted.tolerations.get(kind) or [])
            if taints:
                blocked.setdefault((name, *taints), []).append(kind)
    if blocked:
        name, *taints = next(iter(blocked))
        key = taints[0].split("=")[0].split(":")[0]
        return fails(
            "taints",
            "; ".join(
                f"{node} has {', '.join(items)}, for {' and '.join(kinds)}"
                for (node, *items), kinds in blocked.items()
            ),
            f"add a toleration to alluxio_values (`tolerations: [{{key: {key}, operator: Exists}}]`), or"
            f" `kubectl taint node {name} {taints[0]}-`.",
            "the cache's pods do not tolerate it.",
        )
    return holds("taints", "none that keeps the cache's pods off")


def _classes(cluster: Mapping[str, Any], wanted: Wanted) -> Check:
    """A class of the user's own must exist, unless the claims have their volumes already."""
    found = {item["name"]: item for item in cluster["storage_classes"]}
    bound = {claim["name"] for claim in cluster.get("claims") or [] if claim["phase"] == "Bound"}
    for claim, name in wanted.provisioned.items():
        if claim in bound or name in found or (not name and any(_defaults(found))):
            continue
        there = ", ".join(sorted(found)) or "none"
        what = f"StorageClass {name}" if name else "default StorageClass"
        return fails(
            "storage class",
            f"there is no {what} (there is {there})",
            "name one of the cluster's classes in journal.storageClass, or remove it: volumes are then directories of"
            " the masters' nodes.",
            f"journal.storageClass asks it for the volume of claim {claim}.",
        )
    names = sorted(set(wanted.provisioned.values()))
    return holds("storage class", ", ".join(name or "the default one" for name in names))


def _defaults(classes: Mapping[str, Mapping[str, Any]]) -> list[bool]:
    return [bool(item["default"]) for item in classes.values()]


def _hostnames(nodes: Sequence[Mapping[str, Any]]) -> Check:
    """Volumes are tied to their nodes, and masters kept apart, by this label. One that is missing is told elsewhere."""
    seen: dict[str, str] = {}
    for node in nodes:
        label = str(node["labels"].get(HOSTNAME, ""))
        if label and seen.setdefault(label, node["name"]) != node["name"]:
            return fails(
                "hostname labels",
                f"{seen[label]} and {node['name']} both have {HOSTNAME}={label}",
                f"`kubectl label node {node['name']} --overwrite {HOSTNAME}={node['name']}`.",
                "a journal's volume is tied to its node by this label, and its master could start on the other one.",
            )
    return holds("hostname labels", "each node has its own")


def _selector(workers: Sequence[Mapping[str, Any]], wanted: Wanted) -> Check:
    """The values' own nodeSelector is asked for beside our label, so each worker's node must satisfy both."""
    lacking = {
        node["name"]: missing
        for node in workers
        if (
            missing := [
                f"{key}={value}"
                for key, value in wanted.worker_selector.items()
                if node["labels"].get(key) != value
            ]
        )
    }
    if lacking:
        name, labels = next(iter(lacking.items()))
        return fails(
            "nodeSelector",
            "; ".join(f"{node} lacks {', '.join(items)}" for node, items in lacking.items()),
            f"`kubectl label node {name} {' '.join(labels)}`, take the host out of cache_workers, or correct"
            " nodeSelector in the values.",
            "workers run on the hosts of cache_workers that the values' nodeSelector selects too; no worker would come"
            " there.",
        )
    return holds("nodeSelector", "each worker's node is selected")


def _labels(
    nodes: Sequence[Mapping[str, Any]], workers: Sequence[Mapping[str, Any]], wanted: Wanted
) -> Check:
    """The nodes that carry the workers are labelled by this run, which takes a right of its own."""
    key = wanted.worker_label
    bare = [node["name"] for node in workers if node["labels"].get(key) != node_labels.VALUE]
    if bare and not wanted.may_label:
        return fails(
            "node labels",
            f"{', '.join(bare)} without {key}={node_labels.VALUE}, and the kubeconfig's user may not patch nodes",
            f"give it that right, or have it done by who may: `{node_labels.by_hand(bare, key)}`.",
            "workers run on the nodes that carry this label.",
        )
    others = [
        node["name"]
        for node in nodes
        if node["labels"].get(key) == node_labels.VALUE and node["name"] not in wanted.workers
    ]
    more = f"; {', '.join(others)} too, outside of cache_workers" if others else ""
    return holds("node labels", (f"{', '.join(bare)} to be labelled" if bare else "set") + more)


def _memory(nodes: Sequence[Mapping[str, Any]], wanted: Wanted) -> Check:
    small = [node for node in nodes if node["memory_bytes"] < wanted.worker_quota_bytes]
    if small:
        return fails(
            "memory",
            ", ".join(f"{node['name']} has {human(node['memory_bytes'])}" for node in small)
            + f"; a worker's tier in memory takes {human(wanted.worker_quota_bytes)}",
            "lower alluxio_worker_quota (the worker's JVM needs memory besides), or use larger nodes.",
        )
    return holds("memory", f"{human(wanted.worker_quota_bytes)} fit on each worker's node")


def _secret(cluster: Mapping[str, Any], wanted: Wanted) -> Check:
    exists = wanted.secret in cluster["secrets"]
    if wanted.secret_is_given or (exists and not wanted.secret_lacks):
        return holds("credentials", f"Secret {wanted.secret}")
    if exists:
        return fails(
            "credentials",
            f"Secret {wanted.secret} in namespace {wanted.namespace} lacks {' and '.join(wanted.secret_lacks)}",
            f"`kubectl -n {wanted.namespace} patch secret {wanted.secret} --patch-file FILE` with stringData for them,"
            " name another Secret in alluxio_root_ufs_secret, or set alluxio_root_ufs_credentials.",
            "alluxio_root_ufs_secret names it, and the under store is read with accessKeyId and secretKey.",
        )
    return fails(
        "credentials",
        f"there is no Secret {wanted.secret} in namespace {wanted.namespace}",
        f"`kubectl -n {wanted.namespace} create secret generic {wanted.secret} --from-literal=accessKeyId=...`"
        " `--from-literal=secretKey=...`, or set alluxio_root_ufs_credentials.",
        "alluxio_root_ufs_secret names it.",
    )


def lacking_credentials(secret: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that a Secret with the under store's credentials lacks, or has empty."""
    found = secret.get("data") or {}
    return tuple(key for key in CREDENTIAL_KEYS if not found.get(key))
