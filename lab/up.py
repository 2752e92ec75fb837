"""Booting a lab, completing one that was stopped, adding a spare node: `up` makes it so, whatever is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from lab import (
    artifacts,
    cgroups,
    down,
    inventory,
    keys,
    kubeadm,
    machine,
    network,
    seeds,
    services,
)
from lab import node as nodes
from lab import versions as versions_module
from lab.addresses import MAX_NODES, Addresses, overlaps, slot_order
from lab.errors import LabError
from lab.progress import Reporter
from lab.state import LabState, Node, load, locked, recorded_names, save

FOR_A_LAB = ("kubernetes", "s3", "apt-repository", "helm4")
FOR_A_NODE = ("images-core", "images-alluxio", "images-toolbox")
TREES = {12: "node-root", 11: "node-root-11", 13: "node-root-13"}
"""Debian releases that nodes can have, and the artifact of each."""
DEFAULT_WORKERS = 2


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    name: str
    workers: int | None = None
    """Nodes beside the control-plane node; None: as many as the lab has, 2 for a new one."""
    spare: int = 0
    """Nodes that are booted but not joined."""
    spare_debian: int = 12
    """The release of Debian on spare nodes that are added now."""
    spare_bare: bool = False
    """Whether spare nodes that are added now lack what a join takes."""
    apt_proxy: bool = False
    """Let nodes install Debian packages."""


Inputs = Mapping[str, nodes.NodeInputs]
"""By the node's name."""


def up(wish: Wish, reporter: Reporter) -> LabState:
    """Make the lab as wished and return it; the caller holds its lock."""
    known = load(wish.name) or down.find_lost(wish.name)
    machine.prepare(reporter, nodes=_to_boot(wish, known))
    if wish.spare_debian not in TREES:
        known_releases = ", ".join(map(str, TREES))
        raise LabError(f"there is no node of Debian {wish.spare_debian}, only of {known_releases}")
    # Before anything is made: building takes minutes with an empty cache.
    made = artifacts.ensure(_needed(wish, known), reporter)
    down.sweep()
    if known is not None and not known.ready:
        with reporter.step(f"remove what a stopped run left of lab {wish.name}"):
            down.remove(known)
        known = None
    state = _planned(wish, known)
    if (checkout := inventory.checkout_directory(wish.name)) is not None:
        state = state.with_inventory(checkout)
    save(state)
    inputs = {node.name: _inputs(state, node, made, reporter) for node in state.nodes}
    _make_links(state, made)
    if known is None:
        state = _fresh(state, inputs, made, reporter)
    else:
        _complete(state, inputs, made, reporter)
    if wish.apt_proxy or services.is_running(state, services.APT_PROXY):
        machine.install(dict([machine.APT_PROXY]), reporter)
        services.start_apt_proxy(state)
    inventory.write(state, made["apt-repository"])
    return state


def _to_boot(wish: Wish, known: LabState | None) -> int:
    if known is None or not known.ready:
        return 1 + _workers(wish) + wish.spare
    stopped = sum(not nodes.is_running(known, node) for node in known.nodes)
    return stopped + _missing_spares(wish, known)


def _workers(wish: Wish) -> int:
    return DEFAULT_WORKERS if wish.workers is None else wish.workers


def _planned(wish: Wish, known: LabState | None) -> LabState:
    """The lab as it is to be, recorded before any of it is made. Nodes are added, never taken away."""
    if known is None:
        joined = 1 + _workers(wish)
        count = joined + wish.spare
        _check_count(joined - 1, wish.spare, count)
        made = tuple(Node(i) for i in range(1, joined + 1)) + _spares(wish, joined + 1, wish.spare)
        with locked("slots", "another lab is being made by {holder}; run this again"):
            state = LabState(name=wish.name, slot=_free_slot(wish.name), nodes=made)
            # Both: a lab of another state directory sees the bridge, one of this sees the record.
            save(state)
            network.up(state)
        return state
    if wish.workers not in {None, len(known.joined) - 1}:
        raise LabError(
            f"lab {wish.name} runs with {len(known.joined) - 1} workers, not {wish.workers}",
            fix=f"`make lab-down LAB={wish.name}` first, or add unjoined nodes with --spare N",
        )
    added = _spares(wish, known.nodes[-1].index + 1, _missing_spares(wish, known))
    _check_count(len(known.joined) - 1, wish.spare, len(known.nodes) + len(added))
    return replace(known, nodes=known.nodes + added)


def _spares(wish: Wish, first: int, count: int) -> tuple[Node, ...]:
    """Spare nodes from number `first` on."""
    numbers = range(first, first + count)
    release, bare = wish.spare_debian, wish.spare_bare
    return tuple(Node(index, spare=True, debian=release, bare=bare) for index in numbers)


def _check_count(workers: int, spare: int, count: int) -> None:
    if workers < 0 or spare < 0 or count > MAX_NODES:
        raise LabError(
            f"a lab has 1 to {MAX_NODES} nodes; {workers} workers and {spare} spare nodes make"
            f" {count}"
        )


def _free_slot(name: str) -> int:
    known = (load(other) for other in recorded_names() if other != name)
    taken = {state.slot for state in known if state is not None}
    networks = network.host_networks()
    for slot in slot_order(name):
        addresses = Addresses(slot)
        foreign = cgroups.groups_of(LabState(name="", slot=slot, nodes=()))
        if slot in taken or foreign or addresses.bridge in network.bridges():
            continue
        if not overlaps(addresses.ranges, networks):
            return slot
    raise LabError(
        "no address range is free for another lab",
        cause="every range of 10.77.0.0/20, 10.78.0.0/16 and 10.79.0.0/16 is in use on this host",
        fix="remove a lab with `make lab-down LAB=name`; `python -m lab status` lists them",
    )


def _needed(wish: Wish, known: LabState | None) -> list[str]:
    """The artifacts that it takes. Nodes that exist already stay what they were made from."""
    needed = [*FOR_A_LAB]
    if known is None or not known.ready:
        return [*needed, *FOR_A_NODE, *{TREES[12], TREES[wish.spare_debian]}]
    new = {wish.spare_debian} if _missing_spares(wish, known) else set()
    new |= {node.debian for node in known.nodes if nodes.made_from(known, node) is None}
    return [*needed, *FOR_A_NODE, *(TREES[release] for release in new)] if new else needed


def _missing_spares(wish: Wish, known: LabState) -> int:
    return max(wish.spare - sum(node.spare for node in known.nodes), 0)


def _inputs(
    state: LabState, node: Node, made: Mapping[str, Path], reporter: Reporter
) -> nodes.NodeInputs:
    """What a node was made from, or is to be made from."""
    if (found := nodes.made_from(state, node)) is not None:
        return found
    tree, images = made[TREES[node.debian]], [made[name] for name in FOR_A_NODE]
    if not seeds.is_made(tree, images):
        with reporter.step("unpack the images, once for all nodes and labs"):
            seeds.ensure(tree, images)
    return nodes.NodeInputs(
        tree=tree,
        kubernetes=made["kubernetes"],
        seed=seeds.ensure(tree, images),
        pause_image=versions_module.load().pause_image,
    )


def bring_images(state: LabState, places: Sequence[Path]) -> None:
    """Bring image archives (or directories of them) into every node of a running lab."""
    archives = seeds.image_files(places)

    def bring(node: Node) -> None:
        for archive in archives:
            nodes.import_images(state, node, archive)

    _each(state.nodes, bring)


def _make_links(state: LabState, made: dict[str, Path]) -> None:
    state.paths.bin.mkdir(parents=True, exist_ok=True)
    for name, target in {"kubectl": made["kubernetes"] / "kubectl", "helm": made["helm4"]}.items():
        link = state.paths.bin / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


def _fresh(state: LabState, inputs: Inputs, made: dict[str, Path], reporter: Reporter) -> LabState:
    keys.ensure(state)
    token = kubeadm.new_token()
    with _workers_pool() as pool:
        serving = pool.submit(_serve, state, made)
        with reporter.step(f"boot {len(state.nodes)} nodes"):
            _boot(state, state.nodes, inputs)
        with reporter.step("kubeadm init on n1"):
            kubeadm.init(state, version=versions_module.load().kubernetes, token=token)
        with reporter.step(f"kubeadm join on {len(state.joined) - 1} nodes"):
            _each(state.joined[1:], lambda node: kubeadm.join(state, node, token))
        with reporter.step("nodes Ready, CoreDNS and S3 serving"):
            kubeadm.wait_ready(state)
            serving.result()
    state = replace(state, ready=True)
    save(state)
    return state


def _complete(state: LabState, inputs: Inputs, made: dict[str, Path], reporter: Reporter) -> None:
    """Bring back what is missing of a lab that once was ready, and boot nodes that were added."""
    network.up(state)
    keys.ensure(state)
    stopped = [node for node in state.nodes if not nodes.is_running(state, node)]
    if stopped:
        with reporter.step(f"boot {', '.join(node.name for node in stopped)}"):
            _boot(state, stopped, inputs)
    _serve(state, made)
    if any(not node.spare for node in stopped):
        with reporter.step("nodes Ready, CoreDNS and S3 serving"):
            _wait_again(state)


def _wait_again(state: LabState) -> None:
    try:
        kubeadm.wait_ready(state)
    except LabError as error:
        # A lab's etcd does not survive a power cut.
        again = f"`make lab-down LAB={state.name}`, then `make lab-up LAB={state.name}`"
        raise LabError(error.what, error.cause, fix=again) from error


def _boot(state: LabState, which: Sequence[Node], inputs: Inputs) -> None:
    def boot(node: Node) -> None:
        nodes.prepare(state, node, inputs[node.name])
        nodes.boot(state, node, inputs[node.name])
        nodes.wait_until_up(state, node)

    _each(which, boot)


def _serve(state: LabState, made: dict[str, Path]) -> None:
    services.start_s3(state, made["s3"])
    services.start_apt_repository(state, made["apt-repository"])


def _each(which: Iterable[Node], action: Callable[[Node], None]) -> None:
    with _workers_pool() as pool:
        for future in [pool.submit(action, node) for node in which]:
            future.result()


@contextlib.contextmanager
def _workers_pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for work that ends by itself; after a failure nobody waits for the others."""
    pool = ThreadPoolExecutor(max_workers=MAX_NODES)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
