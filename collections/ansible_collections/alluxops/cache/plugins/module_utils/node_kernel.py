"""Modules and settings of a host's kernel, now and after a reboot. Standard library only, Python 3.9."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import host_files, kubernetes_node
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError


class Kernel:
    """What the kernel is to have, and what it lacks. module: the running AnsibleModule.

    Raises SettingsError for a module of the kernel that there is none of.
    """

    def __init__(self, module: Any, modules: Sequence[str], sysctls: Mapping[str, Any]) -> None:
        self.module = module
        self.sysctls = {name: str(value) for name, value in sysctls.items()}
        builtin = f"/lib/modules/{os.uname().release}/modules.builtin"
        places = ("/proc/modules", "/proc/filesystems", builtin)
        known = [host_files.read_text(path) or "" for path in places]
        self.missing = [
            name
            for name in modules
            if not kubernetes_node.is_in_kernel(name, *known)
            and not os.path.isdir(kubernetes_node.module_path(name))
        ]
        for name in self.missing:
            self._modprobe(name, "--dry-run")
        self.files = {
            path: text
            for path, text in (
                (kubernetes_node.MODULES_LOAD, kubernetes_node.modules_text(tuple(modules))),
                (kubernetes_node.SYSCTL, kubernetes_node.sysctl_text(self.sysctls)),
            )
            if host_files.read_text(path) != text
        }
        self.other = {
            name: found
            for name, value in self.sysctls.items()
            if (found := self._value(name)).split() != value.split()
        }

    def told(self) -> list[str]:
        """What is done, in words."""
        return [
            *(f"the kernel's module {name} was loaded" for name in self.missing),
            *(f"{name} was set to {self.sysctls[name]}" for name in self.other),
            *(f"{path} was written" for path in self.files),
        ]

    def diff(self) -> list[dict[str, str]]:
        """What changes."""
        pairs = {
            name: (f"{found}\n", f"{self.sysctls[name]}\n") for name, found in self.other.items()
        }
        for path, text in self.files.items():
            pairs[path] = (host_files.read_text(path) or "", text)
        return [
            {"before_header": name, "after_header": name, "before": before, "after": after}
            for name, (before, after) in pairs.items()
        ]

    def take(self) -> None:
        """Load, set, and have it so after a reboot."""
        for name in self.missing:
            self._modprobe(name)
        for name in self.other:
            self._set(name)
        for path, text in self.files.items():
            host_files.write_bytes(path, text.encode())

    def _value(self, name: str) -> str:
        return (host_files.read_text(kubernetes_node.sysctl_path(name)) or "").strip()

    def _set(self, name: str) -> None:
        value = self.sysctls[name]
        try:
            with open(kubernetes_node.sysctl_path(name), "w") as file:
                file.write(f"{value}\n")
        except OSError as fault:
            raise CacheError(
                f"the kernel's {name} cannot be set to {value}: {fault.strerror}.",
                fix="correct bootstrap_workers_sysctls; what a module of the kernel brings is there when"
                " bootstrap_workers_kernel_modules has it.",
            ) from fault

    def _modprobe(self, name: str, *options: str) -> None:
        program = self.module.get_bin_path("modprobe", required=True)
        code, out, err = self.module.run_command([program, *options, name])
        if code != 0:
            system = host_files.read_text("/etc/os-release") or ""
            raise SettingsError(
                f"the kernel has no module {name}: {(err or out).strip()}",
                "bootstrap_workers_kernel_modules asks for it.",
                f"{kubernetes_node.modules_fix(system, os.uname().release)}; or take it out of the setting where the"
                " cluster's network does without.",
            )
