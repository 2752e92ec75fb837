"""The settings action on real inventories: the example passes, a spoilt one is refused with file and line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import settings

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "inventory/example"
PLAY = """
- hosts: kube_control:cache_masters:cache_workers
  gather_facts: false
  tasks:
    - name: Check every setting
      alluxops.cache.settings:
        roles_path: {roles}
        needs_control: "{{{{ goes_on | default(false) }}}}"
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
    assert settings["secret_name"] == "datasets-s3"


def write_values(inventory: Path, text: str) -> Path:
    """Values of the user's beside the inventory, named in its settings."""
    values = inventory.parent / "values.yaml"
    values.write_text(text)
    named = inventory / "group_vars/all/50-values.yml"
    named.write_text("alluxio_values_files: [../values.yaml]\n")
    return values


def test_ansible_reads_the_example_without_a_warning() -> None:
    """Ansible takes every file in an inventory's folder for an inventory: chart values there become groups."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-inventory")),
            "-i",
            str(EXAMPLE),
            "--graph",
        ],
        env={**os.environ, "ANSIBLE_CONFIG": ""},
        cwd=ROOT / "inventory",  # no ansible.cfg: it must be right for the installed collection too
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert set(re.findall(r"@(\w+):", done.stdout)) == {
        "all", "ungrouped", "kube_control", "cache_masters", "cache_workers", "new_workers",
    }  # fmt: skip


def test_values_files_are_named_relative_to_the_inventory(inventory: Path) -> None:
    values = write_values(inventory, "worker:\n  jvmOptions: [-Xmx3g]\n")
    result = check(inventory)
    assert not result.get("failed"), result["msg"]
    (found,) = result["settings"]["values_files"]
    assert Path(found).resolve() == values


def test_a_values_file_that_is_a_folder_is_not_said_to_be_missing(inventory: Path) -> None:
    result = check(inventory, "-e", json.dumps({"alluxio_values_files": [str(inventory)]}))
    assert "inventory cannot be read." in result["msg"]
    assert "missing" not in result["msg"]
    result = check(inventory, "-e", json.dumps({"alluxio_values_files": ["/nowhere.yaml"]}))
    assert "the values file /nowhere.yaml is missing." in result["msg"]


def test_what_a_role_has_left_for_others_is_no_unknown_variable(inventory: Path) -> None:
    left = {
        name
        for file in (ROOT / "roles").glob("*/tasks/*.yml")
        for name in re.findall(r"register: (allux[a-z]+_[a-z0-9_]+)", file.read_text())
    }
    assert left == set(settings.RESULTS)
    result = check(inventory, "-e", json.dumps({name: {} for name in left}))
    assert not result.get("failed"), result


def test_every_fault_is_told_with_its_line(inventory: Path) -> None:
    cache = inventory / "group_vars/all/20-cache.yml"
    text = cache.read_text().replace("alluxio_masters: 3", "alluxio_masters: 2")
    cache.write_text(text + "alluxio_relase: x\n")
    write_values(inventory, "worker:\n  jvmOptions: [-Xmx4g]\nalluxio.zookeeper.enabled: true\n")
    result = check(inventory, "-e", "alluxio_worker_quota=1G", "-e", "alluxio_root_ufs=")
    assert result["failed"]
    assert result["refused"] is True
    message = result["msg"]
    line = text.splitlines().index("alluxio_masters: 2") + 1
    assert f"alluxio_masters is 2 (inventory/group_vars/all/20-cache.yml:{line})." in message
    assert "alluxio_relase is not a variable of alluxops (inventory/group_vars/all/" in message
    assert "alluxio_worker_quota is '1G'" in message
    assert "alluxio_root_ufs is not set" in message
    assert "values.yaml:3)" in message


def test_a_variable_of_a_wrong_type_stands_at_its_default_for_the_other_checks(
    inventory: Path,
) -> None:
    result = check(inventory, "-e", "alluxio_masters=three")
    assert "alluxio_masters is 'three'" in result["msg"]
    assert result["msg"].count("Error: ") == 1


def test_a_confirmation_counts_only_where_it_is_given_for_one_run(inventory: Path) -> None:
    """Kept in the inventory, `force` and its confirmation would erase the metadata at every `site`."""
    force = ("-e", "alluxio_journal_format=force")
    names = ("alluxio_confirm_format", "alluxio_confirm_purge", "alluxio_confirm_restore")
    given = dict.fromkeys(names, "alluxio")
    (inventory / "group_vars/all/90-confirm.yml").write_text(yaml.safe_dump(given))
    result = check(inventory, *force)
    assert result["refused"] is True
    for name in names:
        assert f"{name} is 'alluxio' (inventory/group_vars/all/90-confirm.yml:" in result["msg"]
        assert f"-e {name}=alluxio" in result["msg"]
    result = check(inventory, *force, "-e", json.dumps(given))
    assert not result.get("failed"), result["msg"]


def test_what_is_said_of_one_upgrade_or_rollback_does_not_count_from_the_inventory(
    inventory: Path,
) -> None:
    """Kept there, it would be said of another revision, or of other masters that do not serve."""
    given = {"rollback_version": "2.9.6", "upgrade_without_backup": "alluxio"}
    (inventory / "group_vars/all/90-confirm.yml").write_text(yaml.safe_dump(given))
    result = check(inventory)
    assert result["refused"] is True
    for name, value in given.items():
        assert f"{name} is '{value}' (inventory/group_vars/all/90-confirm.yml:" in result["msg"]
        assert f"-e {name}={value}" in result["msg"]
    result = check(inventory, "-e", json.dumps(given))
    assert not result.get("failed"), result["msg"]


def test_credentials_are_in_no_result(inventory: Path) -> None:
    secret = {"accessKeyId": "AKIA1", "secretKey": "hunter2"}
    result = check(inventory, "-e", json.dumps({"alluxio_root_ufs_credentials": secret}))
    assert not result.get("failed"), result["msg"]
    assert result["settings"]["root_ufs_credentials_given"] is True
    assert "hunter2" not in json.dumps(result)


def test_a_variable_that_only_some_hosts_have_is_refused(inventory: Path) -> None:
    """The run reads it once; node_storage would make directories elsewhere than the chart looks for them."""
    for place, text in (
        ("host_vars/node2.example.com.yml", "node_storage_root: /data/x\n"),
        ("group_vars/cache_masters.yml", "alluxio_worker_quota: '8589934592'\n"),
        ("group_vars/cache_workers.yml", "alluxio_version: 2.9.4\n"),
    ):
        (inventory / place).parent.mkdir(exist_ok=True)
        (inventory / place).write_text(text)
    result = check(inventory)
    assert result["refused"] is True
    message = result["msg"]
    assert (
        "node_storage_root is '/mnt/fuse3' for control1.example.com (inventory/group_vars/"
        in message
    )
    assert (
        "'/data/x' for node2.example.com (inventory/host_vars/node2.example.com.yml:1)" in message
    )
    assert "alluxio_version is '2.9.6' for control1.example.com" in message
    assert "'2.9.4' for node1.example.com and 5 more hosts" in message
    assert "group_vars/all" in message
    assert "alluxio_worker_quota" not in message  # the same, written as text


def test_a_value_that_each_host_makes_of_its_own_name_is_refused(inventory: Path) -> None:
    result = check(inventory, "-e", "node_storage_root='/data/{{ inventory_hostname_short }}'")
    assert "node_storage_root is '/data/control1' for control1.example.com" in result["msg"]
    assert "and '/data/node1' for node1.example.com (" in result["msg"]


def test_what_concerns_helm_may_stand_with_the_host_that_has_it(inventory: Path) -> None:
    (inventory / "group_vars/kube_control.yml").write_text("helm_version: 4.3.0\n")
    result = check(inventory)
    assert not result.get("failed"), result["msg"]


def test_credentials_that_differ_are_not_shown(inventory: Path) -> None:
    secret = "alluxio_root_ufs_credentials: {accessKeyId: AKIA1, secretKey: hunter2}\n"
    (inventory / "group_vars/cache_workers.yml").write_text(secret)
    message = check(inventory)["msg"]
    assert "alluxio_root_ufs_credentials" in message
    assert "hunter2" not in message


def test_what_no_verb_reads_yet_is_refused_with_its_place(inventory: Path) -> None:
    data = inventory / "group_vars/all/30-data.yml"
    data.write_text(data.read_text().replace("alluxio_tenants: []", "alluxio_tenants: [{a: 1}]"))
    result = check(inventory)
    assert "alluxio_tenants: no verb of this version reads it (" in result["msg"]
    assert "30-data.yml:" in result["msg"]
    assert result["refused"]


def test_a_dataset_that_cannot_be_is_refused_by_every_verb_with_its_place(inventory: Path) -> None:
    data = inventory / "group_vars/all/30-data.yml"
    data.write_text(data.read_text().replace("alluxio_datasets: []", "alluxio_datasets: [{a: 1}]"))
    result = check(inventory)
    assert "alluxio_datasets[0].a is no key of a dataset (" in result["msg"]
    assert "30-data.yml:" in result["msg"]


def test_a_limit_without_kube_control_is_refused_where_something_would_be_deployed(
    inventory: Path,
) -> None:
    limit = ["--limit", "node2.example.com"]
    assert not check(inventory, *limit).get("failed")
    result = check(inventory, *limit, "-e", '{"goes_on": true}')
    assert result["refused"] is True
    assert "no host of kube_control is in --limit node2.example.com" in result["msg"]
    assert not check(inventory, "--limit", "kube_control", "-e", '{"goes_on": true}').get("failed")


def test_credentials_of_a_registry_are_refused_wherever_they_stand(inventory: Path) -> None:
    """Also where the host that the run reads does not have them: those that are to join may have it alone."""
    name = "bootstrap_workers_containerd_cri"
    given = {name: {"registry": {"configs": {"r": {"auth": {"password": "hunter2"}}}}}}
    for group in ("all", "new_workers"):
        (inventory / f"group_vars/{group}").mkdir(exist_ok=True)
        file = inventory / f"group_vars/{group}/90-cri.yml"
        file.write_text(yaml.safe_dump(given))
        (inventory / "new.yml").write_text(yaml.safe_dump({"new_workers": {"hosts": {"new1": {}}}}))
        result = check(inventory)
        assert result["failed"]
        assert f"{name} is given with registry.configs.r.auth" in result["msg"], result["msg"]
        assert "hunter2" not in result["msg"]
        file.unlink()
