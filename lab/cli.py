"""The lab's commands: up, down, env, status, ssh, images, slow."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from typing import Annotated

import typer

from lab import artifacts, cgroups, machine, services
from lab import down as down_module
from lab import node as nodes
from lab import slow as slow_module
from lab import up as up_module
from lab.addresses import NAME_PATTERN
from lab.errors import LabError
from lab.paths import REPOSITORY
from lab.progress import Reporter
from lab.state import LabState, Node, load, lock_lab, recorded_names

app = typer.Typer(
    help="A real Kubernetes cluster on this machine, without Docker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Option("--name", help="Which lab.")]


def _checked(name: str) -> str:
    if not NAME_PATTERN.fullmatch(name):
        raise LabError(
            f"{name!r} is no name for a lab",
            fix="use 1 to 20 small letters, digits and dashes, a letter first",
        )
    return name


def _existing(name: str) -> LabState:
    state = load(_checked(name))
    if state is None or not state.ready:
        raise LabError(f"there is no lab {name!r}", fix=f"run `make lab-up LAB={name}`")
    return state


@app.command()
def up(
    name: Name = "demo",
    workers: Annotated[
        int | None, typer.Option(help="Nodes beside the control-plane node (2 for a new lab).")
    ] = None,
    spare: Annotated[int, typer.Option(help="Nodes that are booted but not joined.")] = 0,
    spare_debian: Annotated[
        int, typer.Option(help="Debian release of spare nodes added now: 11, 12, 13.")
    ] = 12,
    *,
    spare_bare: Annotated[
        bool,
        typer.Option(
            "--spare-bare", help="Spare nodes added now lack containerd, kubelet and kubeadm."
        ),
    ] = False,
    apt_proxy: Annotated[
        bool, typer.Option("--apt-proxy", help="Let nodes install Debian packages.")
    ] = False,
) -> None:
    """Boot a lab; on a running one, bring back what is missing and add spare nodes."""
    reporter = Reporter()
    wish = up_module.Wish(_checked(name), workers, spare, spare_debian, spare_bare, apt_proxy)
    with lock_lab(name):
        state = up_module.up(wish, reporter)
    spares = [node.name for node in state.nodes if node.spare]
    reporter.note(
        f"lab {name} is up: {', '.join(node.name for node in state.joined)}"
        + (f", spare {', '.join(spares)}" if spares else "")
        + f'; use it with: eval "$(make -s lab-env LAB={name})"'
    )


@app.command()
def down(name: Name = "demo") -> None:
    """Remove a lab and everything it made."""
    if os.geteuid() != 0:
        raise machine.not_root()
    reporter = Reporter()
    with lock_lab(_checked(name)):
        if not down_module.down(name, reporter):
            reporter.note(f"there is no lab {name}")


@app.command()
def env(name: Name = "demo") -> None:
    """Print export lines: KUBECONFIG, ANSIBLE_INVENTORY, PATH with kubectl, helm, alluxops and ansible-playbook."""
    paths = _existing(name).paths
    print(f"export KUBECONFIG={shlex.quote(str(paths.kubeconfig))}")
    print(f"export ANSIBLE_INVENTORY={shlex.quote(str(paths.inventory))}")
    # Our own Ansible and alluxops too: another Ansible of the machine's would lack what the collection needs.
    folders = f"{paths.bin}:{REPOSITORY / '.venv' / 'bin'}"
    print(f'export PATH={shlex.quote(folders)}:"$PATH"')


@app.command()
def status(
    name: Annotated[str | None, typer.Option("--name", help="Which lab; all without it.")] = None,
) -> None:
    """List labs with their nodes and services."""
    for lab in recorded_names() if name is None else [_checked(name)]:
        _show(lab)


def _show(name: str) -> None:
    state = load(name)
    if state is None:
        print(f"{name}: no such lab")
        return
    words = "ready" if state.ready else "half made; `up` or `down` clears it"
    print(f"{name}: {words}, {state.addresses.nodes} on {state.addresses.bridge}")
    for node in state.nodes:
        role = "spare" if node.spare else "joined"
        alive = "running" if nodes.is_running(state, node) else "stopped"
        print(f"  {node.name:<4} {state.addresses.node(node.index):<14} {role:<7} {alive}")
    for link in slow_module.slowed(state):
        print(f"  slow: {link}")
    start = f"{cgroups.services_group(state)}-"
    for group in cgroups.groups_of(state):
        if group.startswith(start):
            service = group.removeprefix(start)
            alive = "running" if services.is_running(state, service) else "stopped"
            print(f"  {service:<27} {alive}")


@app.command()
def slow(
    rate: Annotated[
        str, typer.Option(help="How fast it shall be, as tc writes it, such as 200mbit.")
    ] = "",
    node: Annotated[
        str, typer.Option(help="Slow all that this node sends and receives, and not S3.")
    ] = "",
    name: Name = "demo",
    *,
    off: Annotated[bool, typer.Option("--off", help="Make every link fast again.")] = False,
) -> None:
    """Slow what S3 sends to the nodes, or one node's link, until `slow --off`."""
    state = _existing(name)
    if off is bool(rate) or (off and node):
        raise LabError("`slow` takes either --rate or --off", fix="`slow --rate 200mbit`")
    with lock_lab(name):
        if off:
            slow_module.off(state)
        elif node:
            slow_module.slow_node(state, _named(state, node), rate)
        else:
            slow_module.slow_store(state, rate)
    print(f"lab {name}: {', '.join(slow_module.slowed(state)) or 'no link is slowed'}")


def _named(state: LabState, node: str) -> Node:
    for item in state.nodes:
        if item.name == node:
            return item
    names = ", ".join(item.name for item in state.nodes)
    raise LabError(f"lab {state.name} has no node {node!r}", fix=f"name one of {names}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def ssh(
    context: typer.Context,
    node: Annotated[str, typer.Argument(help="n1, n2, ...")] = "n1",
    name: Name = "demo",
) -> None:
    """Open a shell on a node, or run one command: `ssh n2 -- uptime`."""
    state = _existing(name)
    paths = state.paths
    address = state.addresses.node(_named(state, node).index)
    options = [f"UserKnownHostsFile={paths.known_hosts}", "StrictHostKeyChecking=yes"]
    flags = [part for option in options for part in ("-o", option)]
    argv = ["ssh", "-i", str(paths.ssh_key), *flags, f"root@{address}", *context.args]
    os.execvp("ssh", argv)  # noqa: S606 - the shell is the user's wish


@app.command()
def images(
    artifact: Annotated[
        list[str],
        typer.Argument(help="images-alluxio-old, images-zookeeper, images-toolbox, images-trainer"),
    ],
    name: Name = "demo",
) -> None:
    """Build images where needed and bring them into every running node."""
    reporter = Reporter()
    state = _existing(name)
    made = artifacts.ensure(artifact, reporter)
    with reporter.step(f"bring {', '.join(artifact)} into {len(state.nodes)} nodes"):
        up_module.bring_images(state, list(made.values()))


def main() -> None:
    """Run a command; a LabError ends it with 1 and its three lines."""
    code: int | str | None = 0
    try:
        app()
    except LabError as error:
        print(error, file=sys.stderr)
        code = 1
    except SystemExit as ending:
        code = ending.code
    if threading.active_count() > 1:
        # Threads that still wait for a node would hold up the end; what they began is recorded.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
    sys.exit(code)
