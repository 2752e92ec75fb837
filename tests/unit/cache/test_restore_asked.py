"""What `restore` asks for first, where several settings are missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import restore as action
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError


@pytest.mark.parametrize("revision", [0, 3])
@pytest.mark.parametrize(
    ("source", "said"), [("", "restore_from is not set"), ("latest", "alluxio_confirm_restore is")]
)
def test_which_backup_is_asked_before_whether_it_is_meant(
    monkeypatch: pytest.MonkeyPatch, source: str, said: str, revision: int
) -> None:
    settings = SimpleNamespace(release="alluxio", root_ufs="s3://b")
    monkeypatch.setattr(action, "Settings", SimpleNamespace(from_dict=lambda _: settings))
    plugin: Any = action.ActionModule.__new__(action.ActionModule)
    asked = {"settings": {}, "source": source, "confirm": "", "revision": revision}
    with pytest.raises(SettingsError, match=said):
        plugin._check(None, asked)
