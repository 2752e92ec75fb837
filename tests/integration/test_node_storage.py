"""The role node_storage on the lab's nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration import role_under_test
from tests.integration.cache_under_test import Outcome
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.timeout(600)  # several runs of Ansible each

STORAGE = "/mnt/node-storage-test"
TIER = f"{STORAGE}/alluxio/alluxio/tier0"
NODES = ("n1", "n2", "n3")


@dataclass(frozen=True)
class Nodes:
    """The lab's nodes, with a storage root of this test's own."""

    lab: RunningLab
    directory: Path

    def play(self, *options: str, fails: bool = False, **settings: Any) -> str:
        """Run the role; returns what Ansible printed."""
        hosts = "cache_masters:cache_workers"
        wanted = {"node_storage_root": STORAGE, **settings}
        argv = role_under_test.command(self.directory, "node_storage", hosts, wanted, *options)
        done = role_under_test.play(self.lab, argv)
        assert (done.code != 0) is fails, done.output
        return done.output

    def sh(self, node: str, script: str) -> str:
        return self.lab.on_node(node, script)

    def listing(self, node: str) -> list[str]:
        """`path owner:group mode` of every directory, in order."""
        return self.sh(
            node, f"find {STORAGE} -type d -printf '%p %U:%G %04m\\n' 2> /dev/null | sort"
        ).splitlines()


def changed(output: str) -> dict[str, int]:
    """Host -> how many tasks changed something there."""
    return Outcome(0, output).changed


WANTED = [
    f"{STORAGE} 0:0 0755",
    f"{STORAGE}/alluxio 0:0 0755",
    f"{STORAGE}/alluxio/alluxio 0:0 0755",
    f"{STORAGE}/alluxio/alluxio/domain 1000:1000 0750",
    f"{STORAGE}/alluxio/alluxio/journal 1000:1000 2770",
    f"{STORAGE}/alluxio/alluxio/tier0 1000:1000 0750",
]


@pytest.fixture
def nodes(lab: RunningLab, tmp_path: Path) -> Iterator[Nodes]:
    bare = Nodes(lab, tmp_path)
    clear = f"umount -q {TIER}; rm -rf {STORAGE}"
    for node in NODES:
        bare.sh(node, clear)
    yield bare
    for node in NODES:
        bare.sh(node, clear)


def test_directories_are_shown_made_and_then_left_alone_in_one_task_a_host(nodes: Nodes) -> None:
    rehearsal = nodes.play("--check", "--diff")
    assert f"+{WANTED[-1]}" in rehearsal
    assert nodes.listing("n2") == []

    first = nodes.play()
    assert changed(first) == dict.fromkeys(NODES, 1)
    for node in NODES:
        assert nodes.listing(node) == WANTED
    # The role's own task, and Ansible's check of the role's arguments.
    assert first.count("\nTASK [node_storage : ") <= 2

    assert changed(nodes.play()) == dict.fromkeys(NODES, 0)
    after = nodes.play("--check", "--diff")
    assert changed(after) == dict.fromkeys(NODES, 0)
    assert "--- before" not in after


def test_a_host_gets_the_directories_of_its_groups_only(nodes: Nodes) -> None:
    addresses = nodes.lab.state.addresses
    inventory = nodes.directory / "hosts.yml"
    listed = {
        "all": {
            "hosts": {
                node: {"ansible_host": addresses.node(index)} for index, node in enumerate(NODES, 1)
            },
            "children": {
                "cache_masters": {"hosts": {"n1": {}}},
                "cache_workers": {"hosts": {"n2": {}, "n3": {}}},
            },
        }
    }
    inventory.write_text(yaml.safe_dump(listed))
    variables = nodes.lab.inventory / "group_vars/all.yml"
    nodes.play("-i", str(inventory), "-e", f"@{variables}")
    assert nodes.listing("n1") == [
        line for line in WANTED if "domain" not in line and "tier0" not in line
    ]
    assert nodes.listing("n2") == [line for line in WANTED if "journal" not in line]


def test_owner_and_mode_are_put_right_and_content_is_left_alone(nodes: Nodes) -> None:
    nodes.play()
    nodes.sh(
        "n2",
        f"touch {TIER}/block; chown 12:34 {TIER}/block; chmod 604 {TIER}/block;"
        f" mkdir -m 711 {TIER}/own; chown 0:0 {TIER}; chmod 777 {TIER}",
    )
    rehearsal = nodes.play("--check", "--diff")
    assert f"-{TIER} 0:0 0777" in rehearsal
    assert f"+{TIER} 1000:1000 0750" in rehearsal
    assert changed(nodes.play()) == {"n1": 0, "n2": 1, "n3": 0}
    stat = nodes.sh("n2", f"stat -c '%u:%g %a' {TIER} {TIER}/block {TIER}/own").splitlines()
    assert stat == ["1000:1000 750", "12:34 604", "0:0 711"]


@pytest.mark.parametrize(
    ("obstacle", "says"),
    [
        (f"ln -s /etc {TIER}", f"{TIER} is a symlink to /etc"),
        (f"touch {TIER}", f"{TIER} is a file, not a directory"),
        (
            f"rmdir {STORAGE}/alluxio/alluxio && ln -s /etc {STORAGE}/alluxio/alluxio",
            "is a symlink to /etc",
        ),
    ],
    ids=["symlink", "file", "symlink-above"],
)
def test_what_is_in_the_way_is_refused_and_left_as_it_is(
    nodes: Nodes, obstacle: str, says: str
) -> None:
    nodes.sh("n3", f"mkdir -p {STORAGE}/alluxio/alluxio; {obstacle}")
    before = nodes.sh("n3", f"ls -lR {STORAGE}; stat -c '%U:%G %a' /etc")
    output = nodes.play(fails=True)
    assert says in " ".join(output.split())
    assert "Fix: " in output
    assert nodes.sh("n3", f"ls -lR {STORAGE}; stat -c '%U:%G %a' /etc") == before


def test_a_mounted_tier_stays_mounted_and_becomes_the_pods(nodes: Nodes) -> None:
    nodes.play()
    nodes.sh("n3", f"mount -t tmpfs -o size=1m tier {TIER}; touch {TIER}/block")
    assert changed(nodes.play())["n3"] == 1
    assert nodes.sh("n3", f"findmnt -no FSTYPE {TIER}; ls {TIER}").split() == ["tmpfs", "block"]
    assert nodes.sh("n3", f"stat -c '%u:%g %a' {TIER}").strip() == "1000:1000 750"
    assert changed(nodes.play())["n3"] == 0
    nodes.sh("n3", f"umount {TIER}")


def test_a_read_only_file_system_is_named_with_a_fix(nodes: Nodes) -> None:
    nodes.sh("n3", f"mkdir {STORAGE}; mount -t tmpfs -o ro,size=1m,mode=755 root {STORAGE}")
    try:
        output = nodes.play(fails=True)
    finally:
        nodes.sh("n3", f"umount {STORAGE}")
    assert "mounted read-only" in output


@pytest.mark.parametrize("root", ["mnt/fuse3", "/mnt/../etc", "/"])
def test_a_root_that_is_no_plain_path_is_refused(nodes: Nodes, root: str) -> None:
    assert "must be absolute" in nodes.play(fails=True, node_storage_root=root)
