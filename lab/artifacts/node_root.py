"""The Debian trees that nodes boot: one per release, used read-only under each node's overlay."""

from __future__ import annotations

from functools import partial

from lab.artifacts import debian
from lab.artifacts.recipe import Build, Recipe

INCLUDE = (
    # what boots and what Ansible needs
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-yaml", "sudo", "procps",
    # Kubernetes' node
    "containerd", "runc", "containernetworking-plugins", "conntrack", "socat", "ethtool", "kmod",
    "iptables", "nftables", "ebtables", "iproute2", "iputils-ping", "fuse3",
    # the roles' work on a host
    "ca-certificates", "curl", "gpg", "gpg-agent", "udev",
)  # fmt: skip

SOURCES_IN_NODE = "usr/share/lab/debian.list"
"""In the tree: the apt sources it was made from, for a node that gets a proxy to them; apt reads no such file."""

OWN_TO_EACH_NODE = (
    # Keys and identity must differ between nodes: each gets its own when it boots.
    'rm -f "$1"/etc/ssh/ssh_host_*',
    ': > "$1/etc/machine-id"; rm -f "$1/var/lib/dbus/machine-id"',
    'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
)


def node_root(suite: str, build: Build) -> None:
    """Make the tree of one Debian release."""
    sources = (
        'mkdir -p "$1/usr/share/lab" && '
        f'find "$1/etc/apt" -name "*.list" -exec cat {{}} + > "$1/{SOURCES_IN_NODE}"'
    )
    debian.make_tree(build, build.out, suite, INCLUDE, hooks=[*OWN_TO_EACH_NODE, sources])


def _recipe(name: str, suite: str) -> Recipe:
    return Recipe(
        name=name,
        build=partial(node_root, suite),
        lane="fetch",
        seconds=60,
        packages=debian.PACKAGES,
    )


RECIPES = (
    _recipe("node-root", "bookworm"),
    _recipe("node-root-11", "bullseye"),
    _recipe("node-root-13", "trixie"),
)
