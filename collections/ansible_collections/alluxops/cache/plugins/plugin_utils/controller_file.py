"""Bring files of the controller to a host only when its module finds that it needs them.

Such a module is run once to see; where it wants files, they go to the task's own temporary directory on the host,
which Ansible removes, and the module runs again with arguments that name them. A run without changes therefore costs
one round trip, and no copy stays behind.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

Arguments = dict[str, Any]
Result = dict[str, Any]


class ControllerFilesAction(ActionBase):
    """Base for modules that may want files of the controller. A subclass says which they want."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Run the module, and once more with the files that it wants, where it wants any."""
        super().run(tmp, task_vars)
        try:
            arguments = self.arguments()
        except CacheError as error:
            return error.result()
        result = self.execute(arguments, task_vars)
        if self._task.check_mode or result.get("failed"):
            return result
        files = self.wanted(result)
        if not files:
            return result
        return self.execute({**arguments, **self.brought(self._bring(files))}, task_vars)

    def arguments(self) -> Arguments:
        """The module's arguments for the first run. Raises CacheError to refuse them."""
        return dict(self._task.args)

    def wanted(self, result: Result) -> Mapping[str, str]:
        """The paths here of the files that the first run has asked for, each by a key of its own."""
        raise NotImplementedError

    def brought(self, places: Mapping[str, str]) -> Arguments:
        """The arguments by which the module is told where they are. places: paths on the host, by the same keys."""
        return dict(places)

    def execute(self, arguments: Arguments, task_vars: dict[str, Any] | None) -> Result:
        """Run the module in a temporary directory that lives as long as the task."""
        if self._connection._shell.tmpdir is None:  # noqa: SLF001 - ansible-core has no public name for it
            self._make_tmp_path()
        result: Result = self._execute_module(module_args=arguments, task_vars=task_vars)
        return result

    def _bring(self, files: Mapping[str, str]) -> dict[str, str]:
        shell = self._connection._shell  # noqa: SLF001 - as above
        places = {}
        for key, path in files.items():
            # The name tells what is in the file; two folders may have one of the same name.
            place = shell.join_path(shell.tmpdir, f"{key[:12]}-{os.path.basename(path)}")
            self._transfer_file(path, place)
            places[key] = place
        self._fixup_perms2((shell.tmpdir, *places.values()))
        return places


class ControllerFileAction(ControllerFilesAction):
    """Base for modules that take `archive`. A subclass says which argument may name a controller file."""

    source_argument = ""
    setting = ""
    path = ""
    """Of the file, where it is one of the controller."""

    def arguments(self) -> Arguments:
        """The arguments, with what is known of the file."""
        arguments = super().arguments()
        source = str(arguments.get(self.source_argument) or "")
        if self.is_on_controller(source):
            self.path = self.find(source)
            arguments.update(self.known(self.path, arguments))
        return arguments

    def wanted(self, result: Result) -> Mapping[str, str]:
        """The one file."""
        return {"archive": self.path} if self.path and result.get("wants_archive") else {}

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

    def known(self, path: str, arguments: Arguments) -> Arguments:
        """Arguments to add now that the file is known. Raises CacheError to refuse the file."""
        raise NotImplementedError
