"""Action of alluxops.cache.node_packages: brings files of the controller to the host where they are needed."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.plugin_utils.controller_file import (
    ControllerFileAction,
)


class ActionModule(ControllerFileAction):
    """Runs the module once to see; and once more with the files that it wants, where it wants any."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The module's result."""
        super(ControllerFileAction, self).run(tmp, task_vars)
        arguments = dict(self._task.args)
        result = self.execute(arguments, task_vars)
        wanted = result.get("wants_files") or []
        if not wanted or self._task.check_mode or result.get("failed"):
            return result
        shell = self._connection._shell  # noqa: SLF001 - ansible-core has no public name for it
        places = {}
        for offer in arguments["offers"]:
            if offer["checksum"] in wanted:
                # The name tells what is in the file; two folders may have one of the same name.
                place = shell.join_path(shell.tmpdir, f"{offer['checksum'][:12]}-{offer['file']}")
                self._transfer_file(offer["path"], place)
                places[offer["checksum"]] = place
        self._fixup_perms2((shell.tmpdir, *places.values()))
        return self.execute({**arguments, "places": places}, task_vars)
