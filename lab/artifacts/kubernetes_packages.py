"""Packages of the kubelet and kubeadm that the lab built, laid out as those of the Kubernetes project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.artifacts.recipe import Build, Recipe

MAINTAINER = "alluxops lab <lab@alluxops.invalid>"

KUBELET_UNIT = """\
[Unit]
Description=kubelet
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

KUBEADM_DROP_IN = """\
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
  --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \\
  $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""


@dataclass(frozen=True)
class Package:
    """One package: a program of the artifact `kubernetes`, what it needs, and text files beside it."""

    name: str
    depends: str
    files: Mapping[str, str] = field(default_factory=dict)


PACKAGES = (
    Package(
        "kubelet",
        "conntrack, ethtool, iproute2, iptables, mount, util-linux",
        {"lib/systemd/system/kubelet.service": KUBELET_UNIT},
    ),
    Package(
        "kubeadm",
        "kubelet",
        {"lib/systemd/system/kubelet.service.d/10-kubeadm.conf": KUBEADM_DROP_IN},
    ),
)


def kubernetes_debs(build: Build) -> None:
    """Pack each program as a .deb under build.out."""
    for package in PACKAGES:
        _pack(build, package)


def _pack(build: Build, package: Package) -> None:
    version = f"{build.versions.kubernetes}-1.1"
    tree = build.scratch / package.name
    program = tree / "usr/bin" / package.name
    program.parent.mkdir(parents=True)
    shutil.copyfile(build.needs["kubernetes"] / package.name, program)
    program.chmod(0o755)
    control = (
        f"Package: {package.name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: {MAINTAINER}\n"
        f"Depends: {package.depends}\nSection: admin\nPriority: optional\n"
        f"Description: {package.name} of Kubernetes, built by the lab\n"
    )
    for name, text in {**package.files, "DEBIAN/control": control}.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    target: Path = build.out / f"{package.name}_{version}_amd64.deb"
    # Quick gzip: the package is unpacked a few times, and a dpkg of any age takes it.
    pack = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build"]
    build.run([*pack, tree, target])


RECIPES = (
    Recipe(
        name="kubernetes-debs", build=kubernetes_debs, lane="fetch", seconds=15,
        components=("kubernetes",), needs=("kubernetes",), packages=("dpkg-dev",),
    ),
)  # fmt: skip
