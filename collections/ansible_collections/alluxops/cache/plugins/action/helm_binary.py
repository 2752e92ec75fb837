"""Action of alluxops.cache.helm_binary: brings an archive of the controller to the host where it is needed."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive, helm_host
from ansible_collections.alluxops.cache.plugins.plugin_utils.controller_file import (
    ControllerFileAction,
)


class ActionModule(ControllerFileAction):
    """Compares the archive with its checksum before it leaves the controller."""

    source_argument = "url"
    setting = "helm_binary_url"

    def known(self, path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Refuse an archive with another checksum."""
        wanted = helm_host.normal_checksum(str(arguments.get("checksum") or ""))
        helm_archive.refuse_checksum(path, wanted, path)
        return {}
