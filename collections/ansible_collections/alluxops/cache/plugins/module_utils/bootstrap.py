"""What is to be done on each host that is to become a worker, or is one; and why some may not. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.alluxops.cache.plugins.module_utils import (
    join_needs,
    node_device,
    node_labels,
    node_marks,
)
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import untolerated
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

Step = Literal["join", "rejoin", "start", "member"]
"""join: the host belongs to no cluster. rejoin: a join of this cluster was interrupted on it. start: it has joined,
and its kubelet is to be started. member: its node is there and Ready."""

WELL_KNOWN = ("kubernetes.io/", "beta.kubernetes.io/", "node.kubernetes.io/")
"""Labels that every kubelet sets itself, and taints that every DaemonSet tolerates."""
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@dataclass(frozen=True)
class Wanted:
    """What a host's settings ask for. One that is mended need not ask for what a new one beside it does."""

    join: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Host:
    """A host of the run.

    node: its name in Kubernetes. membership: of node_membership.read; {} where not known. method: how it gets what a
    join takes. offers: what its files bring, of package_files.look. device: the disk of its tier, "" for none.
    mount_point: where that is mounted.
    """

    host: str
    node: str
    membership: Mapping[str, Any]
    method: str = join_needs.PRESENT
    offers: Sequence[Mapping[str, Any]] = ()
    device: str = ""
    mount_point: str = ""
    wanted: Wanted = Wanted()


@dataclass(frozen=True)
class Cluster:
    """What is known of the cluster and of the release in it.

    nodes: node_facts with machine_id, by name. authorities: SHA-256 of its CA certificates. endpoint: where its nodes
    reach the API server; empty where kubeadm has not made it. selector, tolerations, volumes: of the workers'
    DaemonSet; the latter are the nodes' directories that it has.
    serving: names of the nodes whose workers are registered with the leader. fail_swap_on: whether its kubelets do not
    start with swap.
    """

    version: str
    nodes: Mapping[str, Mapping[str, Any]]
    authorities: frozenset[str]
    endpoint: str
    worker_label: str
    selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    volumes: Sequence[str] = ()
    serving: frozenset[str] = frozenset()
    fail_swap_on: bool = True


@dataclass(frozen=True)
class Plan:
    """What to do on one host. labels, taints: what its node gets beside the workers' label."""

    host: str
    node: str
    step: Step
    is_worker: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, Any]] = ()

    @property
    def text(self) -> str:
        """The plan for a person."""
        if self.is_worker:
            return "is a worker of this release: what is broken is mended"
        steps = {
            "join": "joins the cluster and becomes a worker",
            "rejoin": "joins the cluster, after a join that was interrupted, and becomes a worker",
            "start": "has joined the cluster: its kubelet is started, and it becomes a worker",
            "member": "is a node of the cluster and becomes a worker",
        }
        return steps[self.step]


def given(labels: Mapping[str, Any], taints: Sequence[Mapping[str, Any]]) -> node_marks.Given:
    """What bootstrap-workers gives to nodes by these settings."""
    return node_marks.Given(texts(labels), [texts(taint) for taint in taints])


def texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Keys and values as Kubernetes takes them: YAML makes numbers and booleans of some."""
    return {
        str(key): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if value is not None
    }


def plans(hosts: Sequence[Host], cluster: Cluster) -> tuple[list[Plan], list[SettingsError]]:
    """A plan for each host that may be worked on, and everything that stands against the others."""
    found: list[Plan] = []
    faults = list(_twins(hosts))
    for host in hosts:
        against = list(_wish_faults(host)) or list(_host_faults(host, cluster))
        faults += against
        if not against:
            # The leader knows the worker of a node that has left for a while longer.
            is_worker = host.node in cluster.serving and host.node in cluster.nodes
            step, wanted = step_of(host, cluster), host.wanted
            found.append(Plan(host.host, host.node, step, is_worker, wanted.labels, wanted.taints))
    return found, faults


def step_of(host: Host, cluster: Cluster) -> Step:
    """What it takes to have the host in the cluster."""
    node, facts = cluster.nodes.get(host.node), host.membership
    if node is not None and (facts.get("kubelet") or not facts):
        return "member" if node["ready"] else "start"
    if facts.get("kubelet"):
        return "start"
    if node is not None and _same_machine(node, facts) and not facts.get("bootstrap"):
        return "member" if node["ready"] else "start"  # in a cluster that kubeadm has not made
    return "rejoin" if facts.get("bootstrap") or facts.get("authorities") else "join"


def _same_machine(node: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    return bool(facts.get("machine_id")) and node.get("machine_id") == facts["machine_id"]


def _wish_faults(host: Host) -> Iterator[SettingsError]:
    for taint in host.wanted.taints:
        if not taint.get("key") or taint.get("effect") not in EFFECTS:
            yield SettingsError(
                f"bootstrap_workers_taints of {host.host} has {dict(taint)}.",
                "A taint has a key, an effect and perhaps a value.",
                f"write it as {{key: cache, value: only, effect: NoSchedule}}; effects are {', '.join(EFFECTS)}.",
            )


def _twins(hosts: Sequence[Host]) -> Iterator[SettingsError]:
    seen: dict[str, str] = {}
    for host in hosts:
        if seen.setdefault(host.node, host.host) != host.host:
            yield SettingsError(
                f"alluxio_node_name is {host.node} for both {seen[host.node]} and {host.host}.",
                "Each host is a node of its own.",
                "set alluxio_node_name per host, as `kubectl get nodes` shows it.",
            )


def _host_faults(host: Host, cluster: Cluster) -> Iterator[SettingsError]:
    facts, node = host.membership, cluster.nodes.get(host.node)
    for kind in ("kubelet", "bootstrap"):
        access = facts.get(kind) or {}
        theirs = frozenset(access.get("authorities") or ())
        if theirs and cluster.authorities and not theirs & cluster.authorities:
            yield _foreign(host, f"its kubelet belongs to {access['server']}")
            return
    left = frozenset(facts.get("authorities") or ())
    if left and cluster.authorities and not left & cluster.authorities:
        yield _foreign(host, "/etc/kubernetes/pki/ca.crt is another cluster's")
        return
    misnamed = list(_name_faults(host, cluster))
    if misnamed:
        yield from misnamed
        return
    yield from _identity_faults(host, node)
    step = step_of(host, cluster)
    if step in ("join", "rejoin"):
        yield from _join_faults(host, node, cluster)
    yield from _placement_faults(host, node, cluster)
    if host.device:
        try:
            node_device.refuse_unused(host.device, host.mount_point, host.host, cluster.volumes)
        except SettingsError as fault:
            yield fault


def _foreign(host: Host, why: str) -> SettingsError:
    return SettingsError(
        f"{host.host} belongs to another cluster: {why}.",
        "the kubeconfig's cluster has another certificate authority. What that host runs would be torn from it.",
        f"take {host.host} out of new_workers; or, where that cluster is gone, run `kubeadm reset` on it, then again.",
    )


def _name_faults(host: Host, cluster: Cluster) -> Iterator[SettingsError]:
    """A host that is in the cluster by another name than the inventory has for it."""
    mine, facts = cluster.nodes.get(host.node), host.membership
    if mine is not None and (not mine.get("machine_id") or _same_machine(mine, facts)):
        return
    names = sorted(name for name, node in cluster.nodes.items() if _same_machine(node, facts))
    if names:
        yield SettingsError(
            f"{host.host} is the node {', '.join(names)} of the cluster, not {host.node}"
            f" (machine id {facts['machine_id']}).",
            "alluxio_node_name, or without it the host's name in the inventory, is another than the node's.",
            f"set alluxio_node_name: {names[0]} for {host.host}; where it was renamed, `kubectl delete node {names[0]}`"
            " first; where it is a copy of that machine, give it a machine id of its own"
            " (`rm /etc/machine-id; systemd-machine-id-setup`).",
        )


def _identity_faults(host: Host, node: Mapping[str, Any] | None) -> Iterator[SettingsError]:
    """A node of the host's name that is another machine."""
    facts = host.membership
    if node is None or not node.get("machine_id") or not facts.get("machine_id"):
        return
    if not _same_machine(node, facts) and node["ready"]:
        yield SettingsError(
            f"the node {host.node} of the cluster is another machine than {host.host}"
            f" (machine id {node['machine_id']}, {host.host} has {facts['machine_id']}).",
            "two hosts cannot have one name in the cluster.",
            f"correct alluxio_node_name or ansible_host of {host.host}; or, where the machine was replaced,"
            f" `kubectl delete node {host.node}` first.",
        )


def _join_faults(
    host: Host, node: Mapping[str, Any] | None, cluster: Cluster
) -> Iterator[SettingsError]:
    control_plane = list(host.membership.get("control_plane") or ())
    if control_plane:
        # A join removes what an interrupted one left. Here that would be a cluster's certificate authority.
        yield SettingsError(
            f"{host.host} is a control plane, or was one: it has {', '.join(control_plane)}.",
            "It has no /etc/kubernetes/kubelet.conf and would have to join, which takes its certificates away.",
            f"take {host.host} out of new_workers; or give it its kubelet.conf back (`kubeadm init phase kubeconfig"
            " kubelet` there); or, where no control plane is to run on it any more, `kubeadm reset` on it, then again.",
        )
        return
    if host.membership.get("kubelet_listens") and not _holds_ours(host, cluster):
        yield SettingsError(
            f"a kubelet runs already on {host.host}, and is not this cluster's.",
            "port 10250 is taken, and no certificate of this cluster lies in /etc/kubernetes: the host is a node of"
            " another cluster, such as one of k3s or RKE2, or stands alone. What it runs would be torn from it.",
            f"take {host.host} out of new_workers; or have it leave that cluster and uninstall its kubelet, then again;"
            " where it is a node of this cluster by another name, set alluxio_node_name.",
        )
        return
    if not host.wanted.join:
        what = f"{host.node} is no node of the cluster" if node is None else "it is not that node"
        yield SettingsError(
            f"{host.host} has not joined the cluster: {what}.",
            "bootstrap_workers_join is false.",
            "set bootstrap_workers_join: true (kubeadm joins it), or join it as your cluster's nodes are joined; where"
            " it is a node of another name, set alluxio_node_name.",
        )
        return
    if not cluster.endpoint:
        yield SettingsError(
            f"{host.host} cannot be joined by kubeadm.",
            "the cluster has no ConfigMap kube-public/cluster-info: kubeadm has not made it.",
            "join the host as your cluster's nodes are joined, then run with bootstrap_workers_join: false.",
        )
        return
    facts = host.membership
    yield from join_needs.system_faults(host.host, facts)
    yield from join_needs.swap_faults(host.host, facts, fail_swap_on=cluster.fail_swap_on)
    yield from join_needs.program_faults(host.host, facts, cluster.version, host.method)
    if host.method == join_needs.FILES:
        yield from join_needs.offer_faults(host.host, facts, host.offers, cluster.version)


def _holds_ours(host: Host, cluster: Cluster) -> bool:
    """Whether a join of this cluster has begun on the host: such a one starts the kubelet before it has ended."""
    bootstrap = host.membership.get("bootstrap") or {}
    found = {*(bootstrap.get("authorities") or ()), *(host.membership.get("authorities") or ())}
    return not found.isdisjoint(cluster.authorities)


def _placement_faults(
    host: Host, node: Mapping[str, Any] | None, cluster: Cluster
) -> Iterator[SettingsError]:
    """Whether the DaemonSet would put a worker on the node as it will be."""
    labels = {
        **((node or {}).get("labels") or {}),
        **host.wanted.labels,
        cluster.worker_label: node_labels.VALUE,
    }
    lacking = [
        f"{key}={value}"
        for key, value in cluster.selector.items()
        if labels.get(key) != value and not (node is None and key.startswith(WELL_KNOWN))
    ]
    if lacking:
        shown = ", ".join(lacking).replace("=", ": ")
        yield SettingsError(
            f"no worker would come to {host.host}: the release's workers are selected by {', '.join(lacking)} too.",
            "nodeSelector in the chart's values asks for it.",
            f"set bootstrap_workers_labels: {{{shown}}}, or label the node.",
        )
    taints = [
        taint
        for taint in [*((node or {}).get("taints") or []), *host.wanted.taints]
        if not str(taint.get("key")).startswith(WELL_KNOWN)
    ]
    blocking = untolerated(taints, cluster.tolerations)
    if blocking:
        key = blocking[0].split("=")[0].split(":")[0]
        yield SettingsError(
            f"no worker would come to {host.host}: its taints {', '.join(blocking)} are not tolerated.",
            "the chart's values have no toleration for it.",
            f"add one to alluxio_values (`tolerations: [{{key: {key}, operator: Exists}}]`) and run `alluxops site`,"
            " or remove the taint.",
        )


def limit_faults(
    limit: str,
    groups: Mapping[str, Sequence[str]],
    pieces: Sequence[str],
    selected: Sequence[str],
) -> list[SettingsError]:
    """What of --limit names no host that this verb works on.

    pieces: the limit, split as Ansible does it. selected: the hosts that Ansible takes for it.
    """
    known = {host for hosts in groups.values() for host in hosts}
    ours = {*groups.get("new_workers", ()), *groups.get("cache_workers", ())}
    passed = {*groups.get("kube_control", ())}
    faults = []
    for piece in pieces:
        if piece[:1] in "!&~@" or any(sign in piece for sign in "*?[") or piece in groups:
            continue
        if piece not in known:
            what = f"{piece} of --limit {limit} is no host and no group of the inventory."
        elif piece not in ours | passed:
            what = f"{piece} of --limit {limit} is neither in new_workers nor in cache_workers."
        else:
            continue
        fix = "list it under new_workers in the inventory, or correct --limit."
        faults.append(SettingsError(what, "Ansible passes over it without an error.", fix))
    if limit and not faults and ours.isdisjoint(selected):
        faults.append(
            SettingsError(
                f"--limit {limit} leaves no host to work on.",
                f"{', '.join(selected)}: neither in new_workers nor in cache_workers.",
                "list them under new_workers in the inventory, or correct --limit.",
            )
        )
    return faults
