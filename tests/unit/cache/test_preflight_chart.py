"""Preflight checks the values for a chart from a repository where Helm can read it, and says so where it cannot."""

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

from tests.unit.cache.settings_cases import with_
from tools.repository import ROOT

HELM = """#!/bin/sh
case "$2" in
chart) echo '{name: alluxio, version: 0.6.54}' ;;
values) echo '{worker: {resources: {limits: {memory: 3Gi}}}}' ;;
esac
"""
REPOSITORY = "https://charts.example.test"


def preflight(folder: Path, values: dict[str, Any], helm: str = "") -> list[dict[str, Any]]:
    """The results of the tasks in chart.yml, on a kube_control that is this machine."""
    settings = with_(
        chart_ref="alluxio", chart_repo_url=REPOSITORY, chart_is_local=False, values=values
    )
    variables = {
        "__preflight_settings": {"settings": settings.as_dict()},
        "alluxops_kubeconfig": str(folder / "kubeconfig"),
        "alluxio_release": "alluxio",
        "alluxio_namespace": "alluxio",
        "alluxio_chart_version": "",
        "alluxio_chart_repo_url": REPOSITORY,
        **({"alluxops_helm": {"path": helm}} if helm else {}),
    }
    (folder / "kubeconfig").write_text(
        yaml.safe_dump({"clusters": [], "contexts": [], "users": [], "current-context": ""})
    )
    tasks = str(ROOT / "roles/preflight/tasks/chart.yml")
    play = {"hosts": "kube_control", "gather_facts": False, "vars": variables}
    play["tasks"] = [{"name": "Check", "ansible.builtin.import_tasks": tasks}]
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    (folder / "hosts.yml").write_text(
        yaml.safe_dump({"kube_control": {"hosts": {"h1": {"ansible_connection": "local"}}}})
    )
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [ansible, "-i", str(folder / "hosts.yml"), str(folder / "play.yml")],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    return [next(iter(task["hosts"].values())) for task in answer["plays"][0]["tasks"]]


def test_the_values_for_a_repositorys_chart_are_checked_where_helm_is(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_text(HELM)
    helm.chmod(0o755)
    *_, good = preflight(tmp_path, {}, str(helm))
    assert good["family"] == "upstream"
    assert good["tolerations"] == {"masters": [], "workers": [], "zookeeper": []}
    *_, bad = preflight(tmp_path, {"master": {"count": 3}}, str(helm))
    assert "master.count is 3" in bad["msg"]
    assert bad["refused"]


@pytest.mark.skipif(shutil.which("helm") is not None, reason="this machine has a Helm of its own")
def test_without_helm_it_says_that_the_values_are_unchecked(tmp_path: Path) -> None:
    read, said, checked = preflight(tmp_path, {"master": {"count": 3}})
    assert not read.get("failed")
    assert said["msg"].startswith("The values are not checked: alluxio comes from a repository")
    assert checked["skipped"]
