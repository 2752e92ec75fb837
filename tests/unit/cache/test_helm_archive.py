"""The archive that Helm is taken from."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

HELM = b"\x7fELF the real one"


def archive(path: Path, members: dict[str, bytes | None]) -> str:
    """Write a tar.gz; a member without content is a symlink to /etc/passwd. Returns its SHA-256."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            entry.size = len(content or b"")
            tar.addfile(entry, io.BytesIO(content or b""))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_binary_is_taken_out_of_the_archive(tmp_path: Path) -> None:
    tar = tmp_path / "helm.tar.gz"
    archive(tar, {"linux-amd64/README.md": b"x", "linux-amd64/helm": HELM, "../evil": b"x"})
    target = tmp_path / "out" / "helm"
    target.parent.mkdir()
    helm_archive.extract(str(tar), str(target), "the archive")
    assert target.read_bytes() == HELM
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["helm", "helm.tar.gz", "out"]


@pytest.mark.parametrize("members", [{"linux-amd64/README.md": b"x"}, {"linux-amd64/helm": None}])
def test_an_archive_without_the_binary_is_refused(
    tmp_path: Path, members: dict[str, bytes | None]
) -> None:
    tar = tmp_path / "helm.tar.gz"
    archive(tar, members)
    with pytest.raises(CacheError, match="has no file `helm`"):
        helm_archive.extract(str(tar), str(tmp_path / "helm"), "the archive")
    assert not (tmp_path / "helm").exists()


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    tar = tmp_path / "helm.tar.gz"
    tar.write_bytes(content)
    with pytest.raises(CacheError, match=r"is not a tar archive|has no file"):
        helm_archive.extract(str(tar), str(tmp_path / "helm"), "the archive")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    tar = tmp_path / "helm.tar.gz"
    archive(tar, {"linux-amd64/helm": bytes(range(256)) * 5000})
    tar.write_bytes(tar.read_bytes()[:-40])
    with pytest.raises(CacheError, match="is not a tar archive"):
        helm_archive.extract(str(tar), str(tmp_path / "helm"), "the archive")


def test_another_checksum_is_refused_with_both(tmp_path: Path) -> None:
    tar = tmp_path / "helm.tar.gz"
    digest = archive(tar, {"helm": HELM})
    helm_archive.refuse_checksum(str(tar), digest, "https://get.test/helm.tar.gz")
    with pytest.raises(CacheError) as caught:
        helm_archive.refuse_checksum(str(tar), "0" * 64, "https://get.test/helm.tar.gz")
    assert f"Wanted sha256:{'0' * 64}, found sha256:{digest}" in str(caught.value)
    assert "https://get.test/helm.tar.gz" in str(caught.value)


def test_the_note_holds_for_this_archive_and_this_binary_only() -> None:
    text = helm_archive.note("aa", "bb").decode()
    assert helm_archive.is_noted(text, "aa", "bb")
    assert not helm_archive.is_noted(text, "aa", "cc")
    assert not helm_archive.is_noted(text, "cc", "bb")
    assert not helm_archive.is_noted(None, "aa", "bb")
    assert not helm_archive.is_noted("", "aa", "")
