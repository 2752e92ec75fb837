"""Which loop devices of this machine are a lab's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import loops
from lab.state import LabState, Node

LAB = LabState("demo", 3, (Node(1), Node(2)))


@pytest.fixture(autouse=True)
def own_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLUXOPS_STATE", str(tmp_path))


def listed(name: str, file: Path, seen_as: str | Path) -> dict[str, object]:
    """What losetup says of a device; the file's path is the one in the mount namespace that attached it."""
    found = file.stat()
    number = f"{os.major(found.st_dev)}:{os.minor(found.st_dev)}"
    return {
        "name": name,
        "back-maj:min": f"  {number}  ",
        "back-ino": found.st_ino,
        "back-file": str(seen_as),
    }


def test_a_device_is_the_labs_by_its_file_and_not_by_its_path_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = LAB.paths.node("n2")
    in_node, of_root, own = (
        paths.real("kubelet") / "disk.img",
        paths.root / "srv/disk.img",
        tmp_path / "disk.img",
    )
    for file in (in_node, of_root, own):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    devices = [
        listed("/dev/loop0", own, "/var/lib/kubelet/disk.img"),  # this machine's own, of that path
        listed("/dev/loop1", own, own),
        listed("/dev/loop2", in_node, "/var/lib/kubelet/disk.img"),
        listed("/dev/loop6", in_node, "/disk.img"),  # its node has ended
        listed("/dev/loop3", of_root, "/srv/disk.img"),
        listed("/dev/loop4", in_node, in_node),  # attached on this machine
        listed("/dev/loop5", own, "/var/lib/kubelet/gone.img (deleted)"),
    ]
    monkeypatch.setattr(loops, "_listed", lambda: devices)
    assert loops.attached(LAB) == ["/dev/loop2", "/dev/loop6", "/dev/loop3", "/dev/loop4"]
