"""Bring a file of the controller to a host only when its module finds that it needs it.

Such a module is run once to see; where it answers `wants_archive`, the file goes to the task's own temporary
directory on the host, which Ansible removes, and the module runs again with `archive` naming it. A run without
changes therefore costs one round trip, and no copy stays behind.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError


class ControllerFileAction(ActionBase):
    """Base for modules that take `archive`. A subclass says which argument may name a controller file."""

    source_argument = ""
    setting = ""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the module, and once more with the file where it wants that."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        source = str(arguments.get(self.source_argument) or "")
        try:
            if not self.is_on_controller(source):
                return self.execute(arguments, task_vars)
            path = self.find(source)
            arguments.update(self.known(path, arguments))
        except CacheError as error:
            return error.result()
        result = self.execute(arguments, task_vars)
        if not result.get("wants_archive") or self._task.check_mode or result.get("failed"):
            return result
        shell = self._connection._shell  # noqa: SLF001 - ansible-core has no public name for it
        remote = shell.join_path(shell.tmpdir, os.path.basename(path))
        self._transfer_file(path, remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return self.execute({**arguments, "archive": remote}, task_vars)

    def is_on_controller(self, source: str) -> bool:
        """Whether source is a path here, not an address that the host reads."""
        return bool(source) and "://" not in source and not source.startswith("file:")

    def find(self, source: str) -> str:
        """The absolute path of a controller file, searched as `copy` does. Raises SettingsError."""
        try:
            return str(self._find_needle("files", os.path.expanduser(source)))
        except AnsibleError as fault:
            raise SettingsError(
                f"{self.setting} is {source!r}, and there is no such file on the controller.",
                fix="give an absolute path, or one beside the playbook.",
            ) from fault

    def known(self, path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments to add now that the file is known. Raises CacheError to refuse the file."""
        raise NotImplementedError

    def execute(
        self, arguments: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Run the module in a temporary directory that lives as long as the task."""
        if self._connection._shell.tmpdir is None:  # noqa: SLF001
            self._make_tmp_path()
        result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return result
