"""Action of alluxops.cache.node_packages: brings files of the controller to the host where they are needed."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.alluxops.cache.plugins.plugin_utils.controller_file import (
    Arguments,
    ControllerFilesAction,
    Result,
)


class ActionModule(ControllerFilesAction):
    """Brings those of the offers that the module wants, by their checksums."""

    def wanted(self, result: Result) -> Mapping[str, str]:
        """Their paths here."""
        wants = result.get("wants_files") or []
        offers = self._task.args.get("offers") or []
        return {one["checksum"]: one["path"] for one in offers if one["checksum"] in wants}

    def brought(self, places: Mapping[str, str]) -> Arguments:
        """All of them in one argument."""
        return {"places": dict(places)}
