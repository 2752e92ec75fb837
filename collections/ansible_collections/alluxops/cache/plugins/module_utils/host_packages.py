"""Debian packages of a host's own sources that must be there. Standard library only, Python 3.9."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import apt_commands, apt_source


def install(module: Any, packages: Sequence[str]) -> list[str]:
    """Install what is missing; its names. On hosts without dpkg nothing is. module: an AnsibleModule."""
    if not packages or shutil.which("dpkg-query") is None:
        return []
    apt = apt_commands.Apt(module, apt_source.SYSTEM)
    missing = [name for name in packages if not apt.installed(name)]
    if missing and not module.check_mode:
        what = f"{', '.join(missing)} cannot be installed."
        apt.get([], ["update"], what)
        apt.get([], ["--yes", "--no-install-recommends", "install", *missing], what)
    return missing
