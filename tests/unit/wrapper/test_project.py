from __future__ import annotations

from pathlib import Path

import pytest

from alluxops.errors import UsageError
from alluxops.project import find_project


def test_a_checkout_is_found_from_its_package(tmp_path: Path) -> None:
    (tmp_path / "collections" / "ansible_collections" / "alluxops" / "cache").mkdir(parents=True)
    (tmp_path / "playbooks").mkdir()
    package = tmp_path / "src" / "alluxops"
    package.mkdir(parents=True)
    found = find_project(package, {})
    assert (found.kind, found.root) == ("repository", tmp_path)


@pytest.mark.parametrize("given", ["collections", "collections/ansible_collections"])
def test_else_the_installed_collection(tmp_path: Path, given: str) -> None:
    root = tmp_path / "collections" / "ansible_collections" / "alluxops" / "cache"
    (root / "playbooks").mkdir(parents=True)
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / given)}
    found = find_project(tmp_path / "site-packages" / "alluxops", environ)
    assert (found.kind, found.root) == ("collection", root)


def test_neither_is_an_error_that_says_where_it_looked(tmp_path: Path) -> None:
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "nowhere")}
    with pytest.raises(UsageError, match=f"{tmp_path}/nowhere"):
        find_project(tmp_path / "alluxops", environ)
