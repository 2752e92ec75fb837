"""The files of the controller that hosts are to get, each looked at once in a run, however many hosts name it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.alluxops.cache.plugins.module_utils import package_files
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

Offer = dict[str, Any]


class Files:
    """find: the absolute path of a file, searched as `copy` does. faults: what stands against files so far."""

    def __init__(self, find: Callable[[str, str], str]) -> None:
        self._find = find
        self._seen: dict[tuple[str, str], Offer | None] = {}
        self.faults: list[SettingsError] = []

    def offers(self, files: Sequence[Mapping[str, Any]]) -> list[Offer]:
        """What the files bring; those that are refused are left out, and stand in `faults`."""
        found = (self._offer(str(file["path"]), str(file.get("checksum") or "")) for file in files)
        return [offer for offer in found if offer is not None]

    def _offer(self, name: str, checksum: str) -> Offer | None:
        key = (name, checksum)
        if key not in self._seen:
            try:
                self._seen[key] = self._look(name, checksum)
            except SettingsError as error:
                self._seen[key] = None
                self.faults.append(error)
        return self._seen[key]

    def _look(self, name: str, checksum: str) -> Offer:
        try:
            path = self._find("files", os.path.expanduser(name))
        except AnsibleError as fault:
            raise SettingsError(
                f"{package_files.SETTING} has {name!r}, and there is no such file on the controller.",
                fix="give an absolute path, or one beside the playbook.",
            ) from fault
        return {**package_files.look(path, checksum), "path": path}
