"""What a host must have before kubeadm joins it: the system, programs that fit the cluster, no swap. Pure functions.

Standard library only, Python 3.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.apt_source import upstream_version
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

OLDEST_OS = {"debian": (12,), "ubuntu": (22, 4)}
"""The first releases whose containerd speaks what the kubelet asks."""
OLDEST_CONTAINERD = (1, 6)
KUBELET_MINORS_BEHIND = 3
PRESENT, APT, FILES = "present", "apt", "files"
"""How a host gets what a join takes: it has it, from an apt repository, from files of the controller."""
PROGRAMS = ("containerd", "runc", "kubelet", "kubeadm")
"""What it takes to be a node of a cluster that kubeadm has made."""


def system_faults(host: str, facts: Mapping[str, Any]) -> Iterator[SettingsError]:
    """What stands against the host's system."""
    oldest = OLDEST_OS.get(str(facts.get("os_id")))
    name = facts.get("os_name") or "an unknown system"
    fix = "use Debian 12 or 13, or Ubuntu 22.04 or 24.04; or join it as your cluster's nodes are joined."
    if oldest is None:
        cause = "only Debian and Ubuntu hosts are joined by this."
        yield SettingsError(f"{host} runs {name}, and is to join the cluster.", cause, fix)
    elif numbers(str(facts.get("os_version"))) < oldest:
        cause = "its containerd is too old for the kubelet, which needs 1.6 or newer."
        yield SettingsError(f"{host} runs {name}, and is to join the cluster.", cause, fix)


def swap_faults(
    host: str, facts: Mapping[str, Any], *, fail_swap_on: bool
) -> Iterator[SettingsError]:
    """Swap that the cluster's kubelets do not start with. fail_swap_on: as their configuration has it."""
    swaps = list(facts.get("swaps") or ())
    if swaps and fail_swap_on:
        yield SettingsError(
            f"{host} swaps to {', '.join(swaps)}, and is to join the cluster.",
            "the cluster's kubelets do not start with swap (failSwapOn).",
            "`swapoff --all` on it, and take the swap out of /etc/fstab (or mask its unit, see `systemctl list-units"
            " --type=swap`), or it is back after a reboot.",
        )


def program_faults(
    host: str, facts: Mapping[str, Any], version: str, method: str
) -> Iterator[SettingsError]:
    """What stands against the programs that are there. What an install method brings is judged when it is looked at."""
    programs = facts.get("programs") or {}
    if method == APT:
        # It brings kubelet and kubeadm; a containerd that is there stays.
        yield from version_faults(host, {"containerd": programs.get("containerd") or ""}, version)
    if method != PRESENT:
        return
    missing = [name for name in PROGRAMS if name != "runc" and not programs.get(name)]
    if missing:
        yield SettingsError(
            f"{host} lacks {', '.join(missing)}.",
            "bootstrap_workers_join needs them.",
            f"install containerd, and kubelet and kubeadm {minor(version)}, on it; or have it done: set"
            " bootstrap_workers_install_method to apt or files.",
        )
        return
    yield from version_faults(host, programs, version)
    if not facts.get("containerd_answers"):
        yield SettingsError(
            f"containerd does not run on {host}.",
            "/run/containerd/containerd.sock is not there.",
            "`systemctl enable --now containerd` on it; `journalctl -u containerd` says why it does not start.",
        )


def offer_faults(
    host: str, facts: Mapping[str, Any], offers: Sequence[Mapping[str, Any]], version: str
) -> Iterator[SettingsError]:
    """What stands against files of the controller that are to be installed on the host.

    offers: of package_files.look. The version of a program that is no package is seen on the host, before it is put in
    place.
    """
    for offer in offers:
        if offer["machine"] and facts.get("machine") and offer["machine"] != facts["machine"]:
            yield SettingsError(
                f"bootstrap_workers_files has {offer['file']} for {host}.",
                f"It is for {offer['machine']}, and the host is a {facts['machine']}.",
                "set bootstrap_workers_files per host, or per group of hosts of one machine.",
            )
    brought = {name for offer in offers for name in offer["programs"]}
    there = {name: found for name, found in (facts.get("programs") or {}).items() if found}
    missing = [name for name in PROGRAMS if name not in brought and name not in there]
    if missing:
        yield SettingsError(
            f"bootstrap_workers_files brings no {', '.join(missing)}, and {host} has none.",
            "bootstrap_workers_install_method is files, and a join takes them.",
            f"add the files that have them; kubelet and kubeadm of {minor(version)}.",
        )
    kept = {name: found for name, found in there.items() if name not in brought}
    yield from version_faults(host, kept, version)
    for offer in offers:
        if offer["version"]:
            packed = upstream_version(offer["version"])
            versions = {name: packed for name in offer["programs"] if name != "runc"}
            yield from version_faults(
                f"bootstrap_workers_files ({offer['file']})", versions, version
            )


def version_faults(
    place: str, programs: Mapping[str, str], version: str
) -> Iterator[SettingsError]:
    """Programs whose versions do not go with the cluster's. place: what has them; programs: version by name."""
    containerd, kubeadm, kubelet = (
        programs.get(name) for name in ("containerd", "kubeadm", "kubelet")
    )
    if containerd and numbers(containerd) < OLDEST_CONTAINERD:
        yield SettingsError(
            f"{place} has containerd {containerd}.",
            "the kubelet needs 1.6 or newer.",
            "upgrade containerd.",
        )
    if kubeadm and numbers(kubeadm)[:2] != numbers(version)[:2]:
        yield SettingsError(
            f"{place} has kubeadm {kubeadm}, the cluster is {version}.",
            "kubeadm joins a node to a cluster of its own minor version.",
            f"install kubeadm {minor(version)}.",
        )
    if kubelet:
        major, behind = numbers(kubelet)[0], numbers(version)[1] - numbers(kubelet)[1]
        if major != numbers(version)[0] or not 0 <= behind <= KUBELET_MINORS_BEHIND:
            yield SettingsError(
                f"{place} has kubelet {kubelet}, the cluster is {version}.",
                "a kubelet may be up to three minor versions older than the API server, and never newer.",
                f"install kubelet {minor(version)}.",
            )


def minor(version: str) -> str:
    """1.34 of 1.34.4."""
    return ".".join(version.split(".")[:2])


def numbers(version: str) -> tuple[int, ...]:
    """(1, 34, 4) of 1.34.4."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
