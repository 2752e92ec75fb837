"""Directories are made and corrected once, and a file in the way is refused with its path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import host_directories
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def entry(path: Path, mode: str = "0750") -> dict[str, object]:
    return {"path": str(path), "owner": os.getuid(), "group": os.getgid(), "mode": mode}


def test_what_is_missing_is_made_and_what_differs_corrected_once(tmp_path: Path) -> None:
    base, tier = tmp_path / "base", tmp_path / "base" / "tier0"
    base.mkdir(mode=0o700)
    wanted = [entry(tier), entry(base, "0755")]
    steps = host_directories.plan(wanted)
    assert host_directories.result(steps) == {"made": [str(tier)], "corrected": [str(base)]}
    host_directories.have(steps)
    assert stat.S_IMODE(tier.stat().st_mode) == 0o750
    assert stat.S_IMODE(base.stat().st_mode) == 0o755
    assert host_directories.plan(wanted) == []


def test_a_file_in_the_place_of_a_parent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("")
    with pytest.raises(CacheError, match="is a file, not a directory"):
        host_directories.plan([entry(tmp_path / "base" / "tier0")])
