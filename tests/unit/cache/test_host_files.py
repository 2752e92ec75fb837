"""Files that are replaced whole, and files that are fetched."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import host_fetch, host_files
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_in_one_step_with_the_wanted_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    host_files.write_bytes(str(path), b"first")
    before = path.stat().st_ino
    path.chmod(0o600)
    host_files.write_bytes(str(path), b"second")
    assert path.read_bytes() == b"second"
    assert mode(path) == 0o644
    assert path.stat().st_ino != before, "readers keep the old file or see the new one"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_nothing_is_left_where_a_file_cannot_be_put(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        host_files.write_bytes(str(tmp_path / "taken"), b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_restore_puts_back_the_content_or_the_absence(tmp_path: Path) -> None:
    path = tmp_path / "file"
    absent = host_files.read_bytes(str(path))
    assert absent is None
    path.write_bytes(b"old")
    old = host_files.read_bytes(str(path))
    path.write_bytes(b"new")
    host_files.restore(str(path), old)
    assert path.read_bytes() == b"old"
    host_files.restore(str(path), absent)
    host_files.restore(str(path), absent)
    assert not path.exists()


def test_a_file_is_fetched_up_to_a_limit(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 1000)
    host_fetch.fetch(source.as_uri(), str(target), "helm_apt_key_url", 1000)
    assert target.read_bytes() == b"x" * 1000
    with pytest.raises(CacheError, match="more than 999 bytes"):
        host_fetch.fetch(source.as_uri(), str(tmp_path / "other"), "helm_apt_key_url", 999)


@pytest.mark.parametrize(
    "url", ["file:///nowhere/key.asc", "http://127.0.0.1:1/key.asc", "nonsense"]
)
def test_an_address_that_gives_no_file_is_named_with_its_setting(tmp_path: Path, url: str) -> None:
    with pytest.raises(CacheError) as caught:
        host_fetch.fetch(url, str(tmp_path / "key"), "helm_apt_key_url", 1000)
    assert url in str(caught.value)
    assert "helm_apt_key_url" in str(caught.value)
