"""What runs once on every node imports little: each module of Ansible is compiled anew on each host, each time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.repository import ROOT

COSTLY = {"email", "http", "ssl", "urllib.request", "xml", "yaml", "tarfile"}


@pytest.mark.parametrize("name", ["node_check", "node_worker", "node_directories", "node_device"])
def test_a_module_of_every_node_does_not_import_what_is_costly(name: str) -> None:
    module = f"ansible_collections.alluxops.cache.plugins.modules.{name}"
    script = (
        f"import sys, ansible.module_utils.basic; before = set(sys.modules); import {module};"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not COSTLY & set(done.stdout.split())
