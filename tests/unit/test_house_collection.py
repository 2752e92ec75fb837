"""The built collection works without the repository beside it."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tools.build_collection import build
from tools.repository import COLLECTION, ROOT, tool_environment

GALAXY = yaml.safe_load((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection installed from its archive, and nothing else."""
    folder = tmp_path_factory.mktemp("collections")
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    archive = build(tmp_path_factory.mktemp("build"))
    command = ["ansible-galaxy", "collection", "install", "--offline", "--no-deps"]
    subprocess.run(
        [*command, "--collections-path", str(folder), str(archive)],
        cwd=folder,
        env=_environment(folder),
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


def _environment(folder: Path) -> dict[str, str]:
    return tool_environment(
        ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=str(folder),
        ANSIBLE_ROLES_PATH=str(folder / "no-roles-here"),
        ANSIBLE_LOCALHOST_WARNING="false",
    )


def test_the_playbooks_of_the_installed_collection_load(installed: Path) -> None:
    playbooks = [f"alluxops.cache.{path.stem}" for path in sorted(ROOT.glob("playbooks/*.yml"))]
    done = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks],
        cwd=installed,
        env=_environment(installed),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("playbook: ") == len(playbooks)


def test_the_archive_holds_what_the_playbooks_need(installed: Path) -> None:
    inside = installed / "ansible_collections" / "alluxops" / "cache"
    wanted = [
        "charts/alluxio/Chart.yaml",
        "charts/zookeeper/Chart.yaml",
        "roles/settings/vars/main.yml",
        "LICENSE",
    ]
    assert [name for name in wanted if not (inside / name).is_file()] == []


def test_collection_and_package_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert GALAXY["version"] == project["version"]


def test_dependencies_are_those_of_the_repository() -> None:
    required = yaml.safe_load((ROOT / "collections/requirements.yml").read_text(encoding="utf-8"))
    assert {entry["name"] for entry in required["collections"]} == set(GALAXY["dependencies"])
