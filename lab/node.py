"""One node: a Debian tree booted by systemd-nspawn, with its own sshd, containerd and (unstarted) kubelet."""

from __future__ import annotations

import json
import shutil
import socket
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import cgroups, detached, mounts, network, node_files, seeds
from lab.commands import last_lines, run, wait_for
from lab.errors import LabError
from lab.state import LabState, Node

KUBERNETES_PROGRAMS = ("kubelet", "kubeadm", "kubectl")
KUBERNETES_DIR = "opt/kubernetes"
NOT_ON_BARE = ("containerd", "runc", "conntrack", "fuse3")
STARTS_WITHIN_S = 3
"""A node that has no process this long after its start has failed."""
REAL_DIRECTORIES = {
    # name on the host: place in the node. The root is an overlay, and these may not lie on one.
    "containerd": "/var/lib/containerd",
    "kubelet": "/var/lib/kubelet",
    "etcd": "/var/lib/etcd",
    "mnt": "/mnt",
}


@dataclass(frozen=True)
class NodeInputs:
    """What nodes are made from."""

    tree: Path
    """A Debian root, used read-only."""
    kubernetes: Path
    """A directory with kubelet, kubeadm and kubectl."""
    seed: Path
    """A containerd directory with the images (lab.seeds)."""
    pause_image: str
    """The tag of the pause image."""

    def record(self, path: Path) -> None:
        """Write down what a node was made from: it is booted from nothing else later."""
        path.write_text(json.dumps({name: str(value) for name, value in asdict(self).items()}))

    @classmethod
    def recorded(cls, path: Path) -> NodeInputs | None:
        """What the node was made from; None where it is not complete."""
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        places = {name: Path(found[name]) for name in ("tree", "kubernetes", "seed")}
        return cls(**places, pause_image=found["pause_image"])


def made_from(state: LabState, node: Node) -> NodeInputs | None:
    """What a node was made from; None where it is not complete."""
    return NodeInputs.recorded(state.paths.node(node.name).inputs)


def is_running(state: LabState, node: Node) -> bool:
    """True where the node's init is alive."""
    return cgroups.init_of(cgroups.node_group(state, node)) is not None


def prepare(state: LabState, node: Node, inputs: NodeInputs) -> None:
    """Everything before the boot. What a complete node has of its own is left as it is."""
    paths = state.paths.node(node.name)
    for name in REAL_DIRECTORIES:
        paths.real(name).mkdir(parents=True, exist_ok=True)
    state.paths.shared.mkdir(exist_ok=True)
    (paths.real("mnt") / "shared").mkdir(exist_ok=True)
    mounts.overlay(paths.root, lower=inputs.tree, upper=paths.upper, work=paths.work)
    if made_from(state, node) is None:
        seeds.plant(inputs.seed, paths.containerd)
        _write_files(state, node, inputs)
        inputs.record(paths.inputs)


def _write_files(state: LabState, node: Node, inputs: NodeInputs) -> None:
    root = state.paths.node(node.name).root
    files = node_files.render(
        node_files.NodeFiles(
            addresses=state.addresses,
            index=node.index,
            pause_image=inputs.pause_image,
            authorized_key=state.paths.ssh_key.with_suffix(".pub").read_text(),
            machine_id=uuid.uuid4().hex,
            bare=node.bare,
        )
    )
    for extra in (root / "etc/apt/sources.list.d").glob("*"):
        extra.unlink()
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        target = root / f"etc/ssh/ssh_host_ed25519_key{suffix}"
        shutil.copyfile(state.paths.host_keys / f"{node.name}{suffix}", target)
        target.chmod(mode)
    (root / KUBERNETES_DIR).mkdir(parents=True, exist_ok=True)
    if node.bare:
        _strip(root)
    else:
        for program in KUBERNETES_PROGRAMS:
            _link(root / "usr/local/bin" / program, f"/{KUBERNETES_DIR}/{program}")
    units = root / "etc/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    for unit in node_files.UNWANTED_UNITS:
        _link(units / unit, "/dev/null")
    _link(units / "multi-user.target.wants/lab-node.service", "../lab-node.service")
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)


def _strip(root: Path) -> None:
    """Take from a node's tree what its installer would not have put there."""
    environment = [
        "env",
        "-i",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND=noninteractive",
    ]
    run([*environment, "chroot", root, "dpkg", "--purge", *NOT_ON_BARE])


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.symlink_to(target)


def boot(state: LabState, node: Node, inputs: NodeInputs) -> None:
    """Start the node; nothing to do where it runs."""
    if is_running(state, node):
        return
    group = cgroups.node_group(state, node)
    paths = state.paths.node(node.name)
    # What a node that died half-way left: processes without an init, a link without its other end.
    cgroups.kill(group)
    cgroups.remove(group)
    network.drop_port(state, node)
    cgroups.create(group)
    binds = [
        *(f"--bind={paths.real(name)}:{place}" for name, place in REAL_DIRECTORIES.items()),
        f"--bind={state.paths.shared}:/mnt/shared",
        *(() if node.bare else (f"--bind-ro={inputs.kubernetes}:/{KUBERNETES_DIR}",)),
        "--bind=/dev/kmsg",
        "--bind=/dev/fuse",
    ]
    detached.start(
        [
            *("systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--boot"),
            f"--directory={paths.root}",
            f"--machine={state.addresses.bridge}-{node.name}",
            f"--hostname={node.name}",
            f"--network-bridge={state.addresses.bridge}",
            *("--capability=all", "--system-call-filter=@known"),
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *binds,
        ],
        group=group,
        log=paths.console,
    )


def wait_until_up(state: LabState, node: Node, timeout_s: float = 300) -> None:
    """Wait until sshd answers and containerd, where there is one, listens.

    Raises LabError at once when the node ends.
    """
    address = state.addresses.node(node.index)
    group = cgroups.node_group(state, node)
    started = time.monotonic()

    def is_up() -> bool:
        init = cgroups.init_of(group)
        if init is None:
            if time.monotonic() - started > STARTS_WITHIN_S and not cgroups.processes(group):
                raise LabError(f"node {node.name} ended while it booted", cause=why_not())
            return False
        socket_path = _containerd(init)
        if not node.bare and not socket_path.exists():
            return False
        try:
            with socket.create_connection((address, 22), timeout=0.5):
                return True
        except OSError:
            return False

    console = state.paths.node(node.name).console

    def why_not() -> str:
        return last_lines(console.read_text(errors="replace"), 8) if console.exists() else ""

    wait_for(
        f"node {node.name} has sshd and containerd", is_up, timeout_s=timeout_s, why_not=why_not
    )


def inside(
    state: LabState,
    node: Node,
    argv: list[str],
    *,
    stdin: str | None = None,
    timeout_s: float = 120,
) -> str:
    """Run a command in the node and return what it prints. Raises LabError when it fails."""
    init = cgroups.init_of(cgroups.node_group(state, node))
    if init is None:
        raise LabError(
            f"node {node.name} is not running", fix=f"run `make lab-up LAB={state.name}`"
        )
    environment = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    enter = ["nsenter", "--target", str(init), "--all", "--wd=/"]
    return run([*enter, *environment, "HOME=/root", *argv], stdin=stdin, timeout_s=timeout_s)


def import_images(state: LabState, node: Node, archive: Path) -> None:
    """Bring one image archive into a running node; one that is bare, and has no containerd yet, is passed over."""
    group = cgroups.node_group(state, node)
    init = cgroups.init_of(group)
    if init is None:
        raise LabError(f"node {node.name} is not running")
    if node.bare and not _containerd(init).exists():
        return
    command = f'exec nsenter --target {init} --all ctr -n k8s.io images import - < "$1"'
    run(["sh", "-c", command, "sh", archive], timeout_s=300)


def _containerd(init: int) -> Path:
    """Its socket in the node whose first process this is."""
    return Path(f"/proc/{init}/root/run/containerd/containerd.sock")
