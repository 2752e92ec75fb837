"""What is installed is pinned by hash and comes from wherever the user's package settings say."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import ansible_collections
from tools.repository import ROOT

LOCKS = ("requirements.txt", "tools/uv-requirements.txt", "tests/bench/pyinfra-requirements.txt")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _pins(text: str) -> dict[str, str]:
    return dict(PIN.findall(text))


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_has_hashes_and_no_addresses(name: str) -> None:
    text = _read(name)
    blocks = re.split(r"\n(?=[a-z0-9])", text.partition("\n#    make lock\n")[2])
    assert blocks
    for block in blocks:
        assert PIN.match(block), block
        assert "--hash=sha256:" in block, block
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_lock_covers_every_dependency() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~! ]", entry, maxsplit=1)[0].lower() for entry in wanted}
    assert names <= set(_pins(_read("requirements.txt")))


def test_the_environment_is_what_the_lock_says() -> None:
    pins = _pins(_read("requirements.txt"))
    for name in ("ansible", "ansible-core", "ansible-runner", "kubernetes", "openshift"):
        assert metadata.version(name) == pins[name]


def test_collections_of_a_bare_ansible_core_are_those_of_the_package() -> None:
    """collections/requirements.yml pins the versions that the `ansible` package brings."""
    folders = [folder for folder in ansible_collections.__path__ if "site-packages" in folder]
    required = yaml.safe_load(_read("collections/requirements.yml"))["collections"]
    assert required
    for collection in required:
        manifest = Path(folders[0], *collection["name"].split("."), "MANIFEST.json")
        found = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
        assert collection["version"] == found, collection["name"]
