"""A small file system of its own under each node's journals, so that it can be filled without filling the machine.

An image of ext4 is mounted on the host below the node's /mnt, where a node that boots takes it in with the rest, and
once more (the same device) inside a node that runs already. Killing a node leaves it as it is, as a power cut would.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab import mounts
from lab import node as nodes
from lab.commands import run
from lab.state import LabState, Node
from tests.chaos.release import Release

SIZE_MIB = 1280
"""Preflight asks for 1 GiB, beside what the file system keeps for itself. The image takes what is written."""
FILLER = "filler"


class JournalDisks:
    """One disk a node, mounted at the release's storage root."""

    def __init__(self, release: Release) -> None:
        self._release = release

    def mount(self) -> None:
        """Make and mount them; nothing to do for those that are there."""
        for node in self._state.joined:
            self._mount(node)

    def fill(self, node: Node) -> None:
        """Leave no block free on a node's disk."""
        with (self._place(node) / FILLER).open("wb") as filler:
            end, size = 0, SIZE_MIB << 20
            while size >= 512:
                try:
                    os.posix_fallocate(filler.fileno(), end, size)  # reserves blocks, writes none
                    end += size
                except OSError:
                    size //= 2

    def free(self, node: Node) -> None:
        """Give the space back."""
        (self._place(node) / FILLER).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take them away with what is on them."""
        for node in self._state.joined:
            if nodes.is_running(self._state, node):
                place = self._release.storage
                script = (
                    f"while mountpoint -q {place}; do umount -l {place}; done; rmdir {place} || :"
                )
                nodes.inside(self._state, node, ["sh", "-c", script])
            mounts.unmount_all(self._place(node))
            if self._place(node).is_dir():
                self._place(node).rmdir()
            self._image(node).unlink(missing_ok=True)

    @property
    def _state(self) -> LabState:
        return self._release.lab.state

    def _place(self, node: Node) -> Path:
        base = self._release.lab.paths.node(node.name).real("mnt")
        return base / self._release.storage.removeprefix("/mnt/")

    def _image(self, node: Node) -> Path:
        return self._release.lab.paths.node(node.name).base / f"{self._release.name}-disk.img"

    def _mount(self, node: Node) -> None:
        image, place = self._image(node), self._place(node)
        if not mounts.is_mounted(place):
            with image.open("wb") as file:
                file.truncate(SIZE_MIB << 20)
            run(["mkfs.ext4", "-q", "-m", "0", image])
            place.mkdir(exist_ok=True)
            run(["mount", "-o", "loop", image, place])
            (place / "lost+found").rmdir()
        device = run(
            ["findmnt", "--noheadings", "--output", "SOURCE", "--first-only", place]
        ).strip()
        number = Path(f"/sys/block/{Path(device).name}/dev").read_text().strip().replace(":", " ")
        inner = self._release.storage
        script = f"""
            mountpoint -q {inner} && exit 0
            set -e
            rm -f /dev/journal-disk && mknod -m 600 /dev/journal-disk b {number}
            mkdir -p {inner} && mount -t ext4 /dev/journal-disk {inner}
        """
        nodes.inside(self._state, node, ["sh", "-c", script])
