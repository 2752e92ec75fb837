"""What a release leaves in the cluster: whose each object is, what goes with an uninstall, and what stays.

Pure functions over the API's JSON. What holds data is never among what goes, unless the purge was confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import network_matrix, node_labels
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import phase, volume_path

Json = dict[str, Any]
Verdict = Literal["helm", "ours", "data", "lease", "system", "foreign"]

OURS = ("app.kubernetes.io/managed-by", "alluxops")
PVC = "PersistentVolumeClaim"
PV = "PersistentVolume"
PASSING = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics", "ControllerRevision"})
"""Kinds that say nothing of who uses a namespace: they come and go with others."""
UNREADABLE = "Unreadable"
"""Kind that stands for objects which cannot be listed: whether there are any is not known."""
_SYSTEM = frozenset(
    {
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "openshift-service-ca.crt"),
        ("ServiceAccount", "default"),
        ("ServiceAccount", "builder"),
        ("ServiceAccount", "deployer"),
        ("RoleBinding", "system:deployers"),
        ("RoleBinding", "system:image-builders"),
        ("RoleBinding", "system:image-pullers"),
    }
)
_SERVICE_ACCOUNT = "kubernetes.io/service-account.name"
_FIRST = ("CronJob", "Job", "Deployment", "StatefulSet", "DaemonSet", "Pod")
_LAST = (PVC, PV)


@dataclass(frozen=True)
class Whose:
    """The release that goes. secret: the Secret with the under store's credentials, by the settings; or ""."""

    namespace: str
    release: str
    secret: str = ""

    @property
    def releases(self) -> tuple[str, str]:
        """The Helm releases that are this one's: itself, and the ZooKeeper ensemble made for it."""
        return (self.release, f"{self.release}-zookeeper")

    @property
    def worker_label(self) -> str:
        """Key of the label of the nodes that carry its workers."""
        return node_labels.worker_key(self.namespace, self.release)

    @property
    def lease(self) -> str:
        """Name of the Lease that keeps runs apart."""
        return f"alluxops-{self.release}"


@dataclass(frozen=True)
class Thing:
    """An object: its kind, name, path in the API and labels. owned: another object takes it along when it goes."""

    kind: str
    name: str
    path: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owned: bool = False

    @property
    def text(self) -> str:
        """The object as people name it."""
        if self.kind == UNREADABLE:
            return f"{self.name} that cannot be listed"
        return f"{self.kind} {self.name}"

    @property
    def release(self) -> str:
        """The release that its labels name; or ""."""
        return str(self.labels.get("release") or self.labels.get("alluxops/release") or "")


@dataclass(frozen=True)
class Plan:
    """What goes, in order; what stays because it holds data; what stays because it is not ours."""

    remove: tuple[Thing, ...]
    data: tuple[Thing, ...]
    foreign: tuple[Thing, ...]


def thing(kind: str, path: str, item: Mapping[str, Any]) -> Thing:
    """A Thing from an object's metadata."""
    metadata = item["metadata"]
    return Thing(
        kind,
        str(metadata["name"]),
        path,
        dict(metadata.get("labels") or {}),
        dict(metadata.get("annotations") or {}),
        bool(metadata.get("ownerReferences")),
    )


def verdict(
    one: Thing, whose: Whose, *, shared_secret: bool = False, in_ours: Collection[str] = ()
) -> Verdict:
    """Whose an object of the namespace is.

    shared_secret: another release of the namespace may use the credentials. in_ours: the claims of volumes of ours.
    """
    if _is_system(one):
        return "system"
    if (one.kind, one.name) == ("Lease", whose.lease):
        return "lease"
    if one.labels.get(OURS[0]) == OURS[1]:
        by_release = one.release in whose.releases
        given = (one.kind, one.name, one.release) == ("Secret", whose.secret, "")
        return "ours" if by_release or (given and not shared_secret) else "foreign"
    by_helm = "Helm" in (one.labels.get("heritage"), one.labels.get(OURS[0]))
    if one.kind == PVC and one.release in whose.releases:
        # A StatefulSet made it; its labels are those of the pods. Of a volume of ours it keeps nothing but that volume.
        return "ours" if one.name in in_ours else "data"
    is_record = _is_record(one) and one.labels.get("name") in whose.releases
    return "helm" if is_record or (by_helm and whose_release(one) in whose.releases) else "foreign"


def _is_system(one: Thing) -> bool:
    """Whether an object says nothing of who uses its namespace."""
    if one.owned or one.kind in PASSING or (one.kind, one.name) in _SYSTEM:
        return True
    return one.kind == "Secret" and _SERVICE_ACCOUNT in one.annotations


def _is_record(one: Thing) -> bool:
    """Whether an object is Helm's own record of a revision."""
    return one.labels.get("owner") == "helm"


def whose_release(one: Thing) -> str:
    """The Helm release that an object's labels name."""
    return one.release or str(one.labels.get("app.kubernetes.io/instance") or "")


def plan(
    things: Sequence[Thing], volumes: Sequence[Mapping[str, Any]], whose: Whose, *, purge: bool
) -> Plan:
    """What goes and what stays beside what Helm removes with the releases that it knows of."""
    shared = any(
        one.kind == "Secret"
        and one.labels.get(OURS[0]) == OURS[1]
        and one.release
        and one.release not in whose.releases
        for one in things
    )
    mine = our_volumes(volumes, whose)
    names = {one.name for one in mine}
    in_ours = {_claim_of(item)[1] for item in volumes if item["metadata"]["name"] in names}
    judged = [(one, verdict(one, whose, shared_secret=shared, in_ours=in_ours)) for one in things]
    with_helm = {
        str(one.labels["name"]) for one, said in judged if said == "helm" and _is_record(one)
    }
    gone = [
        one
        for one, said in judged
        if said == "ours"
        or (purge and said == "data")
        # What Helm left; what it still knows of goes with its release.
        or (said == "helm" and not _is_record(one) and whose_release(one) not in with_helm)
    ]
    return Plan(
        remove=(*sorted(gone, key=_turn), *mine),
        data=tuple(one for one, said in judged if said == "data" and not purge),
        foreign=tuple(one for one, said in judged if said == "foreign"),
    )


def our_volumes(volumes: Iterable[Mapping[str, Any]], whose: Whose) -> list[Thing]:
    """The PersistentVolumes that were made for the release's claims. They keep their data when they are deleted."""
    found = []
    for volume in volumes:
        one = thing(PV, f"/api/v1/persistentvolumes/{volume['metadata']['name']}", volume)
        if (
            one.labels.get(OURS[0]) == OURS[1]
            and one.release in whose.releases
            and (_claim_of(volume)[0] or whose.namespace) == whose.namespace
            and volume["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
        ):
            found.append(one)
    return sorted(found, key=lambda one: one.name)


def _claim_of(volume: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of the claim that a volume is, or was, bound to; empty for none."""
    reference = volume["spec"].get("claimRef") or {}
    return str(reference.get("namespace") or ""), str(reference.get("name") or "")


def volumes_left(volumes: Iterable[Mapping[str, Any]], whose: Whose) -> list[str]:
    """The volumes that claims of the namespace are, or were, bound to, in words."""
    lines = []
    for volume in volumes:
        namespace, claim = _claim_of(volume)
        if namespace != whose.namespace:
            continue
        place = volume_path(volume)
        lines.append(
            f"{volume['metadata']['name']} ({phase(volume)}, of claim {claim}"
            + (f", {place})" if place else ")")
        )
    return sorted(lines)


def check_hosts(hosts: Sequence[str], nodes: Iterable[str]) -> None:
    """Raise SettingsError where hosts that a purge deletes on are no nodes of the cluster that was read.

    Whether a release still runs is read from the cluster; on the hosts of another one it may well run.
    """
    there = sorted(nodes)
    strangers = [host for host in dict.fromkeys(hosts) if host not in there]
    if strangers:
        are = "is no node" if len(strangers) == 1 else "are no nodes"
        raise SettingsError(
            f"alluxio_confirm_purge would delete on hosts that are not this cluster's: {', '.join(strangers)} {are} of"
            f" the cluster of alluxops_kubeconfig ({', '.join(there)}).",
            "the release that uses their directories may still run, in another cluster.",
            "set alluxops_kubeconfig (or KUBECONFIG) to the cluster of the inventory's hosts, or alluxio_node_name of a"
            " host to its name in `kubectl get nodes`. If a host has left the cluster, take it out of the inventory's"
            " groups, and delete its directory by hand.",
        )


def why_namespace_stays(space: Mapping[str, Any] | None, left: Plan) -> str:
    """Why the namespace stays; empty when it goes. left: the plan over what is still there."""
    if space is None:
        return ""
    staying = [*left.data, *left.foreign]
    if staying:
        names = ", ".join(one.text for one in staying[:3])
        more = f" and {len(staying) - 3} more" if len(staying) > 3 else ""
        return f"it holds {names}{more}"
    labels = (space.get("metadata") or {}).get("labels") or {}
    return "" if labels.get(OURS[0]) == OURS[1] else "alluxops did not make it"


def mount_points(fuse_set: Mapping[str, Any] | None) -> list[str]:
    """Where a DaemonSet `RELEASE-fuse` mounts: our chart says it in MOUNT_POINT, upstream's in its arguments."""
    found: list[str] = []
    template = ((fuse_set or {}).get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or []:
        said = [
            str(entry.get("value") or "")
            for entry in container.get("env") or []
            if entry.get("name") == "MOUNT_POINT"
        ]
        arguments = [str(word) for word in container.get("args") or []]
        if not any(said) and arguments[:1] == ["fuse"]:
            said = [word for word in arguments[1:] if word.startswith("/")][:1]
        found += [point.rstrip("/") for point in said if point.startswith("/")]
    return found


def tiers(
    workers_set: Mapping[str, Any] | None, config: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """The directories of the nodes that workers have as tiers: where they keep blocks in `alluxioworker`, and others.

    workers_set: the DaemonSet. config: the release's ConfigMap, which says where in a worker its tiers are. A setting
    of Alluxio's may give workers another directory in a tier than that; what is theirs there is not known then.
    """
    spec = (((workers_set or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
    folders = {folder.rstrip("/") for folder in network_matrix.tier_folders(config)}
    mounted = {
        mount.get("name")
        for container in spec.get("containers") or []
        for mount in container.get("volumeMounts") or []
        if str(mount.get("mountPath")).rstrip("/") in folders and not mount.get("subPath")
    }
    paths = [
        str(volume["hostPath"]["path"]).rstrip("/")
        for volume in spec.get("volumes") or []
        if volume.get("hostPath") and volume.get("name") in mounted
    ]
    found = [path for path in dict.fromkeys(paths) if path]
    if any("-Dalluxio.worker.data.folder=" in options for options in config.values()):
        return [], found
    return found, []


def host_paths(spec: Mapping[str, Any]) -> list[str]:
    """The directories of its node that a pod has, by its spec."""
    return [
        str(volume["hostPath"]["path"]).rstrip("/")
        for volume in spec.get("volumes") or []
        if volume.get("hostPath")
    ]


def shared(paths: Sequence[str], pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """The tiers that pods, other caches' workers, have mounted, or a part of them, or what they lie in."""
    used = [f"{path}/" for pod in pods for path in host_paths(pod.get("spec") or {})]
    return [
        path
        for path in paths
        if any(one.startswith(f"{path}/") or f"{path}/".startswith(one) for one in used)
    ]


def _turn(one: Thing) -> tuple[int, str, str]:
    """What runs goes first, what is mounted last."""
    group = 0 if one.kind in _FIRST else 2 if one.kind in _LAST else 1
    return (group, one.kind, one.name)


def blocks(result: Mapping[str, Any]) -> int:
    """How many files a purge would delete of a worker's tiers, of what node_residue said of a host."""
    own = [one for one in result.get("directories") or [] if str(one["path"]).endswith("/tier0")]
    return sum(
        int(one["files"]) for one in [*own, *(result.get("tiers") or [])] if not one.get("mounted")
    )
