"""What a host needs around containerd and the kubelet to be a node: configurations, units, what the kernel must have.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import helm_host
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

MADE_BY = "# Made by the alluxops role bootstrap_workers; changes are overwritten.\n"
CONTAINERD_CONFIG = "/etc/containerd/config.toml"
CONFIG_MODE = 0o600
"""Of what is made here: a registry's address may carry credentials, and nobody but root runs containerd."""
MODULES_LOAD = "/etc/modules-load.d/alluxops-kubernetes.conf"
SYSCTL = "/etc/sysctl.d/90-alluxops-kubernetes.conf"
CNI_BIN = "/opt/cni/bin"
CNI_CONF = "/etc/cni/net.d"

CONTAINERD_UNIT = f"""\
{MADE_BY}[Unit]
Description=containerd
After=local-fs.target network.target

[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Restart=always
RestartSec=5
# Containers outlive a restart of it, and have cgroups of their own.
KillMode=process
Delegate=yes
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"""
KUBELET_UNIT = f"""\
{MADE_BY}[Unit]
Description=kubelet
Wants=network-online.target
After=network-online.target containerd.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
"""
KUBEADM_DROP_IN = f"""\
{MADE_BY}[Service]
# kubeadm writes the first, a user of the host the second.
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml \\
  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf \\
  $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""
UNITS: Mapping[str, Mapping[str, str]] = {
    "containerd": {"/etc/systemd/system/containerd.service": CONTAINERD_UNIT},
    "kubelet": {
        "/etc/systemd/system/kubelet.service": KUBELET_UNIT,
        "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf": KUBEADM_DROP_IN,
    },
}
"""Of programs that come as they are and not as packages, which have units of their own."""


def containerd_config(cgroup_driver: str, cri: Mapping[str, Any]) -> str:
    """The configuration of containerd. cgroup_driver: the kubelet's. cri: the user's own settings of its CRI plugin.

    In the format of containerd 1; containerd 2 takes it too.
    """
    runc = {
        "runtime_type": "io.containerd.runc.v2",
        "options": {"SystemdCgroup": cgroup_driver == "systemd"},
    }
    ours = {
        "cni": {"bin_dir": CNI_BIN, "conf_dir": CNI_CONF},
        "containerd": {"runtimes": {"runc": runc}},
    }
    plugin = {"io.containerd.grpc.v1.cri": _merged(ours, cri)}
    return MADE_BY + toml({"version": 2, "plugins": plugin})


def cni_bin(cri: Mapping[str, Any]) -> str:
    """Where network plugins lie, by the user's settings of the CRI plugin."""
    return str((cri.get("cni") or {}).get("bin_dir") or CNI_BIN)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        under = found.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(under, value)
        else:
            found[key] = value
    return found


def toml(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """A tree of tables, texts, numbers, booleans and lists of them, as TOML."""
    tables = {key: value for key, value in tree.items() if isinstance(value, Mapping)}
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in tree.items() if key not in tables]
    head = f"\n[{'.'.join(map(_key, path))}]\n" if path and lines else ""
    return (
        head + "".join(lines) + "".join(toml(value, (*path, key)) for key, value in tables.items())
    )


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else json.dumps(text)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)  # of these, JSON's forms are TOML's too


def takes_over(text: str | None, conffiles: str) -> bool:
    """Whether a configuration of containerd may be replaced: there is none, it is ours, or as its package brought it.

    conffiles: what dpkg-query shows as Conffiles of the package, a path and an MD5 a line.
    """
    if text is None or text.startswith(MADE_BY):
        return True
    digest = hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - dpkg's own
    return f"{CONTAINERD_CONFIG} {digest}" in conffiles


def refuse_config(text: str, cgroup_driver: str) -> None:
    """Raise SettingsError where a configuration of the user's own would not run a kubelet's pods."""
    move = f"correct it, or move it away (`mv {CONTAINERD_CONFIG} {CONTAINERD_CONFIG}.old`): it is then written anew."
    plain = "\n".join(line.partition("#")[0] for line in text.splitlines())
    if re.search(r"disabled_plugins\s*=\s*\[[^\]]*\bcri\b", plain):
        raise SettingsError(
            f"{CONTAINERD_CONFIG} has the plugin cri among disabled_plugins.",
            "The kubelet talks to containerd through it.",
            move,
        )
    systemd = bool(re.search(r"SystemdCgroup\s*=\s*true", plain))
    if systemd != (cgroup_driver == "systemd"):
        raise SettingsError(
            f"{CONTAINERD_CONFIG} has SystemdCgroup {'true' if systemd else 'not true'}.",
            f"The cluster's kubelets have cgroupDriver {cgroup_driver}; with two drivers its pods are killed.",
            move,
        )


def modules_text(modules: tuple[str, ...]) -> str:
    """The file that has modules of the kernel loaded at boot."""
    return MADE_BY + "".join(f"{name}\n" for name in modules)


def sysctl_text(values: Mapping[str, Any]) -> str:
    """The file that has settings of the kernel made at boot."""
    return MADE_BY + "".join(f"{name} = {value}\n" for name, value in values.items())


def sysctl_path(name: str) -> str:
    """Where a setting of the kernel is read and made."""
    return "/proc/sys/" + name.replace(".", "/")


def is_in_kernel(name: str, modules: str, filesystems: str, builtin: str = "") -> bool:
    """Whether the kernel has a module, loaded or built in.

    Texts of /proc/modules, /proc/filesystems, and modules.builtin among the kernel's modules.
    """
    loaded = {line.split()[0] for line in modules.splitlines() if line.split()}
    known = {line.split()[-1] for line in filesystems.splitlines() if line.split()}
    files = {
        _module(line.strip().rsplit("/", 1)[-1].split(".")[0]) for line in builtin.splitlines()
    }
    return name in known or _module(name) in loaded | files


def modules_fix(os_release: str, kernel: str) -> str:
    """What brings a module of the kernel that is missing. os_release: text of /etc/os-release; kernel: its release."""
    if helm_host.parse_os_release(os_release).get("ID") == "ubuntu":
        # Its kernels have many modules in a package of their own, which images for clouds leave out.
        return (
            f"`apt-get install linux-modules-extra-{kernel}` on it, where there is such a package"
        )
    return "boot the kernel of the distribution, whose modules are installed"


def module_path(name: str) -> str:
    """A directory that is there for a module that is loaded, and for one that is built in where it has parameters."""
    return f"/sys/module/{_module(name)}"


def _module(name: str) -> str:
    """The kernel writes _ for the - in a module's name."""
    return name.replace("-", "_")
