"""What runs on nodes, on each Debian that a node may have: its Python, util-linux and systemd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration import role_under_test
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.timeout(900)  # the release's tree may have to be built first

STORAGE = "/mnt/node-debians-test"
BASE = f"{STORAGE}/alluxio/alluxio"
IMAGE = "/var/lib/containerd/node-debians.img"
OURS = {"root": STORAGE, "namespace": "alluxio", "release": "alluxio"}
CLEAR = (
    f"losetup --noheadings --output NAME --associated {IMAGE} | xargs -r losetup --detach;"
    f" rm -rf {IMAGE} {STORAGE}"
)


@dataclass(frozen=True)
class Spare:
    """A node in no cluster. debian: its release."""

    lab: RunningLab
    node: str
    debian: int
    directory: Path

    def sh(self, script: str) -> str:
        return self.lab.on_node(self.node, script)

    def module(self, name: str, *options: str, **arguments: Any) -> str:
        """Run a module; what Ansible printed. It fails where the module does."""
        command = ("ansible", self.node, "--become", "-m", f"alluxops.cache.{name}")
        return self.lab.run(*command, "-a", json.dumps(arguments), *options)

    def store(self, *options: str) -> dict[str, int]:
        """Run the role node_storage; how many tasks changed something."""
        wanted = {"node_storage_root": STORAGE}
        argv = role_under_test.command(self.directory, "node_storage", self.node, wanted, *options)
        done = role_under_test.play(self.lab, argv)
        assert done.code == 0, done.output
        return done.changed


@pytest.fixture(params=[11, 12, 13], ids="debian-{}".format)
def spare(lab: RunningLab, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spare]:
    found = Spare(lab, lab.spare_node(debian=request.param), request.param, tmp_path)
    found.sh(CLEAR)
    yield found
    found.sh(CLEAR)


def test_what_runs_on_nodes_runs_on_this_debian(spare: Spare) -> None:
    told = spare.module("node_check", path=STORAGE, membership=True)
    assert f"Debian GNU/Linux {spare.debian}" in told
    assert f"os_version: '{spare.debian}'" in told
    assert "containerd_answers: " in told

    assert spare.store("--check", "--diff") == {spare.node: 1}
    assert spare.store() == {spare.node: 1}
    assert spare.sh(f"stat -c '%u:%g %a' {BASE}/domain {BASE}/tier0").splitlines() == [
        "1000:1000 750",
        "1000:1000 750",
    ]
    assert spare.store() == {spare.node: 0}

    spare.sh(
        f"python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{BASE}/domain/gone\")'"
    )
    assert f"{BASE}/domain: a domain socket" in spare.module("node_worker", "--check", **OURS)
    spare.sh(f"test -S {BASE}/domain/gone")
    assert f"{BASE}/domain: a domain socket" in spare.module("node_worker", **OURS)
    spare.sh(f"test ! -e {BASE}/domain/gone")
    assert "changed: false" in spare.module("node_worker", **OURS)


def test_a_disk_is_looked_at_on_this_debian(spare: Spare) -> None:
    spare.sh(f"truncate -s 64M {IMAGE}")
    device = spare.lab.attach(spare.node, IMAGE)
    # Debian 13 comes without mkfs.ext4: named here, its package would be installed.
    wanted = {**OURS, "device": device, "host": spare.node, "packages": ["e2fsprogs"]}
    told = spare.module("node_device", "--check", **wanted)
    assert "step: format" in told
    assert spare.sh(f"blkid -p {device} || true").strip() == ""
    assert spare.sh(f"grep {STORAGE} /etc/fstab || true").strip() == ""
