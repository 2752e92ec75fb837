"""Action of alluxops.cache.helm_snap: brings a snap of the controller to the host where it is needed."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive
from ansible_collections.alluxops.cache.plugins.plugin_utils.controller_file import (
    ControllerFileAction,
)


class ActionModule(ControllerFileAction):
    """Tells the module the snap's checksum, by which it knows whether that snap is installed."""

    source_argument = "file"
    setting = "helm_snap_file"

    def known(self, path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Add the checksum of the snap."""
        return {**arguments, "checksum": helm_archive.sha256(path)}
