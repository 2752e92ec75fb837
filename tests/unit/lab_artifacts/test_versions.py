"""Component versions come from one file, and a wrong entry is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.versions import VersionsError, load


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_repositorys_file_has_every_component() -> None:
    versions = load()
    assert versions.kubernetes.count(".") == 2
    assert versions.alluxio.startswith("2.9.")
    assert versions.alluxio != versions.alluxio_older


def test_a_missing_component_is_named_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "versions.yml", "settings_versions: {helm: 4.3.1}\n")
    with pytest.raises(VersionsError, match=r"versions\.yml: settings_versions\.alluxio is None"):
        load(path)


def test_a_version_that_yaml_reads_as_a_number_is_refused(tmp_path: Path) -> None:
    text = Path(load.__globals__["VERSIONS_FILE"]).read_text(encoding="utf-8")
    version = load().alluxio
    path = write(tmp_path / "versions.yml", text.replace(f"alluxio: {version}", "alluxio: 2.10"))
    with pytest.raises(VersionsError, match=r"alluxio is the number 2\.1"):
        load(path)


def test_a_file_without_the_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionsError, match="no mapping"):
        load(write(tmp_path / "versions.yml", "- helm\n"))
    with pytest.raises(VersionsError, match="cannot be read"):
        load(tmp_path / "absent.yml")
