"""The settings action on real inventories: the example passes, a spoilt one is refused with file and line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "inventory/example"
PLAY = """
- hosts: kube_control:cache_masters:cache_workers
  gather_facts: false
  tasks:
    - name: Check every setting
      alluxops.cache.settings:
        roles_path: {roles}
      run_once: true
      register: __checked
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A copy of the example inventory with a kubeconfig that exists."""
    copy = tmp_path / "inventory"
    shutil.copytree(EXAMPLE, copy)
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/prod.yaml").write_text("{}")
    return copy


def check(inventory: Path, *words: str) -> dict[str, Any]:
    """The result of the settings action, in a playbook that has the role's defaults."""
    play = inventory.parent / "play.yml"
    tasks = yaml.safe_load(PLAY.format(roles=ROOT / "roles"))
    tasks[0]["roles"] = [str(ROOT / "roles/settings")]
    play.write_text(yaml.safe_dump(tasks))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(inventory),
            str(play),
            "-e",
            f"alluxio_chart_ref={ROOT / 'charts/alluxio'}",  # its default is relative to a role
            *words,
        ],
        env={
            **os.environ,
            "HOME": str(inventory.parent),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        },
        cwd=inventory.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    (host,) = answer["plays"][0]["tasks"][-1]["hosts"].values()
    result: dict[str, Any] = host
    return result


def test_the_example_inventory_is_right(inventory: Path) -> None:
    result = check(inventory)
    assert not result.get("failed"), result["msg"]
    settings = result["settings"]
    assert settings["masters"] == 3
    assert [node["name"] for node in settings["cache_masters"]] == ["node1", "node2", "node3"]
    assert settings["values_files"] == [str(inventory / "values/resources.yaml")]
    assert settings["secret_name"] == "datasets-s3"


def test_every_fault_is_told_with_its_line(inventory: Path) -> None:
    cache = inventory / "group_vars/all/20-cache.yml"
    text = cache.read_text().replace("alluxio_masters: 3", "alluxio_masters: 2")
    cache.write_text(text + "alluxio_relase: x\n")
    values = inventory / "values/resources.yaml"
    values.write_text(values.read_text() + "alluxio.zookeeper.enabled: true\n")
    result = check(inventory, "-e", "alluxio_worker_quota=1G", "-e", "alluxio_root_ufs=")
    assert result["failed"]
    assert result["refused"] is True
    message = result["msg"]
    line = text.splitlines().index("alluxio_masters: 2") + 1
    assert f"alluxio_masters is 2 (inventory/group_vars/all/20-cache.yml:{line})." in message
    assert "alluxio_relase is not a variable of alluxops (inventory/group_vars/all/" in message
    assert "alluxio_worker_quota is '1G'" in message
    assert "alluxio_root_ufs is not set" in message
    last = len(values.read_text().splitlines())
    assert f"(inventory/values/resources.yaml:{last})" in message


def test_a_variable_of_a_wrong_type_stands_at_its_default_for_the_other_checks(
    inventory: Path,
) -> None:
    result = check(inventory, "-e", "alluxio_masters=three")
    assert "alluxio_masters is 'three'" in result["msg"]
    assert result["msg"].count("Error: ") == 1


def test_credentials_are_in_no_result(inventory: Path) -> None:
    secret = {"accessKeyId": "AKIA1", "secretKey": "hunter2"}
    result = check(inventory, "-e", json.dumps({"alluxio_root_ufs_credentials": secret}))
    assert not result.get("failed"), result["msg"]
    assert result["settings"]["root_ufs_credentials_given"] is True
    assert "hunter2" not in json.dumps(result)
