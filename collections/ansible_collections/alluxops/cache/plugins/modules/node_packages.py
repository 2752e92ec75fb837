#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Give a host what it takes to join a cluster: kernel, containerd, kubelet and kubeadm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_packages
short_description: Give a host what it takes to join a cluster
version_added: 0.1.0
author: alluxops contributors
description:
  - Has the kernel's modules and settings, now and after a reboot; containerd with a configuration that fits the
    cluster's kubelets; and kubelet and kubeadm of the cluster's version, from a signed apt repository or from files of
    the controller.
  - Refuses, before it changes anything, what the repository or the files do not have, a repository whose key is
    another, and a configuration of containerd of the user's own with which a kubelet's pods would not run. Such a
    configuration is never replaced; the one that a package brought is.
  - Packages of kubelet and kubeadm are held at their version (C(apt-mark hold)).
options:
  method:
    description: Where the programs come from.
    type: str
    choices: [apt, files]
    required: true
  version:
    description: The cluster's version, such as 1.34.4.
    type: str
    required: true
  cgroup_driver:
    description: How the cluster's kubelets make control groups.
    type: str
    choices: [systemd, cgroupfs]
    default: systemd
  cri:
    description: Settings of containerd's CRI plugin, laid over those that are made here.
    type: dict
    default: {}
  kernel_modules:
    description: Modules of the kernel that are loaded.
    type: list
    elements: str
    default: []
  sysctls:
    description: Settings of the kernel that are made, by name.
    type: dict
    default: {}
  repository:
    description:
      - With C(apt), C(URL) or C(URL SUITE COMPONENT) of the repository. C({minor}) in it becomes the cluster's minor
        version.
    type: str
    default: ''
  key_url:
    description: With C(apt), where the key file lies. C({minor}) as in O(repository).
    type: str
    default: ''
  fingerprint:
    description: With C(apt), the whole fingerprint of the key to trust.
    type: str
    default: ''
  containerd_package:
    description: With C(apt), the package of the host's own sources that is installed where there is no containerd.
    type: str
    default: containerd
  offers:
    description: With C(files), what M(alluxops.cache.bootstrap_plan) found in them.
    type: list
    elements: dict
    default: []
  places:
    description: Where the action plugin has put files of the controller on this host, by checksum. Not for playbooks.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Says what it would do. Verifies the repository's key and index, in a temporary directory.
    support: full
  diff_mode:
    description: Shows the files and packages that change.
    support: full
"""

EXAMPLES = r"""
- name: Install what a join takes
  alluxops.cache.node_packages:
    method: apt
    version: 1.34.4
    repository: https://pkgs.k8s.io/core:/stable:/v{minor}/deb/ ./
    key_url: https://pkgs.k8s.io/core:/stable:/v{minor}/deb/Release.key
    fingerprint: DE15B14486CD377B9E876E1A234654DA9A296436
    kernel_modules: [overlay, br_netfilter]
    sysctls: {net.ipv4.ip_forward: 1}
  become: true
"""

RETURN = r"""
installed:
  description: What was done, or would be, a line each.
  returned: success
  type: list
  elements: str
wants_files:
  description: Checksums of files that are still to be brought here.
  returned: success
  type: list
  elements: str
"""

import os
import stat
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_install,
    apt_source,
    host_files,
    install_files,
    join_needs,
    kubernetes_node,
    node_kernel,
    node_membership,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

SOCKET_WAIT_S = 60
PACKAGED = {"kubelet": "/usr/bin/kubelet", "kubeadm": "/usr/bin/kubeadm"}
"""What of Kubernetes is installed by apt, and where its packages put it."""


class Packages:
    """What is wanted of this host, what is there, and the way from one to the other."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        options = module.params
        self.kernel = node_kernel.Kernel(module, options["kernel_modules"], options["sysctls"])
        self.has_containerd = bool(self.program("containerd"))
        self.was_running = self.has_containerd and self.systemctl(
            "is-active", "--quiet", "containerd"
        )
        self.config = self.wanted_config()
        self.is_open = not self.config and self.config_is_open()
        self.files = install_files.Files(
            module, options["offers"], kubernetes_node.cni_bin(options["cri"])
        )

    def program(self, name: str) -> str:
        """Where a program of the host is; empty where there is none."""
        return str(self.module.get_bin_path(name, opt_dirs=["/usr/local/bin"]) or "")

    def wanted_config(self) -> str:
        """The configuration of containerd that is to be written; empty where it is there, or the user's own will do."""
        driver = self.module.params["cgroup_driver"]
        found = host_files.read_text(kubernetes_node.CONTAINERD_CONFIG)
        if kubernetes_node.takes_over(found, self.conffiles()):
            wanted = kubernetes_node.containerd_config(driver, self.module.params["cri"])
            return "" if wanted == found else wanted
        kubernetes_node.refuse_config(found or "", driver)
        return ""

    def config_is_open(self) -> bool:
        """Whether others than root may read or change a configuration that was made here."""
        path = kubernetes_node.CONTAINERD_CONFIG
        found = host_files.read_text(path) or ""
        is_ours = found.startswith(kubernetes_node.MADE_BY)
        return is_ours and stat.S_IMODE(os.stat(path).st_mode) != kubernetes_node.CONFIG_MODE

    def conffiles(self) -> str:
        """Configurations as packages of containerd have brought them, as dpkg shows them."""
        show = ["dpkg-query", "--show", "--showformat=${Conffiles}\\n", "containerd*"]
        return str(self.module.run_command(show)[1])

    def systemctl(self, *arguments: str) -> bool:
        """Whether systemctl did it."""
        command = [self.module.get_bin_path("systemctl", required=True), *arguments]
        return bool(self.module.run_command(command)[0] == 0)

    def install(self) -> tuple[list[str], apt_install.Diff]:
        """Do all of it; the lines that say so, and the diff. In check mode, what would be done."""
        told, diff = self.kernel.told(), self.kernel.diff()
        if self.config:
            path = kubernetes_node.CONTAINERD_CONFIG
            before = host_files.read_text(path) or ""
            told.append(f"{path} was written")
            diff.append(
                {
                    "before_header": path,
                    "after_header": path,
                    "before": before,
                    "after": self.config,
                }
            )
        elif self.is_open:
            told.append(f"{kubernetes_node.CONTAINERD_CONFIG} was made root's alone")
        by = self.by_apt if self.module.params["method"] == "apt" else self.by_files
        more, changed = by()
        told += more
        if not self.was_running:
            told.append("containerd was started")
        if not self.module.check_mode:
            self.start()
        return told, diff + changed

    def prepare(self) -> None:
        """What must be there before the programs: the kernel, and the configuration that containerd starts with."""
        self.kernel.take()
        if self.config:
            # Stopped first: killed after this, the next run starts it, with the configuration that is there by then.
            if self.was_running:
                self.systemctl("stop", "containerd")
            host_files.write_bytes(
                kubernetes_node.CONTAINERD_CONFIG, self.config.encode(), kubernetes_node.CONFIG_MODE
            )
            if self.was_running:
                self.systemctl("start", "containerd")
        elif self.is_open:
            os.chmod(kubernetes_node.CONTAINERD_CONFIG, kubernetes_node.CONFIG_MODE)

    def by_apt(self) -> tuple[list[str], apt_install.Diff]:
        """Install packages of the repository, and containerd of the host's own sources."""
        options, minor = self.module.params, join_needs.minor(self.module.params["version"])
        wanted = apt_install.Wanted(
            purpose=apt_source.KUBERNETES,
            version=options["version"],
            repository=options["repository"].replace("{minor}", minor),
            key_url=options["key_url"].replace("{minor}", minor),
            fingerprint=options["fingerprint"],
            packages=PACKAGED,
            others=() if self.has_containerd else (options["containerd_package"],),
            held=True,
        )
        install, diff = apt_install.have(self.module, wanted, self.prepare)
        return install.told(), diff

    def by_files(self) -> tuple[list[str], apt_install.Diff]:
        """Install what the files bring, once their versions are known to go with the cluster."""
        told, diff = self.files.told(), self.files.diff()
        if not self.module.check_mode:
            with self.files.staged() as staged:
                self.refuse_versions(
                    {name: path for found in staged.values() for name, path in found.items()}
                )
                self.prepare()
                if self.was_running and self.files.brings("containerd"):
                    self.systemctl("stop", "containerd")
                self.files.place(staged)
        return told, diff

    def refuse_versions(self, staged: dict[str, str]) -> None:
        """Raise SettingsError where a program that is to be put in place does not go with the cluster, or does not run.

        staged: where it lies until then, by name.
        """
        for name, path in staged.items():
            command = node_membership.VERSIONS.get(name)
            if command is None:
                continue
            code, out, err = self.module.run_command([path, *command[1:]])
            if code != 0:
                raise install_files.broken(name, (err or out).strip()[-300:])
            versions = {name: node_membership.parse_version(out)}
            wanted = self.module.params["version"]
            faults = list(join_needs.version_faults(install_files.SETTING, versions, wanted))
            if faults:
                raise faults[0]

    def start(self) -> None:
        """Have containerd run, now and after a reboot."""
        self.systemctl("daemon-reload")
        code, out, err = self.module.run_command(
            ["systemctl", "enable", "--now", "containerd"], environ_update={"LC_ALL": "C"}
        )
        deadline = time.monotonic() + SOCKET_WAIT_S
        while code == 0 and not os.path.exists(node_membership.CONTAINERD_SOCKET):
            if time.monotonic() > deadline:
                code, err = 1, f"{node_membership.CONTAINERD_SOCKET} is not there."
            time.sleep(0.2)
        if code != 0:
            raise CacheError(
                "containerd does not start.",
                (err or out).strip(),
                "`journalctl -u containerd` on the host says why; then run again.",
            )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "method": {"type": "str", "choices": ["apt", "files"], "required": True},
            "version": {"type": "str", "required": True},
            "cgroup_driver": {
                "type": "str",
                "choices": ["systemd", "cgroupfs"],
                "default": "systemd",
            },
            "cri": {"type": "dict", "default": {}},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "repository": {"type": "str", "default": ""},
            "key_url": {"type": "str", "default": "", "no_log": False},
            "fingerprint": {"type": "str", "default": "", "no_log": False},
            "containerd_package": {"type": "str", "default": "containerd"},
            "offers": {"type": "list", "elements": "dict", "default": []},
            "places": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # programs and configurations are for all users
    try:
        packages = Packages(module)
        wants = packages.files.wants()
        if wants and not module.check_mode and not module.params["places"]:
            # Files of the controller: the action plugin sees this answer and brings them here.
            module.exit_json(changed=True, installed=[], wants_files=wants)
        told, diff = packages.install()
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=bool(told), installed=told, wants_files=[], diff=diff)


if __name__ == "__main__":
    main()
